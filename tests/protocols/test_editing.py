"""Editing a draft: what may change how far, what needs a reason, what never goes, and that nothing is half-saved."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.models import AuditEvent, Site, User
from protocols import catalogue, editing, enabling, version_page, versions
from protocols.choices import Status
from protocols.leaves import leaves
from protocols.models import CatalogueChange, CatalogueEntry, CatalogueVersion, Enablement, Service
from tests import factories as make
from tests.clinic.test_places import post
from tests.protocols.drafts import change, form_values, in_force

pytestmark = pytest.mark.django_db


def saved(draft: CatalogueVersion, code: str) -> Any:
    return CatalogueEntry.objects.get(version=draft, code=code).body


# path, what stands there, tighter, looser; each of another kind
LIMITS = [
    ("sub-lidocaine", "hard_max", "250", "310"), ("sub-lidocaine", "mg_per_kg", "4", "5"),
    ("sub-dutasteride", "min_interval_days", 90, 60), ("sub-lidocaine", "typical", ["10", "30"], ["10", "60"]),
    ("reg-neck", "max_ml", "2", "4"), ("tq-bap", "hard_depth_mm", "5", "7"), ("vol-session", "limits.most_ml", "15", "25"),
    ("scr-keloid", "clauses.1.severity", "absolute", "info"), ("scr-retinoid-topical", "clauses.1.wait.days", 5, 2),
    ("ac-no-exercise", "hours_until", 72, 24), ("ind-hydration", "phases.1.interval_days.min", 25, 14),
    ("sub-dca", "never_in", ["FR", "IT"], None), ("ind-submental-fat", "only_substances", None, ["sub-dca", "sub-pc-dc"]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "path", "tighter", "looser"), LIMITS, ids=[f"{code} {path}" for code, path, _t, _l in LIMITS])
def test_tightening_is_free_and_loosening_needs_a_reason(
    draft: CatalogueVersion, lead: User, code: str, path: str, tighter: Any, looser: Any
) -> None:
    before = saved(draft, code)
    with pytest.raises(Refused) as refusal:
        change(draft, code, lead, **{path: looser})
    assert refusal.value.field == ("never_in" if path == "never_in" else "reason")
    assert saved(draft, code) == before
    assert not CatalogueChange.objects.filter(version=draft).exists()
    if tighter is not None:
        change(draft, code, lead, **{path: tighter})
        row = CatalogueChange.objects.get(version=draft, field=path)
        assert (row.direction, row.reason, row.by) == ("tightened", "", lead)
    if path != "never_in":
        change(draft, code, lead, reason="Discussed in the team", **{path: looser})
        row = CatalogueChange.objects.filter(version=draft, field=path).last()
        assert row is not None
        assert (row.direction, row.reason) == ("loosened", "Discussed in the team")


@pytest.mark.parametrize(
    ("code", "path", "inside", "outside"),
    [
        ("ac-no-water", "hours_until", 24, 25), ("ac-no-water", "hours_until", 10, 9),
        ("scr-isotretinoin", "clauses.2.wait.months", 1, 0), ("scr-isotretinoin", "clauses.2.wait.months", 5, 7),
        ("scr-diabetes-other", "clauses.2.when.above", "7.0", "6.9"),
        ("scr-diabetes-other", "clauses.2.when.above", "7.5", "8.1"),
        ("scr-nsaid-otc", "clauses.2.severity", "info", "relative"),
    ],
)  # fmt: skip
def test_a_range_is_the_whole_range(
    draft: CatalogueVersion, lead: User, code: str, path: str, inside: Any, outside: Any
) -> None:
    with pytest.raises(Refused, match="is allowed here") as refusal:
        change(draft, code, lead, reason="A reason does not help", **{path: outside})
    assert refusal.value.field == path
    change(draft, code, lead, reason="Within the range", **{path: inside})
    assert CatalogueChange.objects.filter(version=draft, field=path).exists()


def test_a_wait_that_becomes_a_note_fires_in_the_same_days_and_can_come_back(draft: CatalogueVersion, lead: User) -> None:
    change(draft, "scr-nsaid-otc", lead, reason="As cfg allows", clauses__2__severity="info")
    rules = versions.load_any(CatalogueVersion.objects.get(pk=draft.pk))
    clause = rules.rules["scr-nsaid-otc"].clauses[1]
    assert clause.wait is None
    assert "within" in str(saved(draft, "scr-nsaid-otc")["clauses"][1]["when"])
    change(draft, "scr-nsaid-otc", lead, clauses__2__severity="temporary")
    assert saved(draft, "scr-nsaid-otc")["clauses"][1]["wait"] == {"within": "q-nsaid-date", "days": 7}
    assert saved(draft, "scr-nsaid-otc")["version"] == 2


def test_a_stricter_severity_hides_no_wait_that_became_shorter(draft: CatalogueVersion, lead: User) -> None:
    change(draft, "scr-nsaid-otc", lead, reason="As cfg allows", clauses__2__severity="info")
    there = leaves(saved(draft, "scr-nsaid-otc"))
    (path,) = [path for path in there if path.startswith("clauses.2.when.") and path.endswith(".days")]
    values = {"clauses.2.severity": "temporary", path: 2}
    with pytest.raises(Refused, match="becomes looser") as refusal:
        change(draft, "scr-nsaid-otc", lead, **values)
    assert refusal.value.field == "reason"
    change(draft, "scr-nsaid-otc", lead, reason="Two days are enough", **values)
    row = CatalogueChange.objects.get(version=draft, field="clauses.2.wait.days", direction="loosened")
    assert (row.before, row.after, row.reason) == (7, 2, "Two days are enough")


@pytest.mark.parametrize(
    ("code", "typed", "beside"),
    [
        ("ck-eye-pn", {"items.2.volume_ml": "0.5"}, "items.2.substance"),
        ("ck-eye-pn", {"items.3.strength": "5"}, "items.3.substance"),
        ("ck-eye-pn", {"items.1.substance": "", "items.1.volume_ml": "3"}, "items.1.substance"),
        ("scr-mi", {"clauses.1.when.2.months": "601"}, "clauses.1.when.2.months"),
        ("scr-vaccine", {"clauses.1.wait.days": "36501"}, "clauses.1.wait.days"),
        ("scr-vaccine", {"clauses.1.wait.days": "-1"}, "clauses.1.wait.days"),
        ("lab-base", {"tests.2.when.any.1.not.is": []}, "tests.2.when.any.1.not.is"),
    ],
)  # fmt: skip
def test_a_figure_that_is_absurd_or_belongs_to_nothing_is_refused_beside_its_field(
    client: Client, draft: CatalogueVersion, lead: User, code: str, typed: dict[str, Any], beside: str
) -> None:
    make.signed_in(client, lead)
    page, before = reverse("catalogue-entry", args=[draft.public_id, code]), saved(draft, code)
    answer = post(client, page, **{**form_values(client, page), **typed}, reason="Trying")
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {beside}
    assert saved(draft, code) == before


@pytest.mark.parametrize("status", ["on", "off", "locked"])
def test_withdrawn_can_never_be_enabled(draft: CatalogueVersion, lead: User, status: str) -> None:
    with pytest.raises(Refused, match="never be used again") as refusal:
        change(draft, "sub-buflomedil", lead, reason="Please", status=status)
    assert refusal.value.field == "status"
    with pytest.raises(Refused, match="never be used again"):
        change(draft, "dv-roller-home", lead, reason="Please", status=status)


def test_locked_stays_locked_and_off_is_switched_on_with_a_reason(draft: CatalogueVersion, lead: User) -> None:
    with pytest.raises(Refused, match="stays locked"):
        change(draft, "sub-calcitonin", lead, reason="Please", status="on")
    with pytest.raises(Refused) as refusal:
        change(draft, "sub-dmae", lead, status=None)
    assert refusal.value.field == "reason"
    change(draft, "sub-dmae", lead, reason="Own experience, reviewed", status=None)
    change(draft, "sub-silicon", lead, status="withdrawn")
    rules = versions.load_any(CatalogueVersion.objects.get(pk=draft.pk))
    assert (rules.substances["sub-dmae"].status, rules.substances["sub-silicon"].status) == (Status.ON, Status.WITHDRAWN)


@pytest.mark.parametrize(
    ("code", "path", "value", "words", "field"),
    [
        ("sub-lidocaine", "hard_max", "5", "reaches 40", "typical"),
        ("ck-eye-pn", "items.1.substance", "sub-nothing", "sub-nothing", None),
        ("ind-hydration", "phases.1.sessions.default", 9, "outside its range", None),
        ("ac-hair-wash", "hours_until", 0, "0 is outside", "hours_until"),
        ("reg-neck", "depth_mm", ["3", "1"], "down to", "depth_mm"),
        ("ix-oil-alcohol", "text.en", "{nonsense}", "unknown fields", "text.en"),
    ],
)  # fmt: skip
def test_what_the_loader_refuses_is_not_saved(
    draft: CatalogueVersion, lead: User, code: str, path: str, value: Any, words: str, field: str | None
) -> None:
    before, digest = saved(draft, code), draft.digest
    with pytest.raises(Refused, match=words) as refusal:
        change(draft, code, lead, reason="Trying", **{path: value})
    assert refusal.value.field == field or field is None
    assert code in refusal.value.sentence
    draft.refresh_from_db()
    assert (saved(draft, code), draft.digest) == (before, digest)
    assert not CatalogueChange.objects.filter(version=draft).exists()
    assert not AuditEvent.objects.filter(action="catalogue-entry-changed").exists()


def test_two_people_do_not_save_over_each_other(draft: CatalogueVersion, lead: User) -> None:
    by = Doer.staff(lead)
    change(draft, "sub-lidocaine", lead, hard_max="200")
    with pytest.raises(Stale) as stale:
        editing.save_entry(version=draft, code="sub-lidocaine", values={"hard_max": "250"}, reason="", seen_edits=1, by=by)
    assert stale.value.theirs == (("Hard maximum per session", "200"),)


def test_saving_nothing_changes_nothing(draft: CatalogueVersion, lead: User, client: Client) -> None:
    """Every entry's form, sent as it is shown, leaves the entry as it was."""
    make.signed_in(client, lead)
    sample = {kind: code for kind, code, _body in reversed(catalogue.rows_of(draft))}
    for code in sorted([*sample.values(), "ind-aga", "ck-melasma-txa", "scr-nsaid-otc", "sub-dca", "vol-session", "ac-no-sun"]):
        page = reverse("catalogue-entry", args=[draft.public_id, code])
        before = saved(draft, code)
        answer = post(client, page, **form_values(client, page))
        assert answer.status_code == 302, (code, answer.context["form"].errors)
        assert saved(draft, code) == before, code
    assert not CatalogueChange.objects.filter(version=draft).exists()


