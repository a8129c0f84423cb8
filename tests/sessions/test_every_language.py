"""Every paper in every language: its words, its pages, its direction, and a letter for every sign (golden, by language).

How each looks is kept as a picture under test-artifacts/papers/ for whoever wants to see it.
"""
from __future__ import annotations

import html
import io
import os
import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import ngettext
from fontTools.ttLib import TTFont
from pypdf import PdfReader

from clinic import pdf
from clinic.doer import Doer
from clinic.languages import NAMES, RIGHT_TO_LEFT, STAFF, TRANSLATED
from clinic.reading_direction import END, START, isolated, isolated_html
from protocols import texts
from sessions import documents, papers
from sessions.models import Document
from sessions.paper_words import AFTERCARE, EXPLANATION, SHARED, word
from tests import factories
from tests.figures import full_figures
from tests.sessions.careday import MORNING
from tests.sessions.every_paper import FOR_STAFF, HOUR, approve, prepared_papers, treated_papers
from tests.sessions.treated import make_ended_treatment

# WeasyPrint leaves the file of its colour profile to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
FONTS = Path(settings.BASE_DIR) / "static" / "vendor" / "fonts"
PICTURES = Path(settings.BASE_DIR) / "test-artifacts" / "papers"


@lru_cache(maxsize=1)
def engine() -> pdf.Engine:
    return pdf.warm_up()


@lru_cache(maxsize=1)
def letters() -> frozenset[int]:
    """Every sign some font of a paper can draw."""
    files = [file for faces in pdf.FONT_FAMILIES.values() for _weight, file in faces]
    return frozenset(sign for file in files for sign in TTFont(FONTS / file).getBestCmap())


@pytest.fixture(params=list(NAMES))
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


DRAWN = ("en", "tr", "de", "ar")  # the other languages are drawn in `bin/prove` alone, their words are read always
GOLDEN = Path(settings.BASE_DIR) / "tests" / "golden" / "papers"


@pytest.mark.prove
@pytest.mark.django_db
@pytest.mark.parametrize("when", ["before", "after"])
def test_every_paper_in_every_language(at: Any, language: str, when: str) -> None:
    """Text and pages against the golden copy (`GOLDEN=write` makes it anew), a letter for every sign, and a picture."""
    at(MORNING if when == "before" else HOUR)
    approve(language)
    papers_made = prepared_papers(language) if when == "before" else treated_papers(language)
    for kind, document in papers_made.items():
        if kind in FOR_STAFF and language not in STAFF:
            continue
        assert document.language == language, kind
        page = papers.html_of(document.source, language=language)
        assert f'<html lang="{language}" dir="{"rtl" if language in RIGHT_TO_LEFT else "ltr"}"' in page
        said = words_on(page)
        without = {sign for sign in said if not sign.isspace() and sign not in (START, END) and ord(sign) not in letters()}
        assert not without, f"{kind}: no letter for {sorted(without)}"
        if language not in STAFF:
            assert document.source["note"] == ""
            assert english_left(said) == [], kind
        pages = None
        if language in DRAWN or full_figures():
            rendered = drawn(document)
            check_pdf(rendered.content, kind, language)
            pages = rendered.pages
        check_golden(f"{kind}-{language}", without_numbers(said, document.verification_code), pages)


def drawn(document: Document) -> pdf.Pdf:
    """As the renderer draws it: closer together where that makes it one page."""
    for density in documents.DENSITIES.get(document.kind, ("",)):
        rendered = pdf.render(engine(), papers.html_of(document.source, language=document.language, density=density))
        if rendered.pages == 1:
            break
    return rendered


def words_on(page: str) -> str:
    """What the paper says, a block a line."""
    bare = re.sub(r"<style.*?</style>|<svg.*?</svg>|<head.*?</head>", " ", page, flags=re.DOTALL)
    bare = re.sub(r"</(?:p|h\d|li|tr|td|th|div|section|header|footer|dt|dd|figure|caption)>|<br>", "\n", bare)
    lines = (" ".join(line.split()) for line in html.unescape(re.sub(r"<[^>]+>", " ", bare)).splitlines())
    return "\n".join(line for line in lines if line)


def without_numbers(said: str, code: str) -> str:
    """What differs from run to run: the code, the digest, and what the factories count up."""
    said = re.sub(r"\b[0-9a-f]{4}…[0-9a-f]{4}\b", "DIGEST", said.replace(code, "CODE"))
    return re.sub(r"\b(L-|Room |Service |site)\d+\b", r"\1NUMBER", said)


