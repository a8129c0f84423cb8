"""Hostile figures, shapes and addresses for the pages of catalogue, builder, letters and scores: refused, never a fault."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.models import AccessEvent
from protocols import catalogue, versions
from sessions import rescreening
from tests import factories as make
from tests.sessions.careday import MORNING, CareDay, hidden_of, make_care_day

pytestmark = pytest.mark.django_db
FIGURES = ["1e999999", "1e-999999", "-1", "NaN", "sNaN", "Infinity", "9" * 5000, "0.00000000000000000001", "1\x00", "1,5,5"]


@pytest.fixture
def day(at: Callable[[str], Any]) -> CareDay:
    at(MORNING)
    return make_care_day()


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def builder_fields(page: Any) -> dict[str, Any]:
    form = page.context["form"]
    return {name: form[name].value() for name in form.fields if form[name].value() not in (None, [])}


@pytest.mark.parametrize("act", ["", "adapt", "drop-1-99999999999999999999"])
def test_no_figure_breaks_the_builder(client: Client, day: CareDay, act: str) -> None:
    make.signed_in(client, day.doctor)
    url = reverse("mixture-new", args=[day.patient.public_id]) + "?indication=ind-hydration&mixture=ck-face-hydra"
    typed = builder_fields(client.get(url))
    for name in ("s1-l1-ml", "s1-l1-strength", "s1-depth_mm", "shape", "s1-l1-seen", "s1-l1-substance", "first_day"):
        for value in ("1e999999", "NaN", "9" * 5000, "1\x00", "1-" * 20):
            answer = client.post(url, typed | {name: value} | ({"act": act} if act else {}))
            assert answer.status_code < 500, (name, value[:40])


def test_the_largest_mixture_is_adapted_in_reasonable_time(client: Client, day: CareDay) -> None:
    make.signed_in(client, day.doctor)
    url = reverse("mixture-new", args=[day.patient.public_id]) + "?indication=ind-hydration&mixture=ck-face-hydra"
    typed = builder_fields(client.get(url))
    codes = [one.code for one in catalogue.in_force().substances.values() if one.dose_unit != "g"]
    shape = ""
    for syringe in range(1, 7):
        shape += ("," if shape else "") + "12"
        for line in range(1, 13):
            key = f"s{syringe}-l{line}"
            code = codes[(syringe * 12 + line) % len(codes)]
            typed |= {f"{key}-substance": code, f"{key}-ml": "10", f"{key}-strength": "50"}
    before = time.process_time()
    answer = client.post(url, typed | {"shape": shape, "act": "adapt"})
    assert answer.status_code < 500
    assert time.process_time() - before < 30


@pytest.mark.parametrize("value", ["\x00", "‮", "x" * 3000, "../../etc/passwd", "1;drop", "😀", "-1", "9" * 400])
def test_no_query_of_the_new_pages_breaks_them(client: Client, day: CareDay, value: str) -> None:
    lead = make.make_user(Role.MEDICAL_LEAD)
    make.signed_in(client, lead)
    course = day.course()
    draft = versions.make_draft(based_on=catalogue.current(), note="x", by=Doer.staff(lead))
    one, plan = [day.patient.public_id], [course.public_id]
    pages = [
        ("catalogue-difference", [draft.public_id], "with"), ("catalogue-impact", [draft.public_id], "before"),
        ("catalogue-impact", [draft.public_id], "page"), ("catalogue-version", [draft.public_id], "part"),
        ("catalogue-version", [draft.public_id], "q"), ("enablement-new", [], "code"), ("upload-new", one, "rule"),
        ("patient-options", one, "category"), ("mixture-new", one, "indication"), ("course-new", one, "mixture"),
        ("reaction-new", one, "session"),
        ("clearance-new", [*plan, "scr-keloid"], "x"), ("course-explanation", [*plan, "scr-keloid"], "language"),
    ]  # fmt: skip
    for name, args, parameter in pages:
        answer = client.get(f"{reverse(name, args=args)}?{parameter}={quote(value)}")
        assert answer.status_code < 500, name


@pytest.mark.parametrize("typed", FIGURES)
def test_no_score_breaks_its_page(client: Client, day: CareDay, typed: str) -> None:
    make.signed_in(client, day.doctor)
    url = reverse("course-scores", args=[day.course().public_id])
    page = client.get(url)
    values = {"scale": "GAIS", "value": typed, "taken_at": "2026-03-12T09:00"} | hidden_of(page.content.decode())
    answer = client.post(url, values)
    assert answer.status_code == 422, typed[:20]


@pytest.mark.parametrize("typed", FIGURES)
def test_no_figure_of_an_addition_breaks_it(client: Client, typed: str) -> None:
    make.make_site()
    lead = make.make_user(Role.MEDICAL_LEAD)
    make.signed_in(client, lead)
    draft = versions.make_draft(based_on=catalogue.current(), note="x", by=Doer.staff(lead))
    url = reverse("catalogue-entry-add", args=[draft.public_id, "substance"])
    values = {"code": "attack", "name_en": "A", "name_tr": "A", "class_en": "A", "class_tr": "A", "status": "on",
              "role": "active", "form": "solution", "dose_unit": "mg", "hard_max": typed, "mg_per_kg": typed,
              "min_interval_days": typed, "source": "dec", "reason": "x"}  # fmt: skip
    answer = client.post(url, values | hidden_of(client.get(url).content.decode()))
    assert answer.status_code == 422
    assert not draft.entries.filter(code="sub-attack").exists()


BOMBS = {
    "anchors": "- &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"- &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "itself": "- &a\n  case: x\n  kind: screening\n  patient: *a\n  expect: *a\n",
    "tags": "- case: !!python/object/apply:os.system [id]\n  kind: screening\n  expect: {headline: cleared}\n",
    "deep": "- case: x\n  kind: screening\n  expect: " + "[" * 20_000,
    "deep-block": "- case: x\n  kind: screening\n  expect: " + "{a: " * 5_000 + "1" + "}" * 5_000,
    "null": "- case: x\x00\n", "merge": "- <<: [1, 2]\n  case: x\n", "binary": "\udcff",
    "long": "- case: " + "x" * 1_000_000 + "\n  kind: screening\n  expect: {headline: cleared}\n",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_case_file_made_to_break_is_only_a_failing_case(tmp_path: Path, name: str, capsys: Any) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_bytes(BOMBS[name].encode(errors="surrogateescape"))
    before = time.process_time()
    with pytest.raises(SystemExit) as left:
        call_command("check_cases", str(path))
    said = capsys.readouterr().out
    assert left.value.code == 1
    assert "bomb.yaml" in said
    assert "Traceback" not in said
    assert time.process_time() - before < 20


def test_nobody_answers_a_poll_with_a_look(client: Client, day: CareDay) -> None:
    """Progress is asked for every second: it is no look at anybody."""
    lead = make.make_user(Role.MEDICAL_LEAD)
    make.signed_in(client, lead)
    draft = versions.make_draft(based_on=catalogue.current(), note="x", by=Doer.staff(lead))
    rescreening.start_preview(version=draft, by=Doer.staff(lead))
    url = reverse("catalogue-impact", args=[draft.public_id])
    before = AccessEvent.objects.count()
    for _time in range(3):
        assert client.get(url, headers={"X-Poll": "1"}).status_code == 200
    assert AccessEvent.objects.count() == before
