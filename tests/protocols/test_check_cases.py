"""`manage.py check_cases`: what a medical lead sees, and what a script can rely on."""
from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from clinic.doer import Doer
from clinic.models import User
from protocols import catalogue, editing, versions

PASSES = """\
- case: A stroke blocks
  kind: screening
  patient: {answers: {q-stroke: stroke}}
  expect: {outcome: blocked, codes: [scr-stroke]}
"""
FAILS = """\
- case: A stroke is nothing
  kind: screening
  patient: {answers: {q-stroke: stroke}}
  expect: {outcome: cleared, codes: [], severity: {scr-stroke: info}}
"""
TWO_HUNDRED = """\
- case: Two hundred milligrams of caffeine are still possible
  kind: mixture
  plan: {indication: ind-cellulite, syringes: [{parts: [{substance: sub-caffeine, volume: 4 ml, strength: 50 mg/ml}]}]}
  expect: {result: warning}
"""


def checked(*files: Path, **options: Any) -> tuple[int, str]:
    """Exit code and printed text."""
    out = StringIO()
    try:
        call_command("check_cases", *map(str, files), stdout=out, **options)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def written(folder: Path, text: str, name: str = "cases.yaml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_all_passed(tmp_path: Path) -> None:
    assert checked(written(tmp_path, PASSES)) == (0, "1 passed, 0 failed\n")


def test_a_failing_case_shows_expected_got_and_the_reasons(tmp_path: Path) -> None:
    code, text = checked(written(tmp_path, PASSES + FAILS))
    lines = text.splitlines()
    assert code == 1
    assert lines[-1] == "1 passed, 1 failed"
    assert lines[0].endswith("cases.yaml, line 5: A stroke is nothing")
    assert lines[0].startswith("FAILED ")
    assert lines[1:10] == [
        "  outcome", "    expected  cleared", "    got       blocked",
        "  codes", "    expected  nothing", "    got       scr-stroke",
        "  severity", "    expected  scr-stroke: info", "    got       scr-stroke: absolute",
    ]
    assert re.fullmatch(
        r"  because scr-stroke, absolute: .+ Because of q-stroke stroke\. Source S2, S3\.", lines[10])


def test_a_malformed_case_is_named_without_a_traceback(tmp_path: Path) -> None:
    code, text = checked(written(tmp_path, PASSES + "- case: Odd\n  kind: screening\n  expect: {outcome: odd}\n"))
    assert code == 1
    assert "cases.yaml, line 7: “Odd” cannot be read" in text
    assert "  expect.outcome: “odd” is not one of blocked" in text
    assert text.endswith("1 passed, 1 failed\n")
    assert "Traceback" not in text


def test_folders_and_several_files(tmp_path: Path) -> None:
    written(tmp_path, PASSES, "one.yaml")
    (tmp_path / "more").mkdir()
    other = written(tmp_path / "more", PASSES * 2, "two.yaml")
    assert checked(tmp_path, other) == (0, "3 passed, 0 failed\n")


def test_nothing_to_check_is_no_success(tmp_path: Path) -> None:
    assert checked(tmp_path) == (1, "No case files were found.\n0 passed, 0 failed\n")


def test_a_file_that_does_not_exist(tmp_path: Path) -> None:
    code, text = checked(tmp_path / "none.yaml")
    assert code == 1
    assert "there is no such file" in text


@pytest.mark.parametrize("kind", ["mixture", "course", "aftercare", "messages"])
def test_every_kind_gives_its_reasons(tmp_path: Path, kind: str) -> None:
    wrong = {
        "mixture": ("plan: {indication: ind-dull-tone, mixture: ck-face-glow}", "{result: ok}", "ix-vitc-b, warning"),
        "course": ("indication: ind-lips", "{dates: [2026-03-02]}", "session 2 on 2026-03-30, possible 2026-03-30 to"),
        "aftercare": (
            "ended_at: 2026-06-15 18:00\n  plan: {indication: ind-lips, mixture: ck-face-hydra}",
            "{hours: {ac-no-water: 0-24}}", "ac-no-water, must: 0-15 h, 2026-06-15 18:00 to 2026-06-16 09:00"),
        "messages": ("ended_at: 2026-06-15 12:00", "{sent: []}", "msg-4h: 2026-06-15 16:00"),
    }
    fields, expected, reason = wrong[kind]
    code, text = checked(written(tmp_path, f"- case: Wrong\n  kind: {kind}\n  {fields}\n  expect: {expected}\n"))
    assert code == 1
    assert f"  because {reason}" in text


@pytest.mark.django_db
def test_a_medical_lead_tests_a_rule_change_before_publishing_it(tmp_path: Path, lead: User) -> None:
    """The draft answers as the clinic wants it, the version in force and the reference as before."""
    by = Doer.staff(lead)
    in_force = catalogue.current()
    draft = versions.make_draft(based_on=in_force, note="Less caffeine", by=by)
    edits = draft.entries.get(code="sub-caffeine").edits
    editing.save_entry(
        version=draft, code="sub-caffeine", values={"hard_max": "150"}, reason="", seen_edits=edits, by=by)
    file = written(tmp_path, TWO_HUNDRED)
    assert checked(file) == checked(file, catalogue=in_force.number) == (0, "1 passed, 0 failed\n")
    code, text = checked(file, catalogue=draft.number)
    assert code == 1
    assert "    got       over-limit" in text
    assert "200 mg" in text
    assert "150 mg" in text


@pytest.mark.django_db
def test_a_version_that_does_not_exist(tmp_path: Path, lead: User) -> None:
    with pytest.raises(CommandError, match=rf"no catalogue version 999\. Known are: {catalogue.current().number}\."):
        checked(written(tmp_path, PASSES), catalogue=999)


@pytest.mark.django_db
def test_a_draft_that_does_not_hold_is_not_checked_against(tmp_path: Path, lead: User) -> None:
    draft = versions.make_draft(based_on=catalogue.current(), note="Broken", by=Doer.staff(lead))
    entry = draft.entries.get(code="sub-caffeine")
    entry.body = {**entry.body, "hard_max": "much"}
    entry.save(update_fields=["body"])
    with pytest.raises(CommandError, match=r"This catalogue does not hold:[\s\S]+sub-caffeine"):
        checked(written(tmp_path, PASSES), catalogue=draft.number)