def test_every_kind_has_its_words_and_its_form() -> None:
    from protocols.field_words import KINDS, ONE
    from protocols.limits import SPECS
    from protocols.loading import FIELD_BY_KIND

    assert set(FIELD_BY_KIND) == set(SPECS) == set(ONE) == set(KINDS) - {"lab"}


def test_a_mixture_gains_and_loses_a_component_and_keeps_its_sum(draft: CatalogueVersion, lead: User) -> None:
    values = {"items.2.substance": "sub-txa", "items.2.volume_ml": "0.5", "items.2.strength": "100"}
    change(draft, "ck-eye-pn", lead, reason="Tried", **values)
    assert saved(draft, "ck-eye-pn")["total_ml"] == "1.5"
    change(draft, "ck-eye-pn", lead, reason="Taken back", **{"items.2.substance": None, "items.2.volume_ml": None})
    assert [item["substance"] for item in saved(draft, "ck-eye-pn")["items"]] == ["sub-pn"]


ADDITIONS: dict[str, dict[str, Any]] = {
    "substance": {
        "code": "taurine", "name_en": "taurine", "name_tr": "taurin", "class_en": "amino acid", "class_tr": "amino asit",
        "status": "off", "role": "active", "form": "aqueous", "dose_unit": "mg", "strength_low": "50", "strength_high": "50",
        "strength_unit": "mg/ml", "typical_low": "50", "typical_high": "100", "hard_max": "200", "source": "bg",
    },
    "indication": {
        "code": "knees-dry", "name_en": "Dry knees", "name_tr": "Kuru dizler", "category": "aesthetic", "status": "on",
        "regions": ["reg-knee"], "techniques": ["tq-papule"], "evidence": "D", "effect_en": "weeks", "effect_tr": "haftalar",
        "sessions_default": "3", "sessions_min": "2", "sessions_max": "4", "interval_default": "14", "interval_min": "7",
        "interval_max": "28", "review_days": "30", "source": "dec",
    },
    "mixture": {
        "code": "knee-ha", "name_en": "Knee", "name_tr": "Diz", "indications": ["ind-hydration"], "technique": "tq-papule",
        "substance_1": "sub-ha-nc", "volume_1": "1", "strength_1": "10", "substance_2": "sub-txa", "volume_2": "0.1",
        "strength_2": "100", "source": "dec",
    },
    "mixing_rule": {
        "code": "txa-biotin", "name_en": "No biotin", "name_tr": "Biotin olmaz", "text_en": "Not {substances}.",
        "text_tr": "{substances} olmaz.", "shape": "together", "looks_at": "mix", "result": "incompatible",
        "substances": ["sub-txa"], "with_substances": ["sub-biotin"], "source": "dec",
    },
    "rule": {
        "code": "own-sugar", "name_en": "Sugar", "name_tr": "Şeker", "sentence_en": "High.", "sentence_tr": "Yüksek.",
        "severity": "relative", "joined": "all", "what_1": "answer:q-diabetes", "is_1": "tablets, diet",
        "what_2": "measured:m-hba1c", "compare_2": "above", "figure_2": "7.5", "what_3": "age:", "compare_3": "below",
        "figure_3": "30", "not_3": "on", "source": "dec",
    },
}  # fmt: skip
CODES = {"substance": "sub-taurine", "indication": "ind-knees-dry", "mixture": "ck-knee-ha", "mixing_rule": "ix-txa-biotin",
         "rule": "scr-own-sugar"}  # fmt: skip


