"""Adverse events of a patient: the list with what each one means for the next session, and the deeds on one."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.http import StaffRequest
from clinic.permissions import requires
from patients.models import Patient
from patients.views.common import here
from protocols import catalogue
from protocols.definitions import Catalogue
from sessions import reactions
from sessions.events import covers, reported_at
from sessions.explaining import day_in_words, name_of
from sessions.forms.reaction import ELSEWHERE, AssessForm, CloseForm, ReopenForm, ReportForm
from sessions.models import AdverseEvent, TreatmentSession
from sessions.reactions_page import shown_events
from sessions.views.fetching import event_or_404, patient_or_404
from sessions.views.shape import patient_form_page

LIST_LIMIT = 100


@requires(Permission.SEE_CLINICAL)
@require_safe
def patient_reactions(request: StaffRequest, public_id: str) -> HttpResponse:
    """Newest first; a report of the patient that nobody has weighed stands above all."""
    patient = patient_or_404(request, public_id)
    access_log.viewed(request, patient=patient)
    events = list(
        AdverseEvent.objects.for_patient(patient).select_related("closed_by", "weighed_by", "treatment_session__appointment")
        [:LIST_LIMIT]
    )  # fmt: skip
    said = reported_at(patient)
    unheard = said is not None and not any(covers(event, said) for event in events)
    context = {
        "patient": patient,
        "events": shown_events(events, catalogue.in_force()),
        "unheard": said if unheard else None,
        "may_report": Permission.CHANGE_CLINICAL in request.permissions,
        "may_assess": Permission.TREAT in request.permissions,
    }
    return render(request, "reactions/list.html", context)


@requires(Permission.CHANGE_CLINICAL, Permission.SEE_CLINICAL)
@require_http_methods(["GET", "POST"])
def reaction_new(request: StaffRequest, public_id: str) -> HttpResponse:
    """`?session=` names the appointment whose record it was opened from."""
    patient = patient_or_404(request, public_id)
    rules = catalogue.in_force()
    records = {record.appointment.public_id: record for record in treated(patient)}
    form = ReportForm(
        request.POST or None, sessions=[(key, words_of(record, rules)) for key, record in records.items()],
        reactions=grouped_reactions(rules),
        substances=sorted(((code, name_of(code, rules.substances)) for code in rules.substances), key=lambda one: one[1]),
    )  # fmt: skip
    chosen = request.GET.get("session", "")
    form.initial = {"session": chosen if chosen in records else next(iter(records), ELSEWHERE)}

    def report(data: dict[str, Any]) -> object:
        session = records.get(data["session"])
        return reactions.report(
            patient=patient, site=here(request), by=doer_of(request),
            event=reactions.Report(
                grade=int(data["grade"]), reaction=data["reaction"], term=data["term"], onset_on=data["onset_on"],
                treatment_session=session, elsewhere=data["elsewhere"], substances=data["substances"],
                description=data["description"], action=data["action"],
            ),
        )  # fmt: skip

    return patient_form_page(
        request, form, patient=patient, title=_("Report an adverse event"), act=pgettext("act", "Record"),
        back=reverse("patient-reactions", args=[public_id]), deed=report,
        lead=_("Until it is assessed and closed, no session starts and nothing new is booked."),
    )  # fmt: skip


def treated(patient: Patient) -> list[TreatmentSession]:
    """Sessions in which a needle was used, newest first."""
    records = TreatmentSession.objects.filter(patient=patient, begun_at__isnull=False)
    return list(records.select_related("appointment__site", "course").order_by("-begun_at")[:LIST_LIMIT])


def words_of(record: TreatmentSession, rules: Catalogue) -> str:
    day = day_in_words(record.appointment.local_start.date())
    return f"{day}, {name_of(record.course.indication, rules.indications)}"


def grouped_reactions(rules: Catalogue) -> list[tuple[str, list[tuple[str, str]]]]:
    """Adverse events first, then what is expected but may be worse than expected."""
    names = {"adverse": _("Adverse events"), "expected": _("Expected, if unusual")}
    return [
        (words, [(one.code, name_of(one.code, rules.reactions)) for one in rules.reactions.values() if one.kind == kind])
        for kind, words in names.items()
    ]


def on_event(request: StaffRequest, event: AdverseEvent, form: Any, **page: Any) -> HttpResponse:
    """A form page of one deed on one event."""
    public_id = event.public_id
    return patient_form_page(
        request, form, patient=event.patient, back=reverse("patient-reactions", args=[event.patient.public_id]),
        lead=f"{title_of(event)}, {_('grade %(grade)s') % {'grade': event.grade}}",
        version_now=lambda: event_or_404(request, public_id).version, **page,
    )  # fmt: skip


def title_of(event: AdverseEvent) -> str:
    known = catalogue.in_force().reactions.get(event.reaction)
    return known.name_in(get_language() or "en") if known else event.term


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def reaction_assess(request: StaffRequest, public_id: str) -> HttpResponse:
    event = event_or_404(request, public_id)
    return on_event(
        request, event, AssessForm(request.POST or None, event=event), title=_("Assess this event"), act=_("Assess"),
        deed=lambda data: reactions.assess(
            event=event, seen_version=data["seen_version"], causality=data["causality"], grade=int(data["grade"]),
            action=data["action"], by=doer_of(request),
        ),
    )  # fmt: skip


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def reaction_close(request: StaffRequest, public_id: str) -> HttpResponse:
    event = event_or_404(request, public_id)
    return on_event(
        request, event, CloseForm(request.POST or None, seen_version=event.version), title=_("Close this event"),
        act=pgettext("act", "Close"),
        deed=lambda data: reactions.close(
            event=event, seen_version=data["seen_version"], outcome=data["outcome"], closing=data["closing"],
            by=doer_of(request),
        ),
    )  # fmt: skip


@requires(Permission.TREAT)
@require_http_methods(["GET", "POST"])
def reaction_reopen(request: StaffRequest, public_id: str) -> HttpResponse:
    event = event_or_404(request, public_id)
    return on_event(
        request, event, ReopenForm(request.POST or None, seen_version=event.version),
        title=_("Open this event again"), act=_("Open again"),
        deed=lambda data: reactions.reopen(
            event=event, seen_version=data["seen_version"], reason=data["reason"], by=doer_of(request)
        ),
    )  # fmt: skip
