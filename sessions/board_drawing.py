"""What stands on the cards of the board's lanes and what they offer; how that looks is in `templates/compiled/board/card.jinja`,
where each look is drawn once and then filled in (`clinic/components/outlines.py`)."""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from markupsafe import Markup

from clinic.components.compiled import clock, day_words
from clinic.components.outlines import Outline, outline
from clinic.idempotency import new_token
from sessions.board_cards import Card
from sessions.choices import UPCOMING, AppointmentStatus

STATUS = AppointmentStatus
FILE = "board/card.jinja"
ID = ("id",)
CARD = ("content", "time", "name", "initials", "line", "place")
HIDDEN = ("csrf", "token", "version")
NOTHING = Markup("")


class Drawing:
    """For one reader; `may_act`: the day is today, so the desk can let people in."""

    def __init__(self, *, csrf: str, may_act: bool, may_change: bool, may_treat: bool, may_see_headline: bool) -> None:
        self.csrf, self.may_act, self.may_change = csrf, may_act, may_change
        self.may_treat, self.may_see_headline = may_treat, may_see_headline
        self.status_words = {"": ""} | {status.value: str(status.label) for status in STATUS}
        self.looks: dict[tuple[Any, ...], Outline] = {}

    def expected(self, cards: Iterable[Card]) -> Markup:
        acts = self._arrival if self.may_change and self.may_act else _none
        return joined(
            self._framed(card, joined((self._complaints(card), acts(card))), status=card.appointment.status) for card in cards
        )

    def waiting(self, cards: Iterable[Card]) -> Markup:
        return joined(self._framed(card, joined((self._complaints(card), self._waiting(card)))) for card in cards)

    def treated(self, cards: Iterable[Card]) -> Markup:
        return joined(self._framed(card, self._treatment(card)) for card in cards)

    def done(self, cards: Iterable[Card]) -> Markup:
        return joined(self._framed(card, self._leaving(card)) for card in cards)

    def missed(self, cards: Iterable[Card]) -> Markup:
        return joined(map(self._missed, cards))

    def _framed(self, card: Card, content: str, *, status: str = "") -> Markup:
        visit = card.appointment
        patient = visit.patient
        decides = (status, card.category, tuple(card.marks))
        look = self.looks.get(decides) or self.looks.setdefault(decides, self._card_look(*decides))
        time = clock(visit.local_start)
        return look.filled(content, time, patient.name, patient.initials, card.line, card.place, visit.public_id)

    def _card_look(self, status: str, category: str, marks: tuple[str, ...]) -> Outline:
        word = self.status_words[status]
        return outline("visit_card", FILE, CARD, ID, category=category, names=marks, pill_kind=status, pill_text=word)

    def _look(self, name: str, gaps: tuple[str, ...] = (), ids: tuple[str, ...] = ()) -> Outline:
        """One that nothing decides; asked for by its name, so that the language is not asked for with every card."""
        return self.looks.get((name, ids)) or self.looks.setdefault((name, ids), outline(name, FILE, gaps, ids))

    def _complaints(self, card: Card) -> Markup:
        return complaints(card, may_change=self.may_change, may_see_headline=self.may_see_headline)

    def _arrival(self, card: Card) -> Markup:
        visit, minutes = card.appointment, card.late_minutes
        late = self._look("late_by", ("minutes",)).filled(minutes) if minutes else NOTHING
        return self._look("arrival", (*HIDDEN, "late"), ID).filled(
            self.csrf, new_token(), visit.version, late, visit.public_id
        )

    def _waiting(self, card: Card) -> Markup:
        since = card.appointment.arrived_at
        return outline("waiting", FILE, ("since", "minutes", "offer"), is_long=card.waits_long).filled(
            since.isoformat() if since else "", card.waiting_minutes, self._offered_to_who_waits(card)
        )

    def _offered_to_who_waits(self, card: Card) -> Markup:
        visit = card.appointment
        if self.may_treat and visit.course_id:
            if card.record:
                return self._look("open_session", (), ID).filled(visit.public_id)
            return self._look("start", HIDDEN, ID).filled(self.csrf, new_token(), visit.version, visit.public_id)
        return self._look("waiting_menu", (), ID).filled(visit.public_id) if self.may_change else NOTHING

    def _treatment(self, card: Card) -> Markup:
        over, offer = card.over_minutes, NOTHING
        if self.may_treat and card.record:
            link = self._look("open_session", (), ID).filled(card.appointment.public_id)
            offer = self._look("acts", ("offer",)).filled(link)
        return outline("treatment", FILE, ("elapsed", "planned", "since", "rest", "offer"), is_over=bool(over)).filled(
            card.elapsed_minutes, card.planned_minutes, clock(card.since), over or card.left_minutes, offer
        )

    def _leaving(self, card: Card) -> Markup:
        following = card.next_visit.local_start if card.next_visit else None
        note = self._look("next_visit", ("when",)).filled(moment(following)) if following else NOTHING
        if not self.may_change:
            return note
        offered = {}
        if self.may_treat and card.is_unsigned:
            offered["record"] = card.appointment.public_id
        if card.aftercare is not None:
            offered["sheet"] = card.aftercare.public_id
        if following is None:
            offered["patient"] = card.appointment.patient.public_id
        return joined((note, self._look("leaving", (), tuple(offered)).filled(*offered.values())))

    def _missed(self, card: Card) -> Markup:
        visit = card.appointment
        return outline("missed", FILE, ("time", "name", "initials"), ID, word=self.status_words[visit.status]).filled(
            clock(visit.local_start), visit.patient.name, visit.patient.initials, visit.public_id
        )


