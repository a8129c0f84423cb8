"""The one shape of a page that carries out a deed: bind, do it once, lead on; a refusal comes back beside its field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from clinic.errors import NotPermitted, Refused, Stale
from clinic.file_fields import ask_for_files_again
from clinic.forms import HouseForm
from clinic.idempotency import answered, once

INVALID, STALE = 422, 409
DEADLOCK, LOCK_TIMEOUT = "40P01", "55P03"


AForm = TypeVar("AForm", bound=HouseForm)
ItsForm = TypeVar("ItsForm", bound=HouseForm, contravariant=True)


class Show(Protocol[ItsForm]):
    """Renders the page with the form as it stands; `theirs` is what somebody else saved meanwhile."""

    def __call__(
        self, form: ItsForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()
    ) -> HttpResponse: ...


def carry_out(
    request: HttpRequest,
    form: AForm,
    *,
    deed: Callable[[dict[str, Any]], str],
    show: Show[AForm],
    version_now: Callable[[], int] | None = None,
) -> HttpResponse:
    """GET shows the form; a valid POST carries `deed` out once and goes to the address it names.

    What was typed stays: 422 with the sentence beside the field, 409 when somebody else was first; `form.refusal` is what
    the deed said. `version_now` reads the version that is shown then, so that the next try is made knowingly from it."""
    if request.method != "POST":
        return show(form)
    if not form.is_valid():
        led_to = answered(request)
        return redirect(led_to) if led_to else show(form, status=INVALID)
    try:
        with once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            return attempt.leads_to(deed(form.cleaned_data))
    except Refused as refusal:
        if isinstance(refusal, NotPermitted) and refusal.field is None:
            raise  # 403 for the whole page: no form can mend a missing role
        form.refuse(refusal)
        if isinstance(refusal, Stale) and version_now is not None:
            form.see_again(version_now())
        return show(form, status=refusal.status, theirs=refusal.theirs)
    except OperationalError as error:
        if not is_busy(error):
            raise
        form.refuse(busy())
        return show(form, status=INVALID)


def is_busy(error: Exception) -> bool:
    """Did the database give up waiting for what somebody else holds?"""
    return isinstance(error, OperationalError) and getattr(error.__cause__, "pgcode", None) in {DEADLOCK, LOCK_TIMEOUT}


@contextmanager
def refusing_when_busy() -> Iterator[None]:
    """For pages that answer by themselves: a database that gave up waiting is a refusal like all others, said on the page
    that keeps what was typed."""
    try:
        yield
    except OperationalError as error:
        if not is_busy(error):
            raise
        raise busy() from error


def busy() -> Refused:
    return Refused(
        _("Somebody else is saving at this very moment. Nothing was changed; please send it again."), code="busy"
    )


def form_page(
    request: HttpRequest,
    form: HouseForm,
    *,
    title: str,
    act: str,
    back: str,
    deed: Callable[[dict[str, Any]], object],
    lead: str = "",
    template: str = "one_form.html",
    version_now: Callable[[], int] | None = None,
    next_page: Callable[[dict[str, Any]], str] | None = None,
    **more: Any,
) -> HttpResponse:
    """A page of its own for one form: `deed` gets the clean values, then it goes back to where the page came from, or to
    what `next_page` finds that somebody has to look at now."""

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        if form.is_bound and form.errors:
            ask_for_files_again(form)
        context = {
            "form": form, "patient": None, "title": title, "lead": lead, "act": act, "back": back, "theirs": theirs
        }  # fmt: skip
        return render(request, template, context | more, status=status)

    def done(data: dict[str, Any]) -> str:
        deed(data)
        return (next_page(data) if next_page else "") or back

    return carry_out(request, form, deed=done, show=show, version_now=version_now)


def act_page(
    request: HttpRequest, form: HouseForm, *, back: str, deed: Callable[[dict[str, Any]], object],
    next_page: Callable[[dict[str, Any]], str] | None = None,
) -> HttpResponse:  # fmt: skip
    """A button without a page of its own: what cannot be done is said on a page that leads back."""
    if not form.is_valid():
        raise Refused(_("This form does not fit what is saved now. Reload the page and try again."))
    with once(request) as attempt:
        if attempt.answer is None:
            deed(form.cleaned_data)
            return attempt.leads_to((next_page(form.cleaned_data) if next_page else "") or back)
    return redirect(back)
