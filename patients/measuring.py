"""Readings of the body: taken, checked against what a body can show, withdrawn with a reason, never edited."""
from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

from django.db import transaction
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from clinic import audit
from clinic.doer import Doer
from clinic.errors import Refused
from patients.choices import Text
from patients.models import Measurement, Patient


class Scale(Protocol):
    """What a measurement may be: the definition in the catalogue, seen from this floor. Limits are inclusive."""

    code: str
    name: Text
    unit: str
    lowest: Decimal | None
    highest: Decimal | None
    second_lowest: Decimal | None
    second_highest: Decimal | None
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What somebody read off: a number (and a diastolic pressure), or one of the scale's words."""

    scale: Scale
    value: Decimal | None = None
    second: Decimal | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a reading is refused, and the slip of the hand it probably was; `part` is "value", "second" or "text"."""

    sentence: str
    part: str = "value"
    use: Decimal | None = None


def check_reading(reading: Reading) -> Wrong | None:
    """None when the reading can be stored. The limits are those of the clinical reference, section 7."""
    scale = reading.scale
    if scale.values:
        if reading.text not in scale.values:
            return Wrong(_("Choose one of %(values)s.") % {"values": ", ".join(scale.values)}, "text")
        return None
    if reading.value is None:
        return Wrong(_("Enter a number."))
    wrong = _outside(reading.value, scale.lowest, scale.highest, scale, "value")
    if wrong or scale.second_lowest is None:
        return wrong
    if reading.second is None:
        return Wrong(_("Enter the lower pressure too."), "second")
    wrong = _outside(reading.second, scale.second_lowest, scale.second_highest, scale, "second")
    if wrong is None and reading.second >= reading.value:
        return Wrong(_("The lower pressure must be below the upper one."), "second")
    return wrong


def _outside(amount: Decimal, lowest: Decimal | None, highest: Decimal | None, scale: Scale, part: str) -> Wrong | None:
    if lowest is None or highest is None or lowest <= amount <= highest:
        return None
    said = {"amount": figure(amount, scale.unit), "limit": figure(lowest if amount < lowest else highest, scale.unit)}
    sentence = (_("%(amount)s is below %(limit)s.") if amount < lowest else _("%(amount)s is above %(limit)s.")) % said
    meant = slip_of(amount, lowest, highest, scale.code)
    if meant is not None:
        sentence = f"{sentence} {_('Did you mean %(meant)s?') % {'meant': figure(meant, scale.unit)}}"
    return Wrong(sentence, part, meant)


def slip_of(amount: Decimal, lowest: Decimal, highest: Decimal, code: str) -> Decimal | None:
    """The value that was probably meant: a decimal point lost or too many, metres for centimetres, the other unit."""
    if code == "m-hba1c" and Decimal(20) <= amount <= Decimal(195):
        # mmol/mol to %, clinical reference section 7 (scr-diabetes)
        return (amount / Decimal("10.929") + Decimal("2.15")).quantize(Decimal("0.1"), ROUND_HALF_UP)
    factors = (Decimal("0.1"), Decimal("0.01")) if amount > highest else (Decimal(10), Decimal(100))
    meant = next((amount * factor for factor in factors if lowest <= amount * factor <= highest), None)
    return meant.normalize().quantize(Decimal("0.1")) if meant is not None else None


def figure(amount: Decimal, unit: str) -> str:
    """An amount with its unit as the reader writes it: at least as many decimals as were typed."""
    places = max(0, -int(amount.as_tuple().exponent))
    return f"{number_format(amount, decimal_pos=places)} {unit}".strip()


@transaction.atomic
def record_measurement(*, patient: Patient, reading: Reading, taken_on: dt.date, today: dt.date, by: Doer) -> Measurement:
    """Store one reading of a day up to `today` (the site's). Raises `Refused` with the field it belongs to."""
    wrong = check_reading(reading)
    if wrong:
        raise Refused(wrong.sentence, field=reading.scale.code)
    if by.user is None:
        raise Refused(_("Only staff record measurements."))
    if taken_on > today:
        raise Refused(_("This day has not come yet."), field="taken_on")
    if taken_on < patient.birth_date:
        raise Refused(_("This day lies before the patient's birth."), field="taken_on")
    measurement = Measurement.objects.create(
        patient=patient, code=reading.scale.code, value=reading.value, second=reading.second, text=reading.text,
        taken_on=taken_on, recorded_at=timezone.now(), recorded_by=by.user,
    )  # fmt: skip
    audit.record(
        by=by, action="measurement-recorded", sentence=f"recorded {reading.scale.name}", of=measurement, patient=patient,
        detail={"code": reading.scale.code, "value": reading.value, "second": reading.second, "text": reading.text,
                "taken_on": taken_on},
    )  # fmt: skip
    return measurement


@transaction.atomic
def withdraw(*, measurement: Measurement, reason: str, by: Doer) -> None:
    """A wrong reading stays visible, struck, with the reason; it counts for nothing any more."""
    if not reason.strip():
        raise Refused(_("Say why this reading is wrong."), field="reason")
    changed = Measurement.objects.filter(pk=measurement.pk, withdrawn_at=None).update(
        withdrawn_at=timezone.now(), withdrawn_reason=reason.strip()
    )
    if not changed:
        raise Refused(_("This reading was withdrawn already."))
    audit.record(by=by, action="measurement-withdrawn", sentence="withdrew a measurement", of=measurement,
                 patient=measurement.patient, detail={"code": measurement.code, "reason": reason.strip()})  # fmt: skip