# --- complaints -----------------------------------------------------------------------------------------------------
class Complaint(NamedTuple):
    """`act` is a link to the page named `to`, about `id`; none when nobody here can mend it."""

    kind: str
    sign: str
    words: str
    act: str = ""
    to: str = ""
    id: str = ""
    bold: str = ""


def complaints(card: Card, *, may_change: bool, may_see_headline: bool) -> Markup:
    """Drawn one below the other, on a card or on the page of the visit."""
    if not card.has_complaints:
        return NOTHING
    return joined(map(_drawn, complaints_of(card, may_change=may_change, may_see_headline=may_see_headline)))


def complaints_of(card: Card, *, may_change: bool, may_see_headline: bool) -> Iterator[Complaint]:
    """The desk reads the headline; findings are only in the words of who may see them."""
    visit = card.appointment
    patient = visit.patient.public_id
    if (safety := _safety(card)) is not None:
        yield safety
    if card.intake_missing:
        yield Complaint("caution", "clipboard-list", _("No intake yet"), _("Send"), "intake-send", patient)
    elif card.headline == "incomplete":
        yield Complaint("caution", "clipboard-list", _("Intake incomplete"), _("Send again"), "intake-send", patient)
    elif card.consent_missing and visit.status == STATUS.ARRIVED:
        yield Complaint("caution", "file-alert", _("No consent yet"), _("Print"), "patient-documents", patient)
    if card.is_displaced:
        move = (_("Move"), "appointment-move", visit.public_id) if may_change else ()
        yield Complaint("caution", "calendar-x", visit.get_displaced_display(), *move)
    if visit.overbooked and visit.status in {*UPCOMING, STATUS.ARRIVED, STATUS.IN_TREATMENT}:
        yield Complaint("neutral", "stack-2", visit.overbooked_reason, bold=_("Overbooked"))
    if visit.day_mark and may_see_headline and visit.status in {*UPCOMING, STATUS.ARRIVED}:
        yield Complaint("caution", "calendar-due", visit.day_words)


def _safety(card: Card) -> Complaint | None:
    """Of blocked, flagged and the rest the worst."""
    look = (_("Review"), "patient", card.appointment.patient.public_id)
    if card.headline == "blocked":
        words = _("%(what)s: blocked") % {"what": card.alert_words} if card.alert_words else _("Blocked")
        return Complaint("danger", "alert-triangle-filled", words, *look)
    if card.is_flagged:
        words = _("Needs a look: %(what)s") % {"what": card.flag_words} if card.flag_words else _("Needs a look")
        return Complaint("caution", "flag", words, *look)
    if card.headline == "needs-clearance":
        return Complaint("caution", "shield-check", _("Needs clearance"), *look)
    if card.headline == "wait":
        return Complaint("caution", "hourglass", _("Wait"), *look)
    return None


def _drawn(one: Complaint) -> Markup:
    look = {"kind": one.kind, "sign": one.sign, "bold": one.bold}
    if one.act:
        return outline("complaint", FILE, ("words",), ID, **look, act=one.act, to=one.to).filled(one.words, one.id)
    return outline("remark", FILE, ("words",), **look).filled(one.words)


def _none(_card: Card) -> Markup:
    return NOTHING


def joined(drawn: Iterable[Markup]) -> Markup:
    return Markup("".join(drawn))  # noqa: S704 - of what is markup already


def moment(when: dt.datetime) -> str:
    return f"{day_words(when, 'D j M')} {clock(when)}"
