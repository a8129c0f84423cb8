"""The consent says all eighteen things of the clinical reference (section 13), each looked for by what it must say."""
from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from protocols import catalogue
from protocols.plan import Component, Syringe
from sessions import consent_papers
from sessions.consent_lines import ADDED, REMOVED, SAME, difference, lines_of
from sessions.consent_text import consent_content
from sessions.models import Course
from sessions.plans import store_syringes
from tests import factories as make

pytestmark = pytest.mark.django_db

COURSES: dict[str, tuple[dict[str, Any], str, str]] = {
    "face": ({}, "sub-ha-nc", "10"),
    "fish": ({}, "sub-pn", "20"),
    "blood": ({"indication": "ind-aga-prp", "category": "hair", "regions": ["reg-scalp"]}, "sub-prp", ""),
    "hair": ({"indication": "ind-aga-duta", "category": "hair", "regions": ["reg-scalp"]}, "sub-dutasteride", "0.1"),
    "body": ({"indication": "ind-cellulite", "category": "body", "regions": ["reg-thigh"]}, "sub-carnitine", "200"),
    "melasma": ({"indication": "ind-melasma"}, "sub-txa", "4"),
    "dmae": ({}, "sub-dmae", "30"),
    "locked": ({}, "sub-glutathione", "200"),
}  # fmt: skip

# Number of the reference, the course it shows on, and what the text must say there.
ITEMS: list[tuple[int, str, tuple[str, ...]]] = [
    (1, "face", ("non-cross-linked hyaluronic acid", "10 mg/ml", "Hydra HA, Norvale", "2 ml = 20 mg", "lot number is read to you",
                 "off-label or unlicensed", "unless a product's own label says otherwise")),
    (1, "fish", ("fish",)),
    (1, "blood", ("your own blood", "made here from your blood")),
    (1, "dmae", ("off-label, allowed here by the medical lead",)),
    (1, "locked", ("unlicensed here, legal basis recorded",)),
    (2, "face", ("Evidence grade B: some controlled trials.",)),
    (2, "body", ("Evidence grade D", "claims only, or trials that speak against it")),
    (3, "hair", ("Only finasteride and minoxidil are shown to increase hair", "Hair may get worse or the skin may scar",
                 "suicidal thoughts", "sexual function", "halve the PSA")),
    (4, "body", ("not approved by the FDA", "deoxycholic acid under the chin", "Infections, scars and knots",
                 "banned in France")),
    (5, "melasma", ("No injection for lightening the skin is approved.",)),
    (6, "face", ("there may be none", "maintenance", "Maintenance every 120 to 180 days")),
    (7, "face", ("redness", "infections with mycobacteria that can appear weeks to months later", "1–12 weeks")),
    (8, "face", ("doing nothing", "creams", "peels", "microdermabrasion", "laser", "filler (for volume only)",
                 "medicines by mouth or on the skin", "weight care")),
    (9, "face", ("Dr Amina Haddad", "licence L-77", "Halden Mutual, policy 4711", "Emergency number of this clinic: 112")),
    (10, "face", ("no treatment during pregnancy or breastfeeding",)),
    (11, "hair", ("Do not stop any prescribed medicine yourself", "No blood donation", "6 months after dutasteride")),
    (12, "face", ("120 EUR each session, 360 EUR for the course of 3", "no pressure, no prize and no discount with a deadline")),
    (13, "face", ("At least 24 hours lie between this information and the first session",)),
    (14, "face", ("taken and kept in your record?", "used for teaching?", "published?")),
    (15, "face", ("stored in the clinic's record", "only by the ways you chose")),
    (16, "face", ("withdraw at any time, before or during a session, without giving a reason",)),
    (17, "face", ("Your questions were asked and answered", "interpreter", "a copy of this form")),
    (18, "face", ("the clinician who treats you sign for this course", "every 12 months or when the plan changes",
                  "Nobody under 18")),
]  # fmt: skip


def course_of(kind: str) -> Course:
    fields, substance, strength = COURSES[kind]
    site = make.make_site()
    doctor = make.make_user(name="Dr Amina Haddad", licence_number="L-77")
    course: Course = make.make_course(
        make.make_patient(site), doctor, price_per_session=Decimal(120), currency="EUR", **fields
    )
    course.syringes.all().delete()
    line = Component(substance, Decimal(2), Decimal(strength) if strength else None)
    store_syringes(course=course, syringes=[Syringe((line,))])
    if kind != "blood":
        make.make_lot(site, substance)
    return Course.objects.get(pk=course.pk)


def content_of(course: Course, language: str = "en") -> dict[str, Any]:
    version = catalogue.current()
    return consent_papers.plain(
        consent_content(course, catalogue=catalogue.load(version), language=language, version=version)
    )


def test_all_eighteen_are_walked() -> None:
    assert {number for number, _kind, _says in ITEMS} == set(range(1, 19))


@pytest.mark.parametrize(("number", "kind", "says"), ITEMS, ids=[f"{number}-{kind}" for number, kind, _says in ITEMS])
def test_the_consent_says_it(number: int, kind: str, says: tuple[str, ...]) -> None:
    text = "\n".join(lines_of(content_of(course_of(kind))))
    for words in says:
        assert words in text, f"item {number}: {words}"


def test_what_does_not_concern_this_plan_is_not_said() -> None:
    text = "\n".join(lines_of(content_of(course_of("face"))))
    for words in ("minoxidil", "FDA", "lightening the skin", "blood donation"):
        assert words not in text


@pytest.mark.parametrize("kind", list(COURSES))
def test_nothing_is_left_to_write_in_and_nothing_is_chosen(kind: str) -> None:
    content = content_of(course_of(kind))
    assert content["blanks"] == []
    choices = [choice for entry in content["entries"] for choice in entry["choices"]]
    assert [choice["code"] for choice in choices] == [
        "consent-photos-record", "consent-photos-teaching", "consent-photos-publicity"
    ]  # fmt: skip
    assert all(choice["answer"] == "" for choice in choices)
    assert content["signatures"] == []


@pytest.mark.parametrize("kind", ["face", "hair", "body"])
def test_turkish_says_as_much(kind: str) -> None:
    course = course_of(kind)
    english, turkish = content_of(course), content_of(course, "tr")
    assert len(lines_of(english)) == len(lines_of(turkish))
    same = [a for a, b in zip(lines_of(english), lines_of(turkish), strict=True) if a == b and len(a) > 30]
    assert same == [], "left in English"


def test_two_versions_differ_by_marked_lines() -> None:
    course = course_of("face")
    before = lines_of(content_of(course))
    Course.objects.filter(pk=course.pk).update(price_per_session=Decimal(150))
    after = lines_of(content_of(Course.objects.get(pk=course.pk)))
    found = difference(before, after)
    assert [(one.kind, "EUR" in one.text) for one in found if one.kind != SAME] == [(REMOVED, True), (ADDED, True)]
    assert [one.text for one in found if one.kind != REMOVED] == after
    assert [one.text for one in found if one.kind != ADDED] == before
