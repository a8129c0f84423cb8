"""Adverse events in words: what happened, what it means for the next session, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from protocols.definitions import Catalogue
from sessions.choices import Causality, ReactionOutcome
from sessions.explaining import day_in_words, name_of
from sessions.models import AdverseEvent
from sessions.reactions import SERIOUS_GRADE, is_outbreak, why_not_close


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """One card. `meaning` is what the event does to further sessions; `advice` what the reference says to do about it."""

    event: AdverseEvent
    title: str
    onset: str
    substances: str
    meaning: str
    meaning_kind: str
    advice: str
    source: str
    serious: bool
    outbreak: bool
    why_not_close: str
    pill: str


def shown_events(events: Sequence[AdverseEvent], rules: Catalogue) -> list[ShownEvent]:
    """No query but one for each suspected mycobacterial infection: the rest hangs on the rows."""
    return [_shown(event, rules) for event in events]


def _shown(event: AdverseEvent, rules: Catalogue) -> ShownEvent:
    known = rules.reactions.get(event.reaction)
    kind, meaning = _meaning(event)
    return ShownEvent(
        event=event,
        title=name_of(event.reaction, rules.reactions) if known else event.term,
        onset=day_in_words(event.onset_on) if event.onset_on else _("Not known"),
        substances=", ".join(name_of(code, rules.substances) for code in event.substances) or _("Not known"),
        meaning=meaning,
        meaning_kind=kind,
        advice=known.text(get_language() or "en") if known else "",
        source=known.source if known else "",
        serious=event.grade >= SERIOUS_GRADE,
        outbreak=is_outbreak(event),
        why_not_close=why_not_close(event),
        pill="danger" if event.is_open and event.grade >= SERIOUS_GRADE else "caution" if event.is_open else "neutral",
    )


def _meaning(event: AdverseEvent) -> tuple[str, str]:
    """The strip's kind and its sentence, the same clauses in the same order as scr-prior-reaction."""
    if event.is_open or event.causality == Causality.NOT_ASSESSED:
        return "caution", _("Open: no session starts and nothing new is booked until it is assessed and closed.")
    if event.grade >= SERIOUS_GRADE and event.causality != Causality.UNRELATED:
        if event.substances:
            return "danger", _("These products are not used again for this patient.")
        return "danger", _("Nobody knows which product it was: nothing is injected for this patient.")
    if event.grade > 1:
        return "caution", _("Each plan needs a clearance.")
    if event.outcome == ReactionOutcome.RECOVERED:
        return "ok", _("No effect on further sessions.")
    return "note", _("No rule stops further sessions.")
