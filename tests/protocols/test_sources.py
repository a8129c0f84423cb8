"""Every source a catalogue entry names by its code has a title people can read."""
from __future__ import annotations

from protocols.definitions import Catalogue
from protocols.sources import TITLES, cited, titles_of


def test_every_source_of_the_reference_has_a_title(reference: Catalogue) -> None:
    kinds = (reference.rules, reference.medicine_classes)
    named = {code for kind in kinds for entry in kind.values() for code in entry.source}
    checks = (reference.mixing_rules, reference.indications, reference.substances, reference.mixtures)
    named |= {code for kind in checks for entry in kind.values() for code in entry.source.split()}
    assert len(named) > 50
    assert named <= set(TITLES)


def test_titles_come_once_each_in_the_language_asked_for() -> None:
    assert titles_of("E76 bg bg", "tr") == ("Bel ağrısında uyarı işaretleri, NHS", "genel tıp bilgisi")
    assert titles_of(("S2", "E53"), "en") == (
        "“Mesotherapy: types, procedure, contraindications, suggestions”", "Exclusion lists of practices",
    )  # fmt: skip


def test_a_source_the_clinic_wrote_itself_stays_as_written() -> None:
    assert titles_of("Our own guideline 2026", "en") == ("Our own guideline 2026",)
    assert titles_of("", "en") == ()


def test_source_and_mark_are_said_once_each_in_words() -> None:
    assert cited("dec", "dec", "en") == "decision of this catalogue"
    assert cited("bg", "check", "tr") == "genel tıp bilgisi; sorumlu hekim doğrulamalı"
    assert cited("E46 bg", "bg check", "en") == (
        "Polynucleotides, consensus and study; general medical knowledge; to be confirmed by the medical lead"
    )
    assert cited("Our audit 2026", "", "en") == "Our audit 2026"
