"""Nobody meets English in Turkish: what is marked is translated, in every language that needs it, and stays what it says."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import allauth
import django
import pytest
from babel.messages.catalog import Message
from django.contrib import auth as django_auth
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.translation.template import templatize

from clinic.languages import NAMES, TRANSLATED
from mesoclinic.patient_facing import FOR_STAFF, WORDS_ELSEWHERE, is_for_patients
from mesoclinic.translations import (
    CALL,
    PLACEHOLDER,
    ROOT,
    Marked,
    first,
    marked_in,
    read,
    sources,
    strings,
    texts_for,
)
from tests.house.wording import TEMPLATES, worded

# The same in both languages, because the word is the same.
ALIKE = {
    "+%(number)s more", "A4", "Form", "Letter", "No.", "Plan", "Lot", "normal",
}  # fmt: skip
# Views open to everybody that show no page of ours.
NO_PAGE = {"live", "ready", "invitation", "set_language"}
# How a language says to stop taking something, and how it says not to.
STOP = {
    "fr": (r"\barrête", r"\bn[’']arrête|\bne l[’']arrêtez pas|\bjamais\b"), "it": (r"\b(sospend|interromp)", r"\bnon\b"),
    "es": (r"\b(suspend|interrump|deje de tomar)", r"\b(no|nunca)\b"),
    "de": (r"\babsetz|\bsetzen sie .* ab\b", r"\b(nicht|kein|nie)"),
    "ar": (r"توقف عن|إيقاف|توقّف عن", r"\bلا|دون|عدم"), "ru": (r"прекра(щ|т)|отмен(я|и)|бросайте", r"\bне\b|никогда"),
}  # fmt: skip
MAY_STOP = {"consent-withdraw name"}  # the patient's right to end the treatment
# What one of the other languages writes as English does.
ALIKE_IN = {
    "fr": {"Code", "Date", "Important", "Page", "Pages", "Patient", "Points", "Signature", "grade {grade}", "lot {lot}",
           "questions", "version {number}", "{h} h {m} min", "{m} min"},
    "de": {"Code", "Name", "Status"}, "it": {"File, SHA-256", "No", "no", "{h} h {m} min", "{m} min"},
    "es": {"animal", "No", "no", "{h} h {m} min", "{m} min"},
}  # fmt: skip
# Texts of the packages that our words replace everywhere, because they fit there as well or better.
REPLACED = {"Phone", "Password", "name", "Cancel", "Sign in with a passkey", "Clear"}


WORDS = [source for source in sources() if source.stem == "django"]
CLINICAL = [source for source in sources() if source.stem == "catalogue"]


def language_of(source: Path) -> str:
    return source.parts[-3]


@pytest.fixture(scope="module")
def texts(source: Path) -> dict[Marked, str]:
    return texts_for(source)


@pytest.mark.parametrize("source", WORDS, ids=language_of, scope="module")
class TestEveryLanguage:
    def test_says_everything_that_is_marked(self, source: Path, texts: dict[Marked, str]) -> None:
        said = {(one.context, first(one.id)) for one in read(source) if one.id and all(strings(one)) and not one.fuzzy}
        missing = [f"{place}: {first(text)}" for (context, text), place in texts.items() if (context, first(text)) not in said]
        assert not missing, "without translation (python -m mesoclinic.translations update):\n" + "\n".join(missing)

    def test_has_nothing_fuzzy_or_left_over(self, source: Path, texts: dict[Marked, str]) -> None:
        catalog = read(source)
        assert not [one.id for one in catalog if one.id and one.fuzzy]
        assert not list(catalog.obsolete)
        known = {(context, first(text)) for context, text in texts}
        assert not [one.id for one in catalog if one.id and (one.context, first(one.id)) not in known]

    def test_keeps_every_placeholder(self, source: Path, texts: dict[Marked, str]) -> None:
        assert not [complaint for one in read(source) if one.id for complaint in misplaced(one)]

    def test_repeats_the_english_only_where_the_word_is_the_same(self, source: Path, texts: dict[Marked, str]) -> None:
        catalog = read(source)
        repeated = {first(one.id) for one in catalog if one.id and first(one.id) in strings(one)}
        alike = ALIKE | ALIKE_IN.get(language_of(source), set())
        assert {text for text in repeated if worded(PLACEHOLDER.sub("", text))} <= alike

    def test_does_not_change_the_words_of_the_account_pages(self, source: Path, texts: dict[Marked, str]) -> None:
        """One catalogue serves all: a text of ours that allauth or Django says too gets a context of its own. The account
        pages are for staff and speak two languages, so the other six have no such pages to change."""
        if language_of(source) in TRANSLATED:
            return
        ours = {(one.context, first(one.id)): strings(one) for one in read(source) if one.id}
        packages = [Path(allauth.__file__).parent, Path(django.__file__).parent / "conf", Path(django_auth.__file__).parent]
        theirs = [path for at in packages for path in at.rglob(f"locale/{source.parts[-3]}/*/django.po")]
        changed = {
            first(one.id)
            for path in theirs
            for one in read(path)
            if one.id and ours.get((one.context, first(one.id)), strings(one)) != strings(one)
        }  # fmt: skip
        assert len(theirs) >= 3
        assert changed <= REPLACED

    def test_ends_and_breaks_as_the_english_does(self, source: Path, texts: dict[Marked, str]) -> None:
        for one in read(source):
            for said in strings(one) if one.id else ():
                assert first(one.id).count("\n") == said.count("\n"), said
                assert first(one.id).endswith("?") == said.endswith(("?", "؟")), said
                assert said == said.strip() or first(one.id) != first(one.id).strip(), said


@pytest.mark.parametrize("source", CLINICAL, ids=language_of)
class TestClinicalTexts:
    """What patients read of the catalogue, in the six languages that are approved text by text."""

    def test_say_everything_patients_read(self, source: Path) -> None:
        said = {(one.context, first(one.id)) for one in read(source) if one.id and all(strings(one)) and not one.fuzzy}
        missing = [f"{place}: {text}" for text, place in texts_for(source).items() if text not in said]
        assert not missing, "\n".join(missing)

    def test_have_nothing_left_over_and_keep_every_placeholder(self, source: Path) -> None:
        known = set(texts_for(source))
        for one in read(source):
            if one.id:
                assert (one.context, first(one.id)) in known
                assert not list(misplaced(one))

    def test_never_tell_a_patient_to_stop_a_medicine(self, source: Path) -> None:
        """Every language has its words for not stopping; a sentence that says stop without them is read by a person."""
        stop, never = STOP[language_of(source)]
        for one in read(source):
            said = "".join(strings(one)).lower() if one.id else ""
            if re.search(stop, said):
                assert re.search(never, said) or (one.context or "") in MAY_STOP, said


# One person, addressed as one: a woman would have to be addressed otherwise. The polite plural fits everybody.
TO_ONE = re.compile(
    r"(?<!\w)(?:[وفلب]?(?:اتصل|اختر|اكتب|اترك|احفظ|اتبع|أخبرنا|أخبرني|أدخل|حاول|راجع|وقّع|اسألنا|سجّل)(?:ه|ها)?"
    r"|[وفلب]?(?:لديك|عليك|منك|عنك|إليك|تصلك|يلزمك|يمكنك|نسألك|أنت|موعدك|علاجك|زيارتك|صحتك|بياناتك|طلبك|اسمك))(?!\w)"
)


def is_no_address(context: str) -> bool:
    """A name speaks to nobody, though one sounds like a bidding (retrograde); and one question is asked of women alone."""
    return context.endswith(" name") or context == "q-pregnant text"


def test_arabic_addresses_everybody_alike() -> None:
    for source in (*WORDS, *CLINICAL):
        if language_of(source) == "ar":
            addressed = [one for one in read(source) if one.id and not is_no_address(one.context or "")]
            assert not [text for one in addressed for text in strings(one) if TO_ONE.search(text)]
    assert TO_ONE.search("إذا تغيّر موعدك فاتصل بنا")
    assert not TO_ONE.search("إذا تغيّر موعدكم فاتصلوا بنا، وذلك هناك")


def test_every_language_has_both_catalogues() -> None:
    assert {language_of(source) for source in WORDS} == set(NAMES) - {"en"}
    assert {language_of(source) for source in CLINICAL} == set(TRANSLATED)


# --- what patients see is listed, and the list is whole -----------------------------------------------------------------


def test_every_page_open_to_patients_is_listed() -> None:
    """A view that anybody may open, or that opens by a patient's link, speaks all languages."""
    listed = {view.__module__.replace(".", "/") + ".py" for view in patient_views()}
    assert len(listed) >= 4
    missing = [place for place in listed if not is_for_patients(place) and place not in WORDS_ELSEWHERE]
    assert not missing, f"open to patients, but mesoclinic/patient_facing.py does not know: {missing}"


