"""What the set-up copies for the pages."""
from __future__ import annotations

import gzip
import json
import re

from mesoclinic import frontend


def test_rules_are_split_at_their_own_braces():
    css = 'a{color:red}@media (x){b{c:d}e{f:g}}i{content:"}"}@import "x";'
    assert list(frontend.rules(css)) == ["a{color:red}", "@media (x){b{c:d}e{f:g}}", 'i{content:"}"}', '@import "x";']


def test_selectors_are_split_outside_brackets():
    assert frontend.split_selectors("a:is(b,c:not(d,e)),f[g='h,i'],j") == ["a:is(b,c:not(d,e))", "f[g='h,i']", "j"]


def test_trimming_keeps_what_pages_use():
    css = (
        ".btn{a:b}.carousel{a:b}.btn,.carousel{c:d}"
        "@media (min-width:1200px){.col-xl-4{e:f}.d-xl-none{g:h}}@media (min-width:768px){.d-md-none{i:j}}"
    )
    assert frontend.trim(css) == (
        ".btn{a:b}.btn,.carousel{c:d}@media (min-width:1200px){.col-xl-4{e:f}}@media (min-width:768px){.d-md-none{i:j}}"
    )


def test_lock_file_names_no_registry_and_keeps_the_integrity():
    packages = json.loads((frontend.ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert all("integrity" in entry for name, entry in packages.items() if name)


def test_every_file_a_stylesheet_asks_for_is_there():
    for sheet in (frontend.ROOT / "static" / "css").glob("*.css"):
        for wanted in re.findall(r"""url\(["']?([^"')#]+)["']?\)""", sheet.read_text(encoding="utf-8")):
            if not wanted.startswith("data:"):
                assert (sheet.parent / wanted).exists(), (sheet.name, wanted)


def test_the_patients_phone_loads_less_than_100_kb():
    """Compressed, without the font: kit, our sheets, htmx, icons, scripts (look.md asks for a light page)."""
    static = frontend.ROOT / "static"
    files = [static / "vendor" / name for name in ("tabler.css", "htmx.js", "icons.svg")]
    files += [static / "css" / f"{name}.css" for name in ("theme", "forms", "components", "frame", "pages")]
    scripts = ("patient", "acts", "forms", "menus", "once", "requests", "ready")
    files += [static / "js" / f"{name}.js" for name in scripts]
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) < 100_000
