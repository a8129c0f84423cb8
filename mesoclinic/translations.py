"""The translations under locale/: compile the .po files to the .mo files Django reads, collect what the tree marks.

`python -m mesoclinic.translations` compiles; `... update` also writes every marked string of the tree into the .po
files, keeps what is translated and drops what nobody says any more. Babel, because a bare machine has no gettext.

Turkish holds everything. The other languages hold what patients see (`mesoclinic.patient_facing`): the texts marked there,
the words that code writes down itself, and in `catalogue.po` the clinical texts of the reference (`protocols.patient_texts`).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import normalize, read_po

from clinic.languages import TRANSLATED
from mesoclinic.patient_facing import holds_code_words, is_for_patients

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"

CODE = ("clinic", "patients", "protocols", "sessions", "mesoclinic")
# The functions that mark a text, and what they take first.
MARKS: Mapping[str, tuple[str, ...]] = {
    "_": ("text",),
    "gettext": ("text",),
    "gettext_lazy": ("text",),
    "gettext_noop": ("text",),
    "ngettext": ("text", "plural"),
    "ngettext_lazy": ("text", "plural"),
    "pgettext": ("context", "text"),
    "pgettext_lazy": ("context", "text"),
    "npgettext": ("context", "text", "plural"),
    "npgettext_lazy": ("context", "text", "plural"),
}
# A template comes back from Django as text in which each tag has become such a call, with plain strings.
STRING = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
CALL = re.compile(rf"\b(?:_|n?p?gettext)\(\s*{STRING}(?:\s*,\s*{STRING})*(?:\s*,\s*count)?\s*\)")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
WIDTH = 110

Text = str | tuple[str, str]
Marked = tuple[str | None, Text]


def compile_all() -> int:
    """Compile what changed; returns how many. Fuzzy entries are left out: a guess is no translation."""
    compiled = 0
    for source in sources():
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        draft = target.with_suffix(".new")
        with draft.open("wb") as binary:
            write_mo(binary, read(source))
        draft.replace(target)
        compiled += 1
    return compiled


def sources() -> list[Path]:
    return sorted(LOCALE.glob("*/LC_MESSAGES/*.po"))


def read(source: Path) -> Catalog:
    with source.open("rb") as text:
        return read_po(text, locale=source.parent.parent.name)


@lru_cache(maxsize=1)
def _everywhere() -> Mapping[Marked, tuple[str, ...]]:
    """Every text the tree marks for translation, with all the files that say it."""
    found: dict[Marked, list[str]] = {}
    for path, python in _texts():
        for one in marked_in(python):
            found.setdefault(one, []).append(path.relative_to(ROOT).as_posix())
    return {one: tuple(places) for one, places in found.items()}


def marked() -> dict[Marked, str]:
    """Every text the tree marks for translation, with the first file that says it."""
    return {one: places[0] for one, places in _everywhere().items()}


def texts_for(source: Path) -> dict[Marked, str]:
    """The texts one catalogue has to hold, each with a file that says it."""
    if source.stem == "catalogue":
        return clinical_texts()
    if source.parent.parent.name not in TRANSLATED:
        return marked()
    seen = {one: [at for at in places if is_for_patients(at)] for one, places in _everywhere().items()}
    return {one: places[0] for one, places in seen.items() if places} | code_words(source.parent.parent.name)


def clinical_texts() -> dict[Marked, str]:
    """What patients read of the reference catalogue: code and field are the context, the English words the text."""
    from protocols.loading import entries_of_reference
    from protocols.patient_texts import context_of, wanted_in

    return {
        (context_of(one), one.english): f"protocols/reference: {entry.code}"
        for entry in entries_of_reference()
        for one in wanted_in(entry.kind, entry.code, entry.body)
    }


def code_words(language: str) -> dict[Marked, str]:
    """The words code writes down in English and Turkish (`Text.of`), where it has none in this language."""
    found: dict[Marked, str] = {}
    for room in CODE:
        for path in sorted((ROOT / room).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            if holds_code_words(place):
                found |= {(None, text): place for text in written_in_code(path.read_text(), language)}
    return found


def written_in_code(python: str, language: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(python)):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "Text.of"):
            continue
        said = {key.arg: key.value for key in node.keywords}
        english = said.get("en")
        if language not in said and isinstance(english, ast.Constant) and isinstance(english.value, str) and english.value:
            yield english.value


def marked_in(python: str) -> Iterator[Marked]:
    """The texts some code marks. Its syntax tree is read, not its words: a call inside an f-string counts too."""
    for node in ast.walk(ast.parse(python)):
        one = _marked(node) if isinstance(node, ast.Call) else None
        if one is not None:
            yield one


def _texts() -> Iterator[tuple[Path, str]]:
    """The sources as Python: code as it is, templates with their translation tags turned into calls."""
    for room in CODE:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path, path.read_text()
    for path in sorted((ROOT / "templates").rglob("*.*")):
        if path.suffix in (".html", ".txt"):
            yield path, marking_calls(path.read_text())
        elif path.suffix == ".jinja":
            yield path, marking_calls_compiled(path.read_text())


def marking_calls(template: str) -> str:
    from django.utils.translation.template import templatize  # not needed to compile

    return "\n".join(call.group() for call in CALL.finditer(templatize(template)))


def marking_calls_compiled(template: str) -> str:
    """The second engine's templates call these functions themselves."""
    from jinja2 import Environment, nodes

    def parts(call: nodes.Call) -> str:
        return ", ".join(repr(part.value if isinstance(part, nodes.Const) else None) for part in call.args)

    calls = Environment().parse(template).find_all(nodes.Call)  # noqa: S701 - only read
    return "\n".join(f"{call.node.name}({parts(call)})" for call in calls if isinstance(call.node, nodes.Name))