@pytest.mark.parametrize("kind", list(ADDITIONS))
def test_each_kind_is_added_by_its_form(client: Client, draft: CatalogueVersion, lead: User, kind: str) -> None:
    make.signed_in(client, lead)
    page = reverse("catalogue-entry-add", args=[draft.public_id, kind])
    refused = post(client, page, **ADDITIONS[kind])
    assert refused.status_code == 422
    assert set(refused.context["form"].errors) == {"reason"}
    answer = post(client, page, reason="Asked for by the team", **ADDITIONS[kind])
    assert answer.status_code == 302, answer.context["form"].errors
    rules = versions.load_any(CatalogueVersion.objects.get(pk=draft.pk))
    everything = (rules.substances, rules.indications, rules.mixtures, rules.mixing_rules, rules.rules)
    assert any(CODES[kind] in found for found in everything)
    assert CatalogueChange.objects.get(version=draft, code=CODES[kind]).direction == "added"
    again = post(client, page, reason="Twice", **ADDITIONS[kind])
    assert again.status_code == 422
    assert "used already" in str(again.context["form"].errors["code"])
    assert client.get(answer.url).status_code == 200


@pytest.mark.parametrize(
    ("kind", "field", "value", "beside"),
    [
        ("substance", "hard_max", "20", "typical_low"), ("substance", "strength_unit", "IU/ml", "strength_unit"),
        ("substance", "code", "Up Per", "code"), ("substance", "source", "hearsay", "source"),
        ("indication", "sessions_default", "9", "sessions_default"), ("indication", "never_in", "Italy", "never_in"),
        ("mixture", "strength_2", "", "strength_2"), ("mixture", "substance_2", "", "substance_2"),
        ("mixture", "volume_2", "", "volume_2"),
        ("indication", "review_days", "0", "review_days"), ("mixing_rule", "text_en", "{what}", "text_en"),
        ("rule", "is_1", "", "is_1"), ("rule", "is_1", "sometimes", "is_1"), ("rule", "figure_2", "", "figure_2"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_beside_its_field(
    client: Client, draft: CatalogueVersion, lead: User, kind: str, field: str, value: str, beside: str
) -> None:
    make.signed_in(client, lead)
    page = reverse("catalogue-entry-add", args=[draft.public_id, kind])
    answer = post(client, page, reason="Trying", **{**ADDITIONS[kind], field: value})
    assert answer.status_code == 422
    assert beside in answer.context["form"].errors, answer.context["form"].errors
    assert not draft.entries.filter(code=CODES[kind]).exists()


def test_only_mixtures_and_own_entries_are_taken_out(client: Client, draft: CatalogueVersion, lead: User) -> None:
    by = Doer.staff(lead)
    with pytest.raises(Refused, match="belongs to the reference"):
        editing.remove_entry(version=draft, code="scr-keloid", reason="x", by=by)
    make.signed_in(client, lead)
    page = reverse("catalogue-entry-remove", args=[draft.public_id, "ck-eye-pn"])
    assert post(client, page, reason="Not used here").status_code == 302
    assert "ck-eye-pn" not in versions.load_any(CatalogueVersion.objects.get(pk=draft.pk)).mixtures
    assert CatalogueChange.objects.get(version=draft).direction == "removed"


def test_what_is_refused_is_shown_with_its_reason(client: Client, lead: User) -> None:
    make.signed_in(client, lead)
    for asked, reason in [
        ("ringworm", "needles would spread it"), ("mantar", "needles would spread it"), ("chamomile", "not sterile"),
        ("home roller", "no treatment here"), ("dv-roller-home", "no treatment here"), ("weight", "no weight treatment"),
    ]:  # fmt: skip
        html = client.get(reverse("protocols"), {"q": asked}).content.decode()
        assert reason in html, asked
    assert version_page.refusals(catalogue.rows_of(catalogue.current()), "hyaluronic") == []


# --- allowed at a site -----------------------------------------------------------------------------------------------
def test_off_needs_a_reason_and_locked_a_legal_basis(lead: User) -> None:
    site, by = lead.roles.get().site or make.make_site(), Doer.staff(lead)
    with pytest.raises(Refused) as refusal:
        enabling.enable(site=site, code="sub-dmae", reason=" ", legal_basis="", by=by)
    assert refusal.value.field == "reason"
    with pytest.raises(Refused) as refusal:
        enabling.enable(site=site, code="sub-calcitonin", reason="Asked for", legal_basis="", by=by)
    assert refusal.value.field == "legal_basis"
    allowed = enabling.enable(site=site, code="sub-calcitonin", reason="Asked for", legal_basis="Permit 12/2026", by=by)
    assert allowed.country == site.country
    assert set(Enablement.objects.open_at(site).values_list("code", flat=True)) == {"sub-calcitonin"}
    site.country = "DE" if site.country != "DE" else "IT"
    site.save()
    assert not Enablement.objects.open_at(site).exists()
    site.country = allowed.country
    site.save()
    with pytest.raises(Refused, match="allowed here already"):
        enabling.enable(site=site, code="sub-calcitonin", reason="Again", legal_basis="Permit", by=by)
    enabling.end(enablement=allowed, reason="No longer needed", by=by)
    assert not Enablement.objects.open_at(site).exists()
    with pytest.raises(Refused, match="ended already"):
        enabling.end(enablement=allowed, reason="Again", by=by)


@pytest.mark.parametrize(
    ("code", "country", "words"),
    [
        ("sub-buflomedil", "IT", "never be used again"), ("sub-dca", "FR", "Not allowed in this country"),
        ("ind-local-fat", "FR", "Not allowed in this country"), ("sub-ha-nc", "IT", "in use everywhere"),
        ("sub-nothing", "IT", "no such entry"),
    ],
)  # fmt: skip
def test_what_nobody_can_allow(lead: User, code: str, country: str, words: str) -> None:
    site = make.make_site(country=country)
    with pytest.raises(Refused, match=words):
        enabling.enable(site=site, code=code, reason="Please", legal_basis="A law", by=Doer.staff(lead))
    assert not Enablement.objects.exists()


def test_a_substance_for_men_may_be_allowed_for_others(lead: User) -> None:
    site = lead.roles.get().site or make.make_site()
    reason = "For who cannot become pregnant"
    enabling.enable(site=site, code="sub-finasteride", reason=reason, legal_basis="", by=Doer.staff(lead))
    assert Enablement.objects.open_at(site).exists()


def test_a_locked_indication_is_offered_and_bookable_where_it_is_allowed(client: Client, lead: User) -> None:
    doctor, site = make.make_user(Role.PRACTITIONER), Site.objects.get()
    make.signed_in(client, doctor)
    page = reverse("course-new", args=[make.make_patient(site).public_id])
    assert 'value="ind-vitiligo"' not in client.get(page).content.decode()
    enabling.enable(site=site, code="ind-vitiligo", reason="Dermatologist here", legal_basis="Law 1", by=Doer.staff(lead))
    assert 'value="ind-vitiligo"' in client.get(page).content.decode()
    assert Service.objects.filter(indication="ind-vitiligo").exists()


def test_a_tried_choice_gives_the_reason(client: Client, lead: User) -> None:
    make.signed_in(client, make.make_user(Role.PRACTITIONER))
    page = reverse("course-new", args=[make.make_patient(Site.objects.get()).public_id])
    assert "needles would spread it" in client.get(page, {"indication": "no-ringworm"}).content.decode()
    assert "needles would spread it" not in client.get(page, {"indication": "ind-hydration"}).content.decode()


def test_the_pages_of_what_is_allowed(client: Client, lead: User) -> None:
    make.signed_in(client, lead)
    page = reverse("enablement-new")
    answer = post(client, page, code="sub-calcitonin", reason="Asked for")
    assert answer.status_code == 422
    assert "legal_basis" in answer.context["form"].errors
    assert post(client, page, code="sub-calcitonin", reason="Asked for", legal_basis="Permit 12").status_code == 302
    assert "Permit 12" in client.get(reverse("enablements")).content.decode()
    found = Enablement.objects.get()
    assert post(client, reverse("enablement-end", args=[found.public_id]), reason="Done").status_code == 302
    assert "Ended" in client.get(reverse("enablements")).content.decode()
    for role in (Role.PRACTITIONER, Role.FRONT_DESK, Role.MANAGER):
        with pytest.raises(NotPermitted):
            enabling.enable(site=found.site, code="sub-dmae", reason="x", legal_basis="", by=Doer.staff(make.make_user(role)))


# --- on plans --------------------------------------------------------------------------------------------------------
def test_a_loosened_limit_stands_on_the_plan_it_touches(client: Client, draft: CatalogueVersion, lead: User) -> None:
    doctor = make.make_user(Role.PRACTITIONER)
    course = make.make_course(make.make_patient(make.make_site()), doctor)
    used = course.items.first().substance
    change(draft, used, lead, reason="Specialist clinic", hard_max="9")
    change(draft, "sub-txa", lead, reason="Elsewhere", hard_max="120")
    published = in_force(draft, lead)
    make.signed_in(client, lead)
    html = client.get(reverse("course", args=[course.public_id])).content.decode()
    assert "Specialist clinic" in html
    assert "Elsewhere" not in html
    lines = version_page.shown_loosened(published, {used})
    assert len(lines) == 1
    assert lead.name in lines[0]


def test_what_is_wrong_is_said_in_the_language_of_whoever_edits(draft: CatalogueVersion, lead: User) -> None:
    """Every problem of the entry, the field as the form calls it; nothing is saved."""
    values = {"typical": ["5", "20"], "source": "hearsay"}
    with override("tr"), pytest.raises(Refused) as refusal:
        change(draft, "sub-biotin", lead, reason="Try", **values)
    said = str(refusal.value)
    assert "sub-biotin: kaynak 'hearsay'" in said
    assert "20 değerine ulaşıyor; kesin üst sınır ise 10" in said
    assert "“Seans başına olağan miktar” 20" in said
    assert refusal.value.field == "source"
    assert saved(draft, "sub-biotin")["source"] != "hearsay"


def test_the_page_of_an_entry_offers_every_field_of_its_form(draft: CatalogueVersion, lead: User, client: Client) -> None:
    """Whatever its fields are called: one was once taken for a word of the template's."""
    make.signed_in(client, lead)
    for code in {kind: code for kind, code, _body in catalogue.rows_of(draft)}.values():
        answer = client.get(reverse("catalogue-entry", args=[draft.public_id, code]))
        page = answer.content.decode()
        lacking = [name for name in answer.context["form"].fields if f'name="{name}"' not in page]
        assert lacking == [], code
