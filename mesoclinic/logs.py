"""Logs by allow-list: only the keys named here leave the process.

No names, no addresses with tokens, no form bodies, no error texts (PostgreSQL quotes the offending row in its own).
Write `log = structlog.get_logger(__name__)` and `log.info("constant sentence", message=public_id)`: the sentence is a
constant, what varies goes into a listed key. Records of other libraries keep their format string and lose the values.
"""
from __future__ import annotations

import logging
import os
import re
import sys
import time
import uuid
from collections.abc import Callable, Mapping, MutableMapping
from types import TracebackType
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from gunicorn.glogging import Logger as GunicornLogger

ALLOWED = frozenset(
    {
        "event", "level", "logger", "timestamp", "dropped",
        "request", "method", "view", "status", "seconds", "doer", "site",  # one line a request
        "task", "id", "name", "runtime", "attempt", "state", "count", "kind", "code",  # tasks and messages
        "message", "document", "object", "object_kind",  # public ids only
        "error", "where",  # class of an exception and the lines it came through, never its text
    }
)  # fmt: skip
SHORT = 500  # characters; no allowed value is longer
PLACEHOLDER = re.compile(r"%(\(\w+\))?[-#0 +]*\d*(\.\d+)?[sdrifgx]")
Event = MutableMapping[str, Any]


def configure(options: Mapping[str, Any]) -> None:
    """Called by Django (LOGGING_CONFIG), the worker and gunicorn: one handler, one format."""
    # The order counts: what happened is condensed first, then only the listed keys pass.
    shared: list[Callable[..., Any]] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        condense_exception,
    ]
    structlog.configure(
        processors=[*shared, only_allowed, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    last: Any = as_text if os.environ.get("LOG_FORMAT", "json") == "text" else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, without_values],
            pass_foreign_args=True,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, only_allowed, last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(options.get("level", "INFO"))
    # Each request has one line of its own (RequestLog); Django's would name the path, which may hold a token.
    for name in ("django.request", "django.server", "django.security.DisallowedHost"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in ("fontTools", "weasyprint", "asyncio"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # A tick every few seconds is no news; what a task did is a row in the database.
    for name in ("celery.beat", "celery.app.trace", "celery.worker.strategy"):
        logging.getLogger(name).setLevel(logging.WARNING)


def only_allowed(_logger: Any, _method: str, event: Event) -> Event:
    kept = {key: _short(value) for key, value in event.items() if key in ALLOWED or key.startswith("_")}
    dropped = sorted(set(event) - set(kept))
    if dropped:
        kept["dropped"] = ",".join(dropped)[:SHORT]
    return kept


def _short(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, logging.LogRecord)):
        return value
    return str(value).replace("\n", " ")[:SHORT]


def as_text(_logger: Any, _method: str, event: Event) -> str:
    """For people at a terminal (LOG_FORMAT=text): the sentence first, the rest as pairs."""
    level, sentence = str(event.pop("level", "")), event.pop("event", "")
    shown = {key: value for key, value in event.items() if key not in {"timestamp", "logger"} and value != ""}
    pairs = " ".join(f"{key}={value}" for key, value in shown.items())
    return f"{'' if level == 'info' else level.upper() + ': '}{sentence} {pairs}".strip()


def without_values(_logger: Any, _method: str, event: Event) -> Event:
    """A record of the standard library: its format string, and of a dictionary of values the listed ones."""
    record: logging.LogRecord = event["_record"]
    event["event"] = PLACEHOLDER.sub("…", str(record.msg))
    values = event.pop("positional_args", None)
    if isinstance(values, Mapping):
        event.update({key: value for key, value in values.items() if key in ALLOWED and key != "event"})
    return event


def condense_exception(_logger: Any, _method: str, event: Event) -> Event:
    """The class of an exception and where it came through; its text may quote what somebody typed."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    elif isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if info and info[0] is not None:
        event["error"] = f"{info[0].__module__}.{info[0].__qualname__}"
        event["where"] = _lines(info[2])
    event.pop("stack_info", None)
    return event


def _lines(traceback: TracebackType | None) -> str:
    places = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{'/'.join(code.co_filename.split('/')[-2:])}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return " > ".join(places[-12:])


class RequestLog:
    """One line a request: the view's name, never the address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.log = structlog.get_logger("mesoclinic.request")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = time.monotonic()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=uuid.uuid4().hex[:12])
        response = self.get_response(request)
        match = request.resolver_match
        if match is None or match.view_name not in {"live", "ready"}:
            self.log.info(
                "request",
                method=request.method,
                view=match.view_name if match else "",
                status=response.status_code,
                seconds=round(time.monotonic() - begun, 3),
                doer=getattr(getattr(request, "user", None), "public_id", ""),
            )
        return response


class ServerLog(GunicornLogger):
    """gunicorn's own lines in the same shape; its access log stays off."""

    def setup(self, cfg: Any) -> None:
        configure({"level": os.environ.get("LOG_LEVEL", "INFO")})
        self.error_log.handlers = []
        self.error_log.propagate = True
        self.error_log.setLevel(logging.INFO)
        self.access_log.disabled = True
