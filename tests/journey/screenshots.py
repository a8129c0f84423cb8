"""Pictures of every page of the demo clinic, to look at beside each other: `bin/screenshots`.

They go to test-artifacts/screenshots/<width>/; the one that the README shows goes to docs/images/. Without `--at` a
clinic of its own is started with bin/up on a free port, under a directory that goes away again.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from mesoclinic.services import free_port
from sessions.demo import PASSWORD
from tests.browser import PICTURES, QUIET, ROOT, chromium

WIDTHS = {1440: 900, 1024: 768, 390: 844}
README_PICTURE = ROOT / "docs" / "images" / "board.png"
START_SECONDS = 900  # a first start installs everything

# login, name of the picture, and the way there: an address, then links to follow, each a pattern of its address.
WAYS: list[tuple[str, str, list[str]]] = [
    ("", "sign-in", ["/account/login/"]),
    ("", "verify", ["/verify/"]),
    ("desk", "board", ["/"]),
    ("desk", "patients", ["/patients/"]),
    ("desk", "patient-new", ["/patients/new/"]),
    ("desk", "patient-of-desk", ["/patients/", "/patients/[^/]{20,}/$"]),
    ("desk", "patient-edit", ["/patients/", "/patients/[^/]{20,}/$", "/edit/$"]),
    ("desk", "intake-send", ["/patients/", "/patients/[^/]{20,}/$", "/intake/$"]),
    ("desk", "documents", ["/patients/", "/patients/[^/]{20,}/$", "tab=documents"]),
    ("desk", "document-new", ["/patients/", "/patients/[^/]{20,}/$", "tab=documents", "/documents/new/"]),
    ("desk", "blank-consent", ["/documents/blank-consent/"]),
    ("desk", "appointment-new", ["/appointments/new/"]),
    ("desk", "appointment", ["/", "/appointments/[^/]{20,}/$"]),
    ("desk", "appointment-move", ["/", "/appointments/[^/]{20,}/move/$"]),
    ("desk", "appointment-cancel", ["/", "/appointments/[^/]{20,}/cancel/$"]),
    ("desk", "messages", ["/messages/"]),
    ("desk", "messages-failed", ["/messages/", "state=failed|failed"]),
    ("desk", "message", ["/messages/", "/messages/[^/]{20,}/$|message="]),
    ("desk", "stock", ["/stock/"]),
    ("desk", "stock-receive", ["/stock/receive/"]),
    ("haddad", "board-of-practitioner", ["/"]),
    ("haddad", "patient", ["/", "/appointments/[^/]{20,}/$", "/patients/[^/]{20,}/$"]),
    ("haddad", "patient-plan", ["/", "/appointments/[^/]{20,}/$", "/patients/[^/]{20,}/$", "tab=plan"]),
    ("haddad", "patient-forms", ["/", "/appointments/[^/]{20,}/$", "/patients/[^/]{20,}/$", "tab=forms"]),
    ("haddad", "patient-messages", ["/", "/appointments/[^/]{20,}/$", "/patients/[^/]{20,}/$", "tab=messages"]),
    ("haddad", "measurements", ["/", "/appointments/[^/]{20,}/$", "/patients/[^/]{20,}/$", "/measurements/$"]),
    ("haddad", "medicines", ["/", "/appointments/[^/]{20,}/$", "/patients/[^/]{20,}/$", "/medicines/$"]),
    ("haddad", "course-new", ["/", "/appointments/[^/]{20,}/$", "/patients/[^/]{20,}/$", "/courses/new/$"]),
    ("haddad", "course", ["/", "/appointments/[^/]{20,}/$", "/patients/[^/]{20,}/$", "/courses/[^/]{20,}/$"]),
    ("haddad", "course-book", ["/patients/?q=MC-20446", "/patients/[^/]{20,}/$", "/courses/[^/]{20,}/$", "/book/$"]),
    ("haddad", "record-running", ["/", "#lane-treated", "/record/$"]),
    ("haddad", "record-done", ["/", "#lane-done", "/record/$"]),
    ("kaya", "board-in-turkish", ["/"]),
    ("kaya", "patient-in-turkish", ["/", "/appointments/[^/]{20,}/$", "/patients/[^/]{20,}/$"]),
    ("lead", "audit-log-of-lead", ["/audit/"]),
    ("lead", "protocols", ["/protocols/"]),
    ("manager", "board-of-manager", ["/"]),
    ("manager", "staff", ["/staff/"]),
    ("manager", "staff-invite", ["/staff/invite/"]),
    ("manager", "audit-log", ["/audit/"]),
    ("manager", "messages-of-manager", ["/messages/"]),
    ("manager", "gallery", ["/gallery/"]),
]  # fmt: skip


# --- a clinic to look at --------------------------------------------------------------------------------------------
@contextmanager
def clinic_of_its_own() -> Iterator[str]:
    """The address of a fresh demo clinic, gone again afterwards."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="mc-") as folder:
        environment = {**os.environ, "PORT": str(port), "MESOCLINIC_LOCAL": folder, "MESOCLINIC_DEMO": "1"}
        clinic = subprocess.Popen([str(ROOT / "bin" / "up")], cwd=ROOT, env=environment)
        try:
            wait_until_ready(f"http://localhost:{port}/ready/", clinic)
            yield f"http://localhost:{port}"
        finally:
            clinic.send_signal(signal.SIGINT)
            clinic.wait(timeout=60)


