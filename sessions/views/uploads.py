"""Letters and laboratory reports of a patient: the list, a new one, the file itself (downloaded, never shown), withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import AccessCategory, Permission
from clinic.deeds import carry_out
from clinic.errors import Refused
from clinic.file_fields import ask_for_files_again
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.permissions import requires
from protocols import catalogue
from sessions import uploading
from sessions.clearing_page import history_of, papers_of, standing_rules
from sessions.forms.clearance import UploadForm, WithdrawUploadForm
from sessions.models import UploadKind
from sessions.views.fetching import patient_or_404, upload_or_404
from sessions.views.shape import patient_form_page

# A file somebody else wrote: whatever stands in it, a browser may neither show nor run it here.
FILE_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


@requires(Permission.SEE_CLINICAL)
@require_safe
def uploads(request: StaffRequest, public_id: str) -> HttpResponse:
    """All papers of this patient, withdrawn ones too, and every clearance that was ever given."""
    patient = patient_or_404(request, public_id)
    access_log.viewed(request, patient=patient)
    rules = catalogue.in_force()
    context = {
        "patient": patient,
        "papers": papers_of(patient, rules),
        "clearances": history_of(patient.clearances, rules),
    }
    return render(request, "uploads/uploads.html", context)


@requires(Permission.CHANGE_CLINICAL)
@require_http_methods(["GET", "POST"])
def upload_new(request: StaffRequest, public_id: str) -> HttpResponse:
    """Add a letter or a report; `rule` in the address is the finding it is meant for."""
    patient = patient_or_404(request, public_id)
    rule_code = request.GET.get("rule", "")
    back = reverse("uploads", args=[patient.public_id])
    if request.method == "GET":
        access_log.viewed(request, patient=patient)

    def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
        ask_for_files_again(form)
        return render(request, "uploads/new.html", {"form": form, "patient": patient, "back": back}, status=status)

    def keep(data: dict[str, Any]) -> str:
        uploading.keep(patient=patient, new=form.new_file(), rule_code=data["rule_code"], by=doer_of(request))
        return back

    form = UploadForm(
        request.POST or None, request.FILES or None, rules=standing_rules(patient, besides=rule_code),
        initial={"rule_code": rule_code, "kind": UploadKind.LETTER},
    )  # fmt: skip
    return carry_out(request, form, deed=keep, show=show)


@requires(Permission.SEE_CLINICAL)
@require_safe
def upload_file(request: StaffRequest, public_id: str) -> HttpResponse:
    """The stored bytes as a download, noted before the first of them leaves."""
    upload = upload_or_404(request, public_id)
    content = uploading.bytes_of(upload)
    access_log.note(request, AccessCategory.EXPORT, patient=upload.patient, of=upload)
    return HttpResponse(
        content,
        content_type=upload.content_type,
        headers={
            "Content-Disposition": content_disposition_header(True, upload.original_name) or "attachment",
            "Content-Security-Policy": FILE_POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store, private",
        },
    )


@requires(Permission.CHANGE_CLINICAL)
@require_http_methods(["GET", "POST"])
def upload_withdraw(request: StaffRequest, public_id: str) -> HttpResponse:
    upload = upload_or_404(request, public_id)
    hint = ""
    try:
        uploading.check_withdrawable(upload)
    except Refused as refusal:
        hint = refusal.sentence
    return patient_form_page(
        request, WithdrawUploadForm(request.POST or None), patient=upload.patient, hint=hint,
        title=_("Withdraw this file?"), act=_("Withdraw the file"), back=reverse("uploads", args=[upload.patient.public_id]),
        lead=_("%(name)s stays in the history and can still be downloaded there; nothing can rest on it any more.")
        % {"name": upload.original_name},
        deed=lambda data: uploading.withdraw(upload=upload, reason=data["reason"], by=doer_of(request)),
    )  # fmt: skip