def patient_views() -> Iterator[Callable[..., object]]:
    def walk(patterns: list[object]) -> Iterator[Callable[..., object]]:
        for one in patterns:
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns)
            elif isinstance(one, URLPattern):
                access = getattr(one.callback, "access", ("staff",))[0]
                if access != "staff" and one.name not in NO_PAGE:
                    yield inspect.unwrap(one.callback)

    yield from walk(get_resolver().url_patterns)


def test_what_a_patient_page_draws_in_is_listed_too() -> None:
    """A template that a listed one extends or includes is listed, or says nothing itself."""
    missing = []
    for path in TEMPLATES:
        name = path.relative_to(ROOT / "templates").as_posix()
        if is_for_patients(f"templates/{name}"):
            for drawn in re.findall(r"""{% (?:extends|include) ["']([^"']+)["']""", path.read_text()):
                found = drawn if (ROOT / "templates" / drawn).exists() else f"documents/{drawn}"
                if not is_for_patients(f"templates/{found}") and says_something(ROOT / "templates" / found):
                    missing.append(f"{name} draws in {found}")
    assert not missing


def says_something(template: Path) -> bool:
    return template.suffix in (".html", ".txt") and bool(CALL.search(templatize(template.read_text())))


def test_an_unlisted_template_under_the_folders_of_patients_would_be_found() -> None:
    """Folders are listed whole, so a new page is; what staff alone read is named one by one and exists."""
    assert is_for_patients("templates/patient_pages/whatever/new.html")
    for pattern in FOR_STAFF:
        assert list((ROOT / "templates").glob(pattern)), pattern


