"""The typed state of the builder, without a database: fields there and back, ml and dose, edits."""
from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.loading import load_reference
from protocols.plan import Component, Syringe
from sessions.building import (
    MOST_LINES,
    MOST_SYRINGES,
    TypedLine,
    TypedSyringe,
    completed,
    edited,
    figure_of,
    plain,
    read,
    typed_of,
    written,
)

RULES = load_reference()
LIDOCAINE, HA, PRP = (RULES.substances[f"sub-{name}"] for name in ("lidocaine", "ha-nc", "prp"))


def line(**fields: str) -> TypedLine:
    return TypedLine(**({"substance": "sub-lidocaine", "strength": "20"} | fields))


# why, the line as sent, ml and dose as they come back, which one was computed
FIGURES = [
    ("ml alone", line(ml="2"), "2", "40", "dose"),
    ("a dose alone", line(dose="50"), "2.5", "50", "ml"),
    ("comma as well as point", line(ml="1,5"), "1,5", "30", "dose"),
    ("the dose was changed", line(ml="2", dose="30", seen="2|40"), "1.5", "30", "ml"),
    ("the ml were changed", line(ml="1", dose="40", seen="2|40"), "1", "20", "dose"),
    ("nothing was changed", line(ml="2", dose="40", seen="2|40"), "2", "40", "dose"),
    ("the strength was changed", line(strength="10", ml="2", dose="40", seen="2|40"), "2", "20", "dose"),
    ("the ml were emptied: the dose stays", line(ml="", dose="40", seen="2|40"), "2", "40", "ml"),
    ("never more than was asked: 10 mg of 3 mg/ml", line(strength="3", dose="10"), "3.333", "9.999", "ml"),
    ("both, and they agree", line(ml="1", dose="20", seen="2|40"), "1", "20", "dose"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "ml", "dose", "computed"), [row[1:] for row in FIGURES], ids=[row[0] for row in FIGURES])
def test_the_other_figure_is_computed(sent, ml, dose, computed):
    found = completed(sent, LIDOCAINE)
    assert (found.line.ml, found.line.dose, found.computed, found.problems) == (ml, dose, computed, ())
    assert found.ml is not None
    assert completed(found.line, LIDOCAINE).line == found.line, "what is on the screen stays"


@pytest.mark.parametrize(("sent", "problems"), [
    (line(ml="two"), (("ml", "not-a-figure"),)), (line(ml="1.23456"), (("ml", "not-a-figure"),)),
    (line(ml="-1"), (("ml", "not-a-figure"),)), (line(ml="1e3"), (("ml", "not-a-figure"),)),
    (line(ml="NaN"), (("ml", "not-a-figure"),)), (line(ml="1.2,3"), (("ml", "not-a-figure"),)),
    (line(ml="٣"), (("ml", "not-a-figure"),)), (line(ml="0"), (("ml", "zero"),)), (line(dose="0,0"), (("dose", "zero"),)),
    (line(strength="0", ml="1"), (("strength", "zero"),)), (line(strength="", dose="10"), (("strength", "needed"),)),
    (line(ml="1", dose="50", seen="2|40"), (("dose", "both"),)), (line(dose="0.001"), (("dose", "too-small"),)),
])  # fmt: skip
def test_a_figure_that_means_nothing_is_named(sent, problems):
    found = completed(sent, LIDOCAINE)
    assert found.problems == problems
    assert (found.ml, found.line) == (None, sent)


def test_a_product_dosed_in_ml_has_no_dose():
    found = completed(TypedLine("sub-ha-nc", strength="10", ml="2"), HA)
    assert (found.ml, found.strength, found.line.dose) == (Decimal(2), Decimal(10), "")
    assert completed(TypedLine("sub-prp", ml="6"), PRP).strength is None


@given(st.decimals("0.0001", "999", places=4), st.decimals("0.1", "500", places=1))
def test_a_typed_dose_never_becomes_more(dose, strength):
    found = completed(line(strength=str(strength), dose=str(dose)), LIDOCAINE)
    if found.ml is not None:
        assert found.ml * strength <= dose
        assert dose - found.ml * strength < strength * Decimal("0.001")


@given(st.text(max_size=12))
def test_any_text_is_a_figure_or_none(text):
    found = figure_of(text)
    assert found is None or (found >= 0 and found.is_finite())


@pytest.mark.parametrize(("amount", "shown"), [("10", "10"), ("2.500", "2.5"), ("0.10", "0.1"), ("1E+2", "100")])
def test_plain_figures(amount, shown):
    assert plain(Decimal(amount)) == shown


# -------------------------------------------------------------------------------------------------------- there and back
def test_a_plan_comes_back_from_its_fields():
    syringes = [
        Syringe((Component("sub-lidocaine", Decimal("2.0"), Decimal(20)), Component("sub-nacl", Decimal(1))),
                region="reg-thigh", points=40, depth_mm=Decimal("2.50")),
        Syringe((Component("sub-ha-nc", Decimal(1), Decimal(10)),)),
    ]  # fmt: skip
    typed = typed_of(syringes, RULES)
    assert read(written(typed)) == typed
    assert typed[0] == TypedSyringe("reg-thigh", "", "40", "2.5", "", (
        TypedLine("sub-lidocaine", "20", "2", "40", "2|40"), TypedLine("sub-nacl", "", "1", "", "1|")))  # fmt: skip


@pytest.mark.parametrize("shape", ["", "x", "-1", "1e9", "٣", "999999", "1;2", "\x00"])
def test_a_shape_that_means_nothing_is_one_empty_syringe(shape):
    assert read({"shape": shape}) == (TypedSyringe(),)


def test_no_form_is_endless():
    found = read({"shape": ",".join(["99"] * 50)})
    assert len(found) == MOST_SYRINGES
    assert {len(syringe.lines) for syringe in found} == {MOST_LINES}


# ----------------------------------------------------------------------------------------------------------------- edits
TWO = (TypedSyringe(lines=(line(ml="1"), TypedLine("sub-nacl", ml="2"))), TypedSyringe())


def test_lines_and_syringes_come_and_go():
    assert edited(TWO, "line-2", {"s2-add": "sub-vit-c"}, RULES)[1].lines == (TypedLine("sub-vit-c", "100", seen="|"),)
    assert [one.substance for one in edited(TWO, "drop-1-1", {}, RULES)[0].lines] == ["sub-nacl"]
    assert edited(TWO, "syringe", {}, RULES) == (*TWO, TypedSyringe())
    assert edited(TWO, "empty-1", {}, RULES) == TWO[1:]


@pytest.mark.parametrize("act", [
    "line-1", "line-3", "line-0", "line", "drop-1", "drop-1-3", "drop-1-0", "drop-3-1", "empty-3", "empty-x", "syringe-1",
    "", "-", "line--1", "drop-1-1-1", "empty-99999999999", "check", "\x00",
])  # fmt: skip
def test_an_edit_that_means_nothing_changes_nothing(act):
    assert edited(TWO, act, {"s1-add": "sub-unheard-of"}, RULES) == TWO


def test_the_last_syringe_stays_and_full_ones_take_no_more():
    assert edited(TWO[:1], "empty-1", {}, RULES) == TWO[:1]
    full = (TypedSyringe(lines=(line(),) * MOST_LINES),)
    assert edited(full, "line-1", {"s1-add": "sub-nacl"}, RULES) == full
    assert len(edited((TypedSyringe(),) * MOST_SYRINGES, "syringe", {}, RULES)) == MOST_SYRINGES
