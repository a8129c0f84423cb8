"""The mixture builder: for a new course, and for one that is proposed. Every act but saving only shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic import access_log, idempotency
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import carry_out
from clinic.errors import Refused
from clinic.forms import HouseForm
from clinic.http import StaffRequest
from clinic.models import Site
from clinic.permissions import requires
from patients.models import Patient
from protocols import catalogue
from protocols.adapting import Situation
from protocols.definitions import Catalogue, Indication
from protocols.dosing import syringe_of
from protocols.plan import Plan
from sessions import building, coursework, mixture_papers, mixtures
from sessions.choices import CourseStatus
from sessions.explaining import name_of
from sessions.forms.mixture import MixtureForm, NewMixtureForm
from sessions.mixture_page import builder_shown, judge_form, shown_proposal
from sessions.models import Course, TreatmentSession
from sessions.plans import plan_of
from sessions.views.courses import choice_of
from sessions.views.fetching import course_or_404, patient_or_404, record_or_404

PAPERS = {"worksheet": mixture_papers.issue_worksheet, "label": mixture_papers.issue_labels}
CHECK, ADAPT, TAKE = "check", "adapt", "take"
FRAGMENTS = {CHECK: "#checked"}
EVERYTHING = "#built"


@dataclass(frozen=True)
class Builder:
    """One request to the builder: whose mixture, at which site, judged for which day, made of which form."""

    request: StaffRequest
    patient: Patient
    site: Site
    rules: Catalogue
    indication: Indication
    form_class: type[MixtureForm]
    start: Plan
    more: dict[str, Any]
    day_of: Callable[[MixtureForm], dt.date]
    seen_version: int | None = None
    course: Course | None = None
    known: dict[dt.date, Situation] = field(default_factory=dict)

    def situation(self, form: MixtureForm) -> Situation:
        """Read once for a day, however often the page is judged."""
        day = self.day_of(form)
        if day not in self.known:
            self.known[day] = mixtures.situation_of(
                patient=self.patient, site=self.site, on=day, rules=self.rules, course=self.course
            )
        return self.known[day]

    def form(self, data: QueryDict, typed: building.Typed, *, is_draft: bool) -> MixtureForm:
        kept = data.copy()
        for name in [name for name in kept if name.startswith("s") and name[1:2].isdigit()]:
            del kept[name]
        for name, value in building.written(typed).items():
            kept[name] = value
        made = self.form_class(
            kept, typed=typed, site=self.site, rules=self.rules, indication=self.indication, is_draft=is_draft,
            seen_version=self.seen_version,
        )  # fmt: skip
        if isinstance(made, NewMixtureForm):
            made.offer_rhythm(self.request.user)
        return made

    def opening(self) -> QueryDict:
        """The fields as they stand when the page is opened."""
        data = QueryDict(mutable=True)
        data.setlist("regions", list(self.start.regions))
        data["technique"], data["delivery"] = self.start.technique, self.start.delivery
        data["antiseptic"] = self.start.antiseptic or "chlorhexidine"
        for name in ("numbing_cream_g", "numbing_area_cm2"):
            amount = getattr(self.start, name)
            data[name] = building.plain(amount) if amount is not None else ""
        data[idempotency.FIELD] = idempotency.new_token()
        if self.seen_version is not None:
            data["seen_version"] = str(self.seen_version)
        for name, value in building.written(building.typed_of(self.start.syringes, self.rules)).items():
            data[name] = value
        if issubclass(self.form_class, NewMixtureForm):
            empty = self.form(data, (), is_draft=True)
            rhythm = empty.offer_rhythm(self.request.user) if isinstance(empty, NewMixtureForm) else {}
            for name, value in rhythm.items():
                data[name] = "" if value is None else str(value)
        return data

    def show(
        self, data: QueryDict, *, act: str = "", status: int = 200, refused: MixtureForm | None = None,
        theirs: Sequence[tuple[str, str]] = (),
    ) -> HttpResponse:  # fmt: skip
        """The page, or with htmx the part of it that `act` changes; judged as it stands, nothing saved."""
        typed = building.edited(building.read(data), act, data, self.rules)
        proposal = None
        form = self.form(data, self.completed(typed), is_draft=True)
        judged, form = self.judge(form)
        if judged is not None and act in {ADAPT, TAKE}:
            situation = self.situation(form)
            found = mixtures.adaptation_of(plan=judged.plan, situation=situation)
            if act == TAKE and found.plan is not None:
                form = self.form(self.taken(data, found.plan), building.typed_of(found.plan.syringes, self.rules), is_draft=True)
                judged, form = self.judge(form)
            else:
                proposal = shown_proposal(found, judged.plan, self.rules)
        if refused is not None:  # its errors stand beside its fields; the draft has none of them
            form = refused
        context = {
            "patient": self.patient, "course": self.course, "catalogue": catalogue.current(), "proposal": proposal,
            "act": act, "refused": refused, "theirs": theirs, "title": name_of(self.indication.code, self.rules.indications),
            "indication": self.indication, "judged_for": self.day_of(form), "here": self.request.get_full_path(),
            **self.more, **builder_shown(form, judged, self.situation(form), posted=building.read(data), act=act),
        }  # fmt: skip
        part = FRAGMENTS.get(act, EVERYTHING) if self.request.htmx and act else ""
        return render(self.request, f"mixtures/builder.html{part}", context, status=status)

    def judge(self, form: MixtureForm) -> tuple[Any, MixtureForm]:
        """What is known of the form as it stands; a plan that means nothing is refused above it."""
        try:
            return judge_form(form, self.situation(form)), form
        except Refused as refusal:
            form.refuse(refusal)
            return None, form

    def completed(self, typed: building.Typed) -> building.Typed:
        """Every line with its other figure filled in."""
        return building.completed_lines(typed, self.rules)

    def taken(self, data: QueryDict, plan: Plan) -> QueryDict:
        kept = data.copy()
        kept["numbing_cream_g"] = building.plain(plan.numbing_cream_g) if plan.numbing_cream_g is not None else ""
        if plan.numbing_cream_g is None:
            kept["numbing_area_cm2"] = ""
        return kept

    def answer(self, save: Callable[[MixtureForm], str], version_now: Callable[[], int] | None = None) -> HttpResponse:
        """GET opens; a POST with `act` shows what it does; without, it saves."""
        request = self.request
        if request.method == "GET":
            access_log.viewed(request, patient=self.patient, of=self.course)
            return self.show(self.opening())
        if request.POST.get("act"):
            return self.show(request.POST, act=request.POST["act"])
        wished = self.form(request.POST, building.read(request.POST), is_draft=False)

        def show(form: HouseForm, *, status: int = 200, theirs: Sequence[tuple[str, str]] = ()) -> HttpResponse:
            return self.show(wished.data, status=status, refused=wished, theirs=theirs)

        return carry_out(request, wished, deed=lambda _data: save(wished), show=show, version_now=version_now)


@requires(Permission.TREAT, Permission.SEE_CLINICAL)
@require_http_methods(["GET", "POST"])
def mixture_new(request: StaffRequest, public_id: str) -> HttpResponse:
    """Build a mixture for a new course, from an example or from nothing, and propose the course."""
    patient = patient_or_404(request, public_id)
    rules = catalogue.in_force()
    indication, example = choice_of(request, rules)
    if indication is None:
        return redirect("course-new", public_id=patient.public_id)
    if request.GET.get("mixture") == "":
        example = None
    code = example.code if example else ""
    start = Plan(
        indication=indication.code, category=indication.category.value, regions=indication.regions[:1],
        technique=example.technique if example else indication.techniques[0],
        syringes=(syringe_of(example, indication=indication.code),) if example else (),
    )  # fmt: skip
    back = f"{reverse('course-new', args=[patient.public_id])}?indication={indication.code}&mixture={code}"
    builder = Builder(
        request=request, patient=patient, site=request.site, rules=rules, indication=indication,
        form_class=NewMixtureForm, start=start, more={"back": back, "is_new": True, "save_words": _("Propose this course")},
        day_of=lambda form: first_day_of(form, request.site),
    )  # fmt: skip

    def propose(form: MixtureForm) -> str:
        if not isinstance(form, NewMixtureForm):
            raise TypeError("a new course needs its rhythm")
        wish = form.wish_for(form.plan(), mixture=code)
        course = coursework.propose(patient=patient, wish=wish, by=doer_of(request))
        return reverse("course", args=[course.public_id])

    return builder.answer(propose)


def first_day_of(form: MixtureForm, site: Site) -> dt.date:
    """The day a new course is judged for: its first day, today while none is typed that can be."""
    typed = form.fields["first_day"].widget.value_from_datadict(form.data, {}, "first_day")
    try:
        return max(dt.date.fromisoformat(str(typed)), site.today())
    except ValueError:
        return site.today()


@requires(Permission.TREAT, Permission.SEE_CLINICAL)
@require_http_methods(["GET", "POST"])
def course_mixture(request: StaffRequest, public_id: str) -> HttpResponse:
    """Change the mixture of a proposed course, or of a running one, which is then approved anew."""
    found = course_or_404(request, public_id)
    rules = catalogue.in_force()
    indication = rules.indications.get(found.indication)
    mixtures.check_changeable(found)
    if indication is None:
        raise Refused(_("The catalogue in force does not know this indication any more. Plan the course anew."))
    back = reverse("course", args=[found.public_id])
    day = coursework.next_day(found)
    builder = Builder(
        request=request, patient=found.patient, site=found.site, rules=rules, indication=indication,
        form_class=MixtureForm, start=plan_of(found), course=found, seen_version=found.version,
        more={"back": back, "is_new": False, "save_words": _("Save this mixture"),
              "starts_anew": found.status == CourseStatus.APPROVED}, day_of=lambda _form: day,
    )  # fmt: skip

    def save(form: MixtureForm) -> str:
        mixtures.change_mixture(
            course=found, plan=form.plan(), seen_version=form.cleaned_data["seen_version"], by=doer_of(request)
        )
        return back

    return builder.answer(save, version_now=lambda: course_or_404(request, public_id).version)


# ---------------------------------------------------------------------------------------------------------------- papers
@requires(Permission.TREAT, Permission.SEE_CLINICAL)
@require_POST
def course_paper(request: StaffRequest, public_id: str, paper: str) -> HttpResponse:
    """Worksheet or labels of an approved course, with blanks where the lots will stand."""
    return issue_paper(request, course_or_404(request, public_id), None, paper)


@requires(Permission.TREAT, Permission.SEE_CLINICAL)
@require_POST
def record_paper(request: StaffRequest, public_id: str, paper: str) -> HttpResponse:
    """Worksheet or labels of an open session, with the lots that were chosen."""
    record = record_or_404(request, public_id)
    return issue_paper(request, record.course, record, paper)


def issue_paper(
    request: StaffRequest, course: Course, record: TreatmentSession | None, paper: str
) -> HttpResponse:
    """In the language of whoever prepares it. Leads to the paper, which finishes by itself."""
    issue = PAPERS.get(paper)
    if issue is None:
        raise Http404
    if not HouseForm(request.POST).is_valid():
        raise Refused(_("This form does not fit what is saved now. Reload the page and try again."))
    with idempotency.once(request) as attempt:
        if attempt.answer:
            return redirect(attempt.answer)
        made = issue(course=course, record=record, by=doer_of(request), language=request.user.language)
        return attempt.leads_to(reverse("document", args=[made.public_id]))
