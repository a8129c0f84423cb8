"""What stands on the cards of the board's lanes and what they offer; how that looks is in `templates/compiled/board/card.jinja`,
where each look is drawn once and then filled in (`clinic/components/outlines.py`)."""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import get_token
from markupsafe import Markup

from clinic.components.compiled import clock, day_words, drawn
from clinic.components.outlines import Outline, outline
from clinic.idempotency import new_token
from sessions.board_cards import Card
from sessions.choices import AppointmentStatus

FILE = "board/card.jinja"
ID = ("id",)
CARD = ("content", "time", "name", "initials", "line", "place")
HIDDEN = ("csrf", "token", "version")
NOTHING = Markup("")


class Drawing:
    """For one reader; `may_act`: the day is today, so the desk can let people in. `known`: all that the page knows."""

    def __init__(self, request: HttpRequest, known: Mapping[str, Any], *, may_act: bool) -> None:
        self.known, self.csrf, self.may_act = {**known, "request": request}, get_token(request), may_act
        self.may_change: bool = known["may_change"]
        self.may_treat: bool = known["may_treat"]
        self.status_words = {"": ""} | {status.value: str(status.label) for status in AppointmentStatus}
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
        if not card.has_complaints:
            return NOTHING
        return Markup(drawn("board/complaints.jinja", {**self.known, "card": card}))  # noqa: S704 - our template

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


def _none(_card: Card) -> Markup:
    return NOTHING


def joined(drawn: Iterable[Markup]) -> Markup:
    return Markup("".join(drawn))  # noqa: S704 - of what is markup already


def moment(when: dt.datetime) -> str:
    return f"{day_words(when, 'D j M')} {clock(when)}"
