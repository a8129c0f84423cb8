"""Working times and absences of one person: to see for all staff, to change for managers."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import day_plans, ground
from clinic import shifts as working
from clinic.access_log import doer_of
from clinic.choices import Permission, Role
from clinic.day_forms import DayRemoveForm
from clinic.deeds import act_page, form_page
from clinic.errors import Refused
from clinic.http import StaffRequest
from clinic.models import Absence, Site, User
from clinic.permissions import may, requires
from clinic.place_forms import AbsenceEndForm, AbsenceForm, ShiftForm
from clinic.views.places import version_of

TREATING = {Role.PRACTITIONER, Role.MEDICAL_LEAD}


def page_of(member: User) -> str:
    return reverse("shifts", args=[member.public_id])


@requires(Permission.SEE_STAFF)
@require_safe
def shifts(request: StaffRequest, public_id: str) -> HttpResponse:
    """Where and when somebody works from today on, and when they are away."""
    member = get_object_or_404(User, public_id=public_id)
    may_change = Permission.CHANGE_STAFF in request.permissions
    patterns = working.patterns_of(member)
    treats_at = [site for site in Site.objects.all() if TREATING & set(member.roles_at(site))]
    places = {*treats_at, *(pattern.site for pattern in patterns)}
    context = {
        "member": member,
        "may_change": may_change,
        "places": [
            {
                "site": site,
                "patterns": [pattern for pattern in patterns if pattern.site == site],
                "may_change": may(request.user, Permission.CHANGE_STAFF, site),
                "single_days": [
                    (*one, DayRemoveForm(initial={"day": one[0]}, auto_id=False))
                    for one in day_plans.day_shifts_of(member, site)
                ],
            }
            for site in sorted(places, key=lambda site: site.name)
        ],
        "absences": [(one, end_form(one) if may_change else None) for one in working.absences_of(member)],
        "licensed": member.licensed_on(clock_site(request, member).today()) if treats_at else True,
    }
    return render(request, "clinic/shifts/shifts.html", context)


def end_form(absence: Absence) -> AbsenceEndForm:
    return AbsenceEndForm(initial={"starts_at": absence.span.lower.isoformat()}, auto_id=False)


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def shifts_change(request: StaffRequest, public_id: str, site_id: str) -> HttpResponse:
    member = get_object_or_404(User, public_id=public_id)
    site = get_object_or_404(Site, public_id=site_id)
    today = site.today()
    form = ShiftForm(
        request.POST or None, seen_version=member.version, week=working.week_on(member, site, today),
        initial={"from_day": today},
    )  # fmt: skip
    return form_page(
        request, form, title=_("Working times"), act=_("Save"), back=page_of(member), lead=f"{member.name}, {site.name}",
        template="clinic/places/week.html",
        deed=lambda data: working.set_working_times(
            user=member, site=site, seen_version=data["seen_version"], from_day=data["from_day"], week=data["week"],
            by=doer_of(request),
        ),
        version_now=lambda: version_of(member), next_page=lambda data: ground.next_page(person=member),
    )  # fmt: skip


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def absence_new(request: StaffRequest, public_id: str) -> HttpResponse:
    member = get_object_or_404(User, public_id=public_id)
    site = clock_site(request, member)
    form = AbsenceForm(request.POST or None)

    def enter(data: dict[str, object]) -> None:
        starts_at, ends_at = form.span(site.zone)
        working.add_absence(
            user=member, starts_at=starts_at, ends_at=ends_at, reason=str(data["reason"]), by=doer_of(request)
        )

    return form_page(
        request, form, title=_("Absence"), act=_("Add the absence"), back=page_of(member), deed=enter,
        lead=_("%(name)s, on the clock of %(site)s") % {"name": member.name, "site": site.name},
        hint=_("What is booked in this time is listed afterwards, to be moved."), hint_act="", hint_url="",
        next_page=lambda data: ground.next_page(
            person=member, first_day=data["first_day"], last_day=data["last_day"]
        ),
    )  # fmt: skip


@requires(Permission.CHANGE_STAFF)
@require_POST
def absence_end(request: StaffRequest, public_id: str) -> HttpResponse:
    member = get_object_or_404(User, public_id=public_id)
    return act_page(
        request, AbsenceEndForm(request.POST), back=page_of(member),
        deed=lambda data: working.end_absence(user=member, starts_at=data["starts_at"], by=doer_of(request)),
    )  # fmt: skip


def clock_site(request: StaffRequest, member: User) -> Site:
    """Whose clock an absence is typed on: the site chosen in the frame, else the first one the person may work at."""
    chosen = request.site or next((row.site for row in member.roles.all() if row.site), None) or Site.objects.first()
    if chosen is None:
        raise Refused(_("Add a site first: an absence needs its clock."))
    return chosen