def test_marks_are_found_wherever_they_stand() -> None:
    code = """say(_("one"), f"{x} {_('two')}", ngettext("three", "threes", n), pgettext("min", "four"), _(five), _('s' 'ix'))"""
    assert set(marked_in(code)) == {
        (None, "one"), (None, "two"), (None, ("three", "threes")), ("min", "four"), (None, "six"),
    }  # fmt: skip


def misplaced(message: Message) -> Iterator[str]:
    """Placeholders and markup that a translation lost, invented or misspelt; a singular may say the number as a word."""
    english = [message.id] if isinstance(message.id, str) else list(message.id)
    allowed = [names(text) for text in english]
    for said in strings(message):
        if said and names(said) not in allowed:  # that there are words at all is asked above
            yield f"{first(message.id)} -> {said}"


def names(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text) + re.findall(r"</?\w+>", text))


def test_a_lost_placeholder_would_be_found() -> None:
    assert list(misplaced(Message("%(n)s rooms", "%(m)s oda")))
    assert list(misplaced(Message(("<b>%(n)s</b> room", "<b>%(n)s</b> rooms"), ("%(n)s oda", "<b>%(n)s</b> oda"))))
    assert not list(misplaced(Message(("One room", "%(n)s rooms"), ("Bir oda", "%(n)s oda"))))
