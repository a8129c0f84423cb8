"""Parsing questions from the reference files into the types of `patients.questionnaire`. Pure.

Shorthands of the files, expanded here: `kind: yes-no` is a choice no / yes; a follow-up key that begins with a dot is
asked for each item of a list (`.date` of `q-procedure` becomes `q-procedure.filler.date` ...), `{item}` in its text
becomes the item's words; `when: yes` speaks of the question itself; `areas: true` adds the question where.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from patients.choices import Text
from patients.questionnaire import NONE, FollowUp, Holds, Kind, Option, Question
from protocols import faults
from protocols.faults import Written
from protocols.rule_entries import NO_TEXT, SEXES, Entry

NO = Option("no", Text.of(en="No", tr="Hayır"))
YES = Option("yes", Text.of(en="Yes", tr="Evet"))
WHERE = Text.of(
    en="Where on your body? Leave this empty if it is everywhere.",
    tr="Vücudunuzun neresinde? Her yerdeyse boş bırakın.",
)
_KINDS = ("yes-no", *(kind.value for kind in Kind))


def parse_question(data: Mapping[str, Any]) -> Question:
    """One entry of `questions`. Raises `EntryError` with everything that is wrong."""
    entry = Entry(data)
    key = entry.code("q-")
    shape = entry.choice("kind", _KINDS, "yes-no")
    options = _options(entry, shape)
    areas = entry.flag("areas")
    follow_ups = [one for inner in entry.inner_list("follow_ups") for one in _follow_ups(inner, key, options)]
    if areas and not any(one.kind is Kind.REGIONS for one in follow_ups):
        follow_ups.append(_where(key, options))
    question = Question(
        key=key,
        kind=Kind.CHOICE if shape == "yes-no" else Kind(shape),
        text=entry.text("text"),
        why=entry.maybe_text("why"),
        help=entry.maybe_text("help"),
        heading=entry.maybe_text("heading"),
        options=options,
        lowest=entry.whole("lowest"),
        highest=entry.whole("highest"),
        max_length=entry.whole("max_length", 500),
        code_prefix=str(entry.take("code_prefix", "")),
        by=entry.choice("by", ("patient", "staff"), "patient"),
        sexes=entry.words("sexes"),
        only_with=entry.words("only_with"),
        again=entry.flag("again"),
        areas=areas,
        optional=entry.flag("optional"),
        follow_ups=tuple(follow_ups),
        source=entry.source(),
        mark=entry.mark(),
    )
    if set(question.sexes) - set(SEXES):
        entry.wrong(faults.MAY_HOLD, "sexes", allowed=", ".join(SEXES))
    if entry.sound("kind", "options"):
        if question.kind is Kind.CHOICE and len(options) < 2:
            entry.wrong(faults.TWO_OPTIONS, "options")
        if question.kind is Kind.LIST and (not options or options[0].value != NONE):
            entry.wrong(faults.NONE_FIRST, "options")
    return entry.complete(question)


def _where(question: str, options: tuple[Option, ...]) -> FollowUp:
    """Where on the body: offered with every answer but the healthy one; nothing chosen means everywhere."""
    return FollowUp(
        key=f"{question}-area",
        kind=Kind.REGIONS,
        text=WHERE,
        when=(Holds(question, tuple(option.value for option in options[1:])),),
        optional=True,
    )


def _options(entry: Entry, shape: str) -> tuple[Option, ...]:
    if shape == "yes-no":
        return (NO, YES)
    inside = entry.part(entry.take("options") or {}, "options")
    return tuple(Option(value, inside.as_text(text, value)) for value, text in inside.data.items())


def _follow_ups(entry: Entry, question: str, options: tuple[Option, ...]) -> Iterator[FollowUp]:
    key, shape, text = entry.word("key"), entry.choice("kind", _KINDS), entry.text("text")
    own_options = _options(entry, shape)
    when, offered_when = entry.take("when"), entry.take("offered_when")
    items = entry.words("items") or tuple(option.value for option in options[1:])
    numbers = {"lowest": entry.whole("lowest"), "highest": entry.whole("highest")}
    max_length, prefix = entry.whole("max_length", 500), str(entry.take("code_prefix", ""))
    by, optional = entry.choice("by", ("patient", "staff"), "patient"), entry.flag("optional")
    entry.done()
    words = {option.value: option.text for option in options}
    targets = [(key, text, "")]
    if key.startswith("."):
        for item in items:
            if item not in words:
                entry.wrong(faults.NOT_ONE_OF, "items", value=Written(item), allowed=", ".join(words))
        targets = [(f"{question}.{item}{key}", _about(entry, text, words.get(item, NO_TEXT)), item) for item in items]
    elif not key.startswith(f"{question}-") and entry.sound("key"):
        entry.wrong(faults.KEY_START, "key", written=key, prefix=f"{question}-")
    for full_key, full_text, item in targets:
        yield FollowUp(
            key=full_key,
            kind=Kind.CHOICE if shape == "yes-no" else Kind(shape),
            text=full_text,
            options=own_options,
            max_length=max_length,
            code_prefix=prefix,
            by=by,
            when=_holds(when, question, item),
            offered_when=_holds(offered_when, question, "") if offered_when is not None else (),
            optional=optional,
            **numbers,
        )


def _about(entry: Entry, text: Text, item: Text) -> Text:
    """The text of a detail with the words of its item."""
    try:
        return text.with_values(item=item)
    except (KeyError, IndexError, ValueError):
        entry.wrong(faults.NO_SENTENCE, "text")
        return text


def _holds(data: object, question: str, item: str) -> tuple[Holds, ...]:
    """`when` as the conditions that must all hold; a detail of an item always needs the item to be ticked."""
    ticked = (Holds(question, (item,)),) if item else ()
    if data is None:
        return ticked
    if not isinstance(data, Mapping):
        own = Entry({"is": data}, question)
        return (Holds(question, own.words("is")),)
    entry = Entry(data, question)
    return ticked + tuple(
        Holds(f"{question}.{item}{key}" if key.startswith(".") else key, entry.words(key)) for key in list(entry.data)
    )
