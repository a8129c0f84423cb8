"""For the manager: what patients ask about their data, by when it must be answered, and the answer."""
from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import form_page
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.office import staff_tabs
from clinic.permissions import requires
from patients.labels import DataRequestState, ToldBy
from patients.models import DataRequest
from patients.views.common import here
from sessions import data_requests as deeds

PAGE_SIZE = 25
OUTCOMES = [(DataRequestState.DONE.value, gettext_lazy("Done")), (DataRequestState.REFUSED.value, gettext_lazy("Refused"))]


class SettleForm(HouseForm):
    outcome = forms.ChoiceField(label=gettext_lazy("What became of it"), choices=OUTCOMES, widget=forms.RadioSelect)
    reason = forms.CharField(
        label=gettext_lazy("What was done, or why not"), max_length=600, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("The patient reads these words in a mail. No health details."),
    )  # fmt: skip
    told_by = forms.ChoiceField(
        label=gettext_lazy("How was the patient told?"), choices=[(one.value, one.label) for one in deeds.BY_HAND],
        widget=forms.RadioSelect, error_messages={"required": gettext_lazy("Tell the patient yourself, then say how.")},
    )  # fmt: skip

    def __init__(self, *args: Any, by_hand: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not by_hand:
            del self.fields["told_by"]
        else:
            self.fields["reason"].help_text = _("These words are the answer. No health details.")


def requests_seen_by(request: StaffRequest) -> Any:
    return deeds.answerable_by(request.user).select_related("patient", "site", "settled_by")


@requires(Permission.ANSWER_DATA_REQUESTS)
@require_safe
def data_requests(request: StaffRequest) -> HttpResponse:
    """Open ones first, the nearest due date on top; then the settled ones, the newest on top."""
    tab = "settled" if request.GET.get("tab") == "settled" else "open"
    rows = requests_seen_by(request)
    open_rows = rows.filter(state=DataRequestState.OPEN)
    listed = open_rows.order_by("due_on", "id") if tab == "open" else rows.exclude(
        state=DataRequestState.OPEN).order_by("-settled_at", "-id")  # fmt: skip
    access_log.viewed(request)
    context = {
        "tab": tab, "tabs": staff_tabs("data-requests", request),
        "lists": [
            {"label": _("To answer"), "url": reverse("data-requests"), "active": tab == "open"},
            {"label": _("Answered"), "url": reverse("data-requests") + "?tab=settled", "active": tab == "settled"},
        ],
        "page": Paginator(listed, PAGE_SIZE).get_page(request.GET.get("page")), "today": here(request).today(),
    }  # fmt: skip
    return render(request, "data_requests/list.html", context)


@requires(Permission.ANSWER_DATA_REQUESTS)
@require_http_methods(["GET", "POST"])
def data_request_settle(request: StaffRequest, public_id: str) -> HttpResponse:
    found = get_object_or_404(requests_seen_by(request), public_id=public_id)
    if request.method == "GET":
        access_log.viewed(request, patient=found.patient, of=found)
    by_hand = deeds.has_no_mail(found.patient)

    def settle(data: dict[str, Any]) -> None:
        settled = deeds.settle(
            request=found, outcome=data["outcome"], reason=data["reason"], told_by=data.get("told_by", ""),
            seen_version=data["seen_version"], by=doer_of(request),
        )  # fmt: skip
        by_mail = settled.told_by == ToldBy.MAIL
        messages.success(request, _("Saved. The answer goes to the patient by mail.") if by_mail else _(
            "Saved. No mail goes out. How the patient was told: %(way)s.") % {"way": settled.get_told_by_display()})  # fmt: skip

    return form_page(
        request, SettleForm(request.POST or None, by_hand=by_hand, seen_version=found.version), title=_("Answer the request"),
        act=_("Save") if by_hand else _("Save and tell the patient"), back=reverse("data-requests"),
        template="data_requests/settle.html", patient=found.patient, found=found, today=here(request).today(),
        by_hand=by_hand, deed=settle, version_now=lambda: DataRequest.objects.get(pk=found.pk).version,
    )  # fmt: skip
