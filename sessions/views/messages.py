"""The message log: what goes out, what went out, what did not and why; repair beside the row."""
from __future__ import annotations

import datetime as dt
from typing import Any

from csp.constants import SELF
from csp.decorators import csp_update
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from clinic import access_log
from clinic.choices import AccessCategory, Permission
from clinic.errors import Refused
from clinic.http import StaffRequest
from clinic.idempotency import once
from clinic.models import Site
from clinic.permissions import requires
from sessions import letters, message_log, message_repair
from sessions.forms.messages import ArrivedForm, FilterForm, SendAgainForm
from sessions.message_log import Filters
from sessions.models import Message

PAGE_SIZE = 25
DAYS_SHOWN_BACK, DAYS_SHOWN_AHEAD = 7, 1  # around now, until somebody chooses other days
# The mail is a page of its own inside ours: no script, no form, nothing from elsewhere, no way out of its frame.
FRAMED = csp_update({"frame-src": [SELF]})
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; form-action 'none'; sandbox"


@FRAMED
@requires(Permission.SEE_PERSON)
@require_safe
def messages(request: StaffRequest) -> HttpResponse:
    if request.GET.get("q"):
        access_log.note(request, AccessCategory.SEARCH, detail={"letters": len(request.GET["q"][:100])})
    return show_log(request)


@FRAMED
@requires(Permission.SEE_PERSON)
@require_safe
def message(request: StaffRequest, public_id: str) -> HttpResponse:
    """The log with one message open beside it."""
    chosen = find(request, public_id)
    access_log.viewed(request, patient=chosen.patient, of=chosen)
    return show_log(request, chosen)


@xframe_options_sameorigin
@requires(Permission.SEE_PERSON)
@require_safe
def message_mail(request: StaffRequest, public_id: str) -> HttpResponse:
    """The mail as it was sent or, before that, as the patient would get it now; for the frame in the panel."""
    chosen = find(request, public_id)
    access_log.viewed(request, patient=chosen.patient, of=chosen)
    html = chosen.html or letters.rehearse(chosen).html
    return HttpResponse(html, headers={"Content-Security-Policy": MAIL_POLICY})


@FRAMED
@requires(Permission.CHANGE_PERSON)
@require_POST
def message_send_again(request: StaffRequest, public_id: str) -> HttpResponse:
    chosen = find(request, public_id)
    form = SendAgainForm(request.POST, message=chosen)
    if not form.is_valid():
        return show_log(request, chosen, form=form, status=422)
    try:
        with once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            again = message_repair.send_again(
                message=chosen, seen_state=form.cleaned_data["seen_state"], by=access_log.doer_of(request),
                address=form.cleaned_data["address"],
            )  # fmt: skip
            return attempt.leads_to(with_query(request, again))
    except Refused as refusal:
        return refused(request, chosen, form, refusal)


@FRAMED
@requires(Permission.CHANGE_PERSON)
@require_POST
def message_arrived(request: StaffRequest, public_id: str) -> HttpResponse:
    chosen = find(request, public_id)
    form = ArrivedForm(request.POST, message=chosen)
    if not form.is_valid():
        out_of_date = Refused(_("The page was out of date. Please try once more."))
        return refused(request, chosen, SendAgainForm(message=chosen), out_of_date)
    try:
        with once(request) as attempt:
            if attempt.answer:
                return redirect(attempt.answer)
            message_repair.mark_arrived(
                message=chosen, seen_state=form.cleaned_data["seen_state"], by=access_log.doer_of(request)
            )
            return attempt.leads_to(with_query(request, chosen))
    except Refused as refusal:
        return refused(request, chosen, SendAgainForm(message=chosen), refusal)


# --- shared ---------------------------------------------------------------------------------------------------------
def refused(request: StaffRequest, chosen: Message, form: SendAgainForm, refusal: Refused) -> HttpResponse:
    if not form.is_bound:
        form = SendAgainForm({"seen_state": chosen.state}, message=chosen)
        form.is_valid()
    form.refuse(refusal)
    chosen.refresh_from_db()
    return show_log(request, chosen, form=form, status=refusal.status)


def find(request: StaffRequest, public_id: str) -> Message:
    rows = message_log.visible(request.user, request.site)
    chosen: Message = get_object_or_404(
        rows.select_related("patient", "site", "appointment__site", "appointment__patient", "rule_version"), public_id=public_id
    )
    return chosen


def with_query(request: StaffRequest, chosen: Message) -> str:
    """The message opened in the list as it was filtered. The list stays what it was beside the panel."""
    query = request.GET.urlencode()
    return f"{reverse('message', args=[chosen.public_id])}{'?' if query else ''}{query}"


def show_log(
    request: StaffRequest, chosen: Message | None = None, *, form: SendAgainForm | None = None,
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    site = request.site
    filter_form = FilterForm(with_default_days(request, site))
    filters = filter_form.chosen() if filter_form.is_valid() else Filters(tab=picked_tab(request))
    everything = message_log.visible(request.user, site)
    page = Paginator(message_log.found(everything, filters, site), PAGE_SIZE).get_page(request.GET.get("page"))
    counted = message_log.counts(everything)
    context: dict[str, Any] = {
        "filter_form": filter_form, "filters": filters, "page": page, "query": request.GET.urlencode(),
        "now_clock": f"{timezone.now().astimezone(site.zone):%H:%M}",
        "tabs": tabs(filters, counted), "anything": counted["all"], "chosen": chosen,
        "rows": message_log.rows(
            page.object_list, site, first_page=page.number == 1, newest_first=filters.tab == "all"
        ),
    }  # fmt: skip
    if chosen is not None:
        may_change = Permission.CHANGE_PERSON in request.permissions
        context |= {
            "detail": message_log.detail(chosen, site), "may_change": may_change,
            "form": form or SendAgainForm(message=chosen), "arrived_form": ArrivedForm(message=chosen),
        }  # fmt: skip
    fragment = request.htmx and request.htmx.target == "message-log"
    return render(request, "messages/log.html#log" if fragment else "messages/log.html", context, status=status)


def with_default_days(request: StaffRequest, site: Site) -> dict[str, str]:
    """The typed filters. On the first tab, with nothing asked for, the days around now."""
    typed = {name: request.GET[name] for name in FilterForm.base_fields if name in request.GET}
    asked = {"first", "last", "q"} & set(typed)
    if not asked and typed.get("tab", "all") == "all":
        today = site.today()
        typed["first"] = (today - dt.timedelta(days=DAYS_SHOWN_BACK)).isoformat()
        typed["last"] = (today + dt.timedelta(days=DAYS_SHOWN_AHEAD)).isoformat()
    return typed


def picked_tab(request: StaffRequest) -> str:
    tab = request.GET.get("tab", "all")
    return tab if tab in message_log.TABS else "all"


def tabs(filters: Filters, counted: dict[str, int]) -> list[dict[str, Any]]:
    address = reverse("messages")
    words = {"all": _("All"), "scheduled": _("Scheduled"), "failed": _("Failed")}
    return [
        {
            "label": words[tab], "url": f"{address}?tab={tab}", "count": counted[tab], "active": filters.tab == tab,
            **({"icon": "mail-exclamation", "tone": "caution"} if tab == "failed" and counted["failed"] else {}),
        }
        for tab in message_log.TABS
    ]  # fmt: skip