def wait_until_ready(address: str, clinic: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        if clinic.poll() is not None:
            sys.exit("bin/up ended: the lines above say why.")
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own address
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(1)
        else:
            return
    sys.exit(f"{address} did not answer within {START_SECONDS} seconds.")


# --- walking and looking --------------------------------------------------------------------------------------------
def sign_in(page: Page, who: str) -> None:
    page.goto("/account/login/")
    page.get_by_label("Email").fill(f"{who}@halden.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(re.compile(r"/(\?.*)?$"))


def walk(page: Page, steps: list[str]) -> bool:
    """Follow the way; False if a link on it is missing. `#id` limits the next step to that part of the page."""
    page.goto(steps[0])
    inside = ""
    for step in steps[1:]:
        if step.startswith("#"):
            inside = step
            continue
        every = page.locator(f"{inside or 'main'} a[href]")
        links = every.evaluate_all("found => found.map(a => a.getAttribute('href'))")
        fitting = [link for link in links if re.search(step, link)]
        if not fitting:
            return False
        inside = ""
        page.goto(requote(page, fitting[0]))
    return True


def requote(page: Page, link: str) -> str:
    """A link such as ?tab=plan belongs to the page it stands on."""
    return page.url.split("?")[0] + link if link.startswith("?") else link


def take(browser: Browser, address: str, folder: Path, only: str) -> list[str]:
    """Every picture; returns the names of those whose way is blocked."""
    missing = set()
    for width, height in WIDTHS.items():
        where = folder / str(width)
        where.mkdir(parents=True, exist_ok=True)
        who_is_in = None
        context = None
        for who, name, steps in WAYS:
            if only and not re.search(only, name):
                continue
            if who != who_is_in or context is None:
                context = browser.new_context(
                    base_url=address, viewport={"width": width, "height": height}, locale="en-GB"
                )
                page = context.new_page()
                if who:
                    sign_in(page, who)
                who_is_in = who
            if walk(page, steps):
                page.screenshot(path=where / f"{name}.png", full_page=True)
            else:
                missing.add(name)
    return sorted(missing)


def for_the_readme(browser: Browser, address: str) -> None:
    page = browser.new_context(base_url=address, viewport={"width": 1440, "height": 900}, locale="en-GB").new_page()
    sign_in(page, "desk")
    page.goto("/")  # once more, without the greeting
    README_PICTURE.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=README_PICTURE)


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--at", default="", help="the address of a demo clinic that runs already")
    words.add_argument("--only", default="", help="a pattern of names of pictures; the README's is left alone then")
    chosen = words.parse_args()
    clinic = nullcontext(chosen.at.rstrip("/")) if chosen.at else clinic_of_its_own()
    with clinic as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        missing = take(browser, address, PICTURES / "screenshots", chosen.only)
        if not chosen.only:
            for_the_readme(browser, address)
        browser.close()
    for name in missing:
        print(f"{name}: a link on the way there is missing", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
