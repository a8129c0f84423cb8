"""bin/prove writes down what it showed, failures included."""
from __future__ import annotations

from pathlib import Path

import pytest

from mesoclinic import proof
from tests import figures

REPORT = """<testsuites><testsuite>
<testcase name="test_one_winner_per_slot" time="31.24"><properties>
<property name="rounds" value="100"/><property name="worst round, seconds" value="0.9"/></properties></testcase>
<testcase name="test_nothing_is_lost" time="2.0"><failure message="x">x</failure></testcase>
</testsuite></testsuites>"""


def test_each_run_is_appended_with_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "RECORD", tmp_path / "proof.md")
    (tmp_path / "report.xml").write_text(REPORT)
    proof.append(tmp_path / "report.xml")
    proof.append(tmp_path / "report.xml")
    written = (tmp_path / "proof.md").read_text()
    assert written.startswith("# Proofs\n")
    assert written.count("| one winner per slot | holds | 31.2 | rounds: 100; worst round, seconds: 0.9 |") == 2
    assert written.count("| nothing is lost | **failed** | 2.0 |  |") == 2
    assert " cores, " in written


@pytest.mark.parametrize(("prove", "expected"), [("1", 1000), ("", 100)])
def test_figures_are_full_in_proofs_and_a_tenth_elsewhere(
    monkeypatch: pytest.MonkeyPatch, prove: str, expected: int
) -> None:
    monkeypatch.setenv("PROVE", prove)
    assert figures.scaled(1000) == expected
    assert figures.scaled(3) >= 1
