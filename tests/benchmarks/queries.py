"""How many queries each measured page asks, on the load clinic, as JSON: of a day without visits and of a full one."""

from __future__ import annotations

import datetime as dt
import json
import sys

import django

POLL = {"X-Poll": "1"}


def main() -> None:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from clinic.models import User
    from tests.benchmarks.serving import DESK

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.get(email=DESK))

    def asked(path: str, expected: int = 200, **headers: str) -> int:
        client.get(path, headers=headers)  # what a process asks once in its life is asked now
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path, headers=headers)
        assert answer.status_code == expected, (path, answer.status_code)
        return len(queries)

    today = dt.datetime.now(dt.UTC).date()
    full, empty = (today - dt.timedelta(days=(today.isoweekday() - day) % 7 or 7) for day in (2, 7))  # Tuesday, Sunday
    found = {}
    for name, day in (("a full day", full), ("an empty day", empty)):
        feed = f"/calendar/feed/?first={day}&last={day}&by=practitioner"
        seen = client.get(feed).json()["revision"]
        found |= {f"calendar day, {name}": asked(feed), f"board, {name}": asked(f"/?day={day}"),
                  f"calendar poll, {name}": asked(f"{feed}&seen={seen}", 204, **POLL)}  # fmt: skip
    found["patient search"] = asked("/patients/search/?q=mannstein", **{"HX-Request": "true"})
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    django.setup()
    main()
