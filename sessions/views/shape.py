"""The one shape of a page that carries out a deed: bind, do it once, lead on; a refusal comes back beside its field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from django.http import HttpResponse
from django.shortcuts import redirect, render

from clinic import access_log
from clinic.errors import NotPermitted, Refused, Stale
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.idempotency import once
from patients.models import Patient

INVALID, STALE = 422, 409


class Show(Protocol):
    """Renders the page with the form as it stands; `theirs` is what somebody else saved meanwhile."""

    def __call__(
        self, form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()
    ) -> HttpResponse: ...


def carry_out(
    request: StaffRequest,
    form: HouseForm,
    *,
    deed: Callable[[dict[str, Any]], str],
    show: Show,
    version_now: Callable[[], int] | None = None,
) -> HttpResponse:
    """GET shows the form; a valid POST carries `deed` out once and goes to the address it names.

    What was typed stays: 422 with the sentence beside the field, 409 when somebody else saved first. `version_now`
    reads the version that is shown then, so that the next try is made knowingly from it."""
    if request.method != "POST":
        return show(form)
    if not form.is_valid():
        return show(form, status=INVALID)
    try:
        with once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            return attempt.leads_to(deed(form.cleaned_data))
    except NotPermitted:
        raise  # 403 for the whole page, logged: no form can mend a missing role
    except Stale as stale:
        form.refuse(stale)
        if version_now is not None:
            form.see_again(version_now())
        return show(form, status=STALE, theirs=stale.theirs)
    except Refused as refusal:
        form.refuse(refusal)
        return show(form, status=INVALID)


def form_page(
    request: StaffRequest,
    form: HouseForm,
    *,
    patient: Patient | None,
    title: str,
    act: str,
    back: str,
    deed: Callable[[dict[str, Any]], object],
    version_now: Callable[[], int] | None = None,
    **more: Any,
) -> HttpResponse:
    """A page of its own for one form: `deed` gets the clean values, then it goes back to where the page came from."""

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        context = {"form": form, "patient": patient, "title": title, "act": act, "back": back, "theirs": theirs}
        return render(request, "one_form.html", context | more, status=status)

    def done(data: dict[str, Any]) -> str:
        deed(data)
        return back

    if request.method == "GET" and patient is not None:
        access_log.viewed(request, patient=patient)
    return carry_out(request, form, deed=done, show=show, version_now=version_now)