def check_golden(name: str, said: str, pages: int | None) -> None:
    """The first line counts the pages; where nothing was drawn, it is not looked at."""
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"pages: {pages}\n{said}\n", encoding="utf-8")
    first, _line, words = file.read_text(encoding="utf-8").partition("\n")
    advice = f"{name} changed; if that is meant: PROVE=1 GOLDEN=write bin/test -k every_paper_in_every_language"
    assert words == f"{said}\n", advice
    assert pages is None or first == f"pages: {pages}", advice


# Sentences whose English would stand out wherever the translation was lost.
ENGLISH = (
    "Do not", "Please", "Call us", "You ", "The ", "is normal", "until ", "hours", "weeks", "Redness", "face", "session ",
)  # fmt: skip


def english_left(said: str) -> list[str]:
    """English words where there should be none; latin names of products and papers do not count."""
    return [sign for sign in ENGLISH if re.search(rf"(?<![\w-]){re.escape(sign)}", said) and sign.strip() not in ("face",)]


def check_pdf(content: bytes, kind: str, language: str) -> None:
    reader = PdfReader(io.BytesIO(content))
    said = " ".join(page.extract_text() for page in reader.pages)
    assert "\ufffd" not in said
    assert len(said) > 100, kind
    assert reader.trailer["/Root"].get("/Lang") == language
    keep_picture(content, f"{kind}-{language}")


def keep_picture(content: bytes, name: str) -> None:
    if not shutil.which("pdftoppm"):
        return
    PICTURES.mkdir(parents=True, exist_ok=True)
    file = PICTURES / f"{name}.pdf"
    file.write_bytes(content)
    subprocess.run(["pdftoppm", "-r", "60", "-png", "-f", "1", "-l", "1", str(file), str(PICTURES / name)], check=True)


@pytest.mark.django_db
@pytest.mark.parametrize("language", TRANSLATED)
def test_what_is_not_approved_is_english_and_says_so_on_the_paper(language: str) -> None:
    texts.ensure_shipped_texts()
    record = make_ended_treatment(patient={"language": language})
    by = Doer.staff(factories.make_user(), record.appointment.site)
    sheet = documents.issue_aftercare(treatment_session=record, by=by)
    note = word(SHARED["not_approved"], language)
    assert sheet.source["note"] == note
    page = papers.html_of(sheet.source, language=language)
    assert note in html.unescape(page)
    assert "Do not touch the area" in page
    assert word(AFTERCARE["title"], language) in html.unescape(page)
    assert word(EXPLANATION["document"], language) != EXPLANATION["document"].get("en")


def test_every_script_has_its_letters() -> None:
    samples = "Ağrı şimdi İçin ğüöç Äußern œuvre ñandú ¿Qué? àèìòù Больше ёлка мама مرحبا كيف حالكم؟ ؛ ، «» „“ – … °"
    assert [sign for sign in samples if not sign.isspace() and ord(sign) not in letters()] == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [("اتصلوا بنا: +39 06 5555 0100.", "+39 06 5555 0100"), ("الهاتف 0212 555 00 00", "0212 555 00 00"),
     ("حمض 10 mg/ml, كمية", "10 mg/ml"), ("كمية 0.5–1 ml", "0.5–1 ml"), ("ضغط 120 mmHg", "120 mmHg")],
)  # fmt: skip
def test_numbers_keep_their_order_among_arabic_words(text: str, kept: str) -> None:
    assert f"\u2066{kept}\u2069" in isolated(text, "ar")
    assert isolated(text, "en") == text
    assert isolated_html(f'<p title="{kept}">{text}</p>', "ar") == f'<p title="{kept}">{isolated(text, "ar")}</p>'


def test_days_and_clock_times_need_no_mark() -> None:
    assert isolated("الخميس 12 مارس 2026، 11:20", "ar") == "الخميس 12 مارس 2026، 11:20"


@pytest.mark.parametrize(
    ("number", "said"),
    [(1, "سؤال واحد (1)"), (2, "سؤالان (2)، واحد في كل صفحة"), (3, "3 أسئلة، واحد في كل صفحة"),
     (48, "48 سؤالًا، واحد في كل صفحة"), (100, "100 سؤال، واحد في كل صفحة")],
)  # fmt: skip
def test_arabic_counts_in_six_forms(number: int, said: str) -> None:
    with translation.override("ar"):
        text = ngettext("%(number)s question, one on each page", "%(number)s questions, one on each page", number)
        assert text % {"number": number} == said


@pytest.mark.parametrize(("number", "said"), [(1, "1 вопрос"), (3, "3 вопроса"), (5, "5 вопросов"), (21, "21 вопрос")])
def test_russian_counts_in_its_forms(number: int, said: str) -> None:
    with translation.override("ru"):
        text = ngettext("%(number)s question, one on each page", "%(number)s questions, one on each page", number)
        assert (text % {"number": number}).startswith(f"{said},")