def _marked(call: ast.Call) -> Marked | None:
    """Context and text of a call that marks; None for any other, and where the text is a variable, marked elsewhere."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name not in MARKS:
        return None
    takes = MARKS[name]
    said = [part.value for part in call.args[: len(takes)] if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    if len(said) < len(takes) or not said[0]:
        return None
    context = said.pop(0) if takes[0] == "context" else None
    return context, (said[0], said[1]) if len(said) == 2 else said[0]


def first(text: str | tuple[str, ...] | list[str]) -> str:
    """The singular, which is what gettext looks a text up by."""
    return text if isinstance(text, str) else text[0]


def update(source: Path) -> tuple[int, int]:
    """Write the tree's texts into one .po file, by alphabet; returns how many there are and how many have no words."""
    catalog = read(source)
    held = {(message.context, first(message.id)): message for message in catalog if message.id}
    texts: dict[tuple[str | None, str], Text] = {}
    for context, text in texts_for(source):
        # A text said with and without a plural is one entry, with it.
        if isinstance(text, tuple) or (context, text) not in texts:
            texts[context, first(text)] = text
    messages = [_entry(text, context, held.get((context, key)), catalog) for (context, key), text in texts.items()]
    if source.stem != "catalogue":  # which keeps the order of the reference
        messages.sort(key=lambda message: (first(message.id), message.context or ""))
    source.write_text(_head(catalog) + "".join(_written(message) for message in messages))
    return len(messages), sum(1 for message in messages if not all(strings(message)))


def _entry(text: Text, context: str | None, held: Message | None, catalog: Catalog) -> Message:
    known = strings(held) if held is not None and not held.fuzzy else ()
    if isinstance(text, str):
        return Message(text, known[0] if known else "", context=context)
    forms = known if len(known) == catalog.num_plurals else known[:1] * catalog.num_plurals
    return Message(text, forms or ("",) * catalog.num_plurals, context=context)


def strings(message: Message) -> tuple[str, ...]:
    """The translations of one entry: one, or one for each plural form."""
    said = message.string
    return tuple(map(str, said)) if isinstance(said, list | tuple) else (said or "",)


def _head(catalog: Catalog) -> str:
    lines = (
        "Project-Id-Version: Mesoclinic",
        f"Language: {catalog.locale}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=UTF-8",
        "Content-Transfer-Encoding: 8bit",
        f"Plural-Forms: nplurals={catalog.num_plurals}; plural={catalog.plural_expr};",
    )
    return 'msgid ""\nmsgstr ""\n' + "".join(f'"{line}\\n"\n' for line in lines)


def _written(message: Message) -> str:
    lines = ["", "#, python-format"] if "%(" in first(message.id) else [""]
    if message.context:
        lines.append(f"msgctxt {normalize(message.context, width=WIDTH)}")
    lines.append(f"msgid {normalize(first(message.id), width=WIDTH)}")
    if isinstance(message.id, str):
        lines.append(f"msgstr {normalize(strings(message)[0], width=WIDTH)}")
    else:
        lines.append(f"msgid_plural {normalize(message.id[1], width=WIDTH)}")
        lines += [f"msgstr[{n}] {normalize(form, width=WIDTH)}" for n, form in enumerate(strings(message))]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "update" in sys.argv[1:]:
        for source in sources():
            texts, open_texts = update(source)
            print(f"{source.relative_to(ROOT)}: {texts} texts, {open_texts} without translation.")
    print(f"{compile_all()} translation files compiled.")
