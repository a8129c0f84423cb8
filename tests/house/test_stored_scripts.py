"""Hostile text in every field of a seeded clinic; every page, mail and paper shows it as text and runs none of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, models, transaction
from django.test import Client
from django.urls import reverse

from clinic.doer import Doer
from clinic.models import Organisation
from sessions import documents, letters, papers
from sessions.message_texts import KINDS
from sessions.models import Message
from tests import factories as make
from tests.browser import settled
from tests.figures import scaled
from tests.house.pages import Page
from tests.house.world import addresses, behind_link, make_world, our_urls, set_fields

pytestmark = pytest.mark.django_db
CANARY = "window.__xss=1"
SHAPES = (
    "<script>{c}</script>", "<xss-a onclick={c}>", '"><script>{c}</script>', "'><img src=x onerror={c}>",
    "<svg/onload={c}>", "</title><script>{c}</script>", "</textarea><script>{c}</script>", "</style><script>{c}</script>",
    "</script><script>{c}</script>", "<!--><script>{c}</script>-->", "]]><script>{c}</script>", "<a href=javascript:{c}>x</a>",
    '" autofocus onfocus="{c}', "' onmouseover='{c}", "` onclick=`{c}", "<iframe srcdoc='<script>{c}</script>'>",
    "<math><mi xlink:href=javascript:{c}>", "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<form action=//evil.example><button>", "<link rel=stylesheet href=//evil.example/x.css>", "{{{{ {c} }}}}{{% debug %}}",
    "&lt;script&gt;{c}&lt;/script&gt;", "&#60;script&#62;{c}", "%3Cscript%3E{c}", "\\u003cscript\\u003e{c}",
    "<ScRiPt>{c}</sCrIpT>",
    "<script\n>{c}</script>", "<details open ontoggle={c}>", "<xss-a style=color:red hx-get=/p/ hx-on:click={c} x-init={c}>",
)  # fmt: skip
PAYLOADS = [shape.format(c=CANARY) for shape in SHAPES]
FREE_TEXT = {
    "name", "given_name", "family_name", "address", "email_problem", "note", "reaction_note", "reason", "product", "maker",
    "lot_number", "lot_label", "licence_number", "cancel_reason", "held_back_reason", "stopped_reason", "ended_reason",
    "withdrawn_reason", "identity_checked", "history_changes", "evidence", "flagged", "booked_by_label", "subject", "text",
    "failure", "overbooked_reason", "signed_name", "signed_meaning", "revoked_reason", "phone_text", "map_url",
    "emergency_number",
    "doer_label", "evaluated_by_label", "skipped_reason", "allergen",
}  # fmt: skip
DANGEROUS_LINKS = ("javascript:", "data:text", "vbscript:", "//evil", "https://evil")


def poison(rows_of: list[type[models.Model]]) -> int:
    """Put the payloads into every free text of every row, each text another one. How many texts took one."""
    order, placed = itertools.cycle(PAYLOADS), 0
    for model in rows_of:
        fields = [
            one for one in model._meta.fields if one.name in FREE_TEXT and isinstance(one, (models.CharField, models.TextField))
        ]
        for row in model._default_manager.all() if fields else ():
            for field in fields:
                value = next(order)[: field.max_length or 300]
                try:
                    with transaction.atomic():
                        model._default_manager.filter(pk=row.pk).update(**{field.name: value})
                    placed += 1
                except DatabaseError:
                    continue  # frozen, or the database knows what may stand here
    return placed


def poisoned_world() -> SimpleNamespace:
    world = make_world()
    ours = {"clinic", "patients", "protocols", "treatment_sessions"}
    kinds = [
        model
        for model in apps.get_models()
        if model._meta.app_label in ours
        and getattr(model, "pgh_tracked_model", None) is None
        and model.__name__ not in {"CatalogueVersion", "QuestionnaireVersion", "AuditEvent", "AccessEvent"}
    ]
    assert poison(kinds) > 80
    Organisation.objects.update(name=PAYLOADS[0][:80])
    for row in (world.site, world.patient, world.stranger, world.course, world.appointment, world.lot, world.doctor):
        row.refresh_from_db()
    return world


def escapes(html: str, url: str) -> Iterator[str]:
    """What a stored text has become on this page that is not text."""
    for tag, given in Page(html, url=url).tags:
        mail = tag == "iframe" and given.get("src", "").startswith(("/messages/", "/mail-rules/"))  # the frames of ours
        if tag.startswith("xss") or (tag in {"base", "iframe", "math"} and not mail):
            yield f"<{tag}>"
        if tag == "script" and not given.get("src") and given.get("type") != "application/json":
            yield "<script> without a source"
        for name, value in given.items():
            if name.startswith(("on", "hx-on", "x-init", "srcdoc")):
                yield f"<{tag} {name}>"
            if name in {"href", "src", "action", "formaction", "xlink:href"} and value.strip().lower().startswith(
                DANGEROUS_LINKS
            ):
                yield f"<{tag} {name}={value[:40]}>"


def all_pages(world: SimpleNamespace) -> Iterator[tuple[str, Client, str]]:
    for who in ("medical-lead", "front-desk", "manager"):
        client = make.signed_in(Client(raise_request_exception=False), world.people[who])
        for pattern in our_urls("staff"):
            for url in addresses(pattern, world):
                yield str(pattern.name), client, url
        yield "audit-log", client, f"{reverse('audit-log')}?kind=looks"
        yield "patients", client, f"{reverse('patients')}?q=script"
        yield "messages", client, f"{reverse('messages')}?state=failed"
    for purpose in ("intake", "appointment", "consent"):
        client = behind_link(world, purpose)
        for name in (
            "patient-intake", "patient-intake-overview", "patient-appointment", "patient-consent", "patient-consent-sign"
        ):  # fmt: skip
            yield name, client, reverse(name)
    yield "verify", Client(), reverse("verify", args=[world.document.verification_code])


def test_no_page_turns_a_stored_text_into_anything_else(errors):
    world = poisoned_world()
    seen: dict[str, str] = {}
    shown = 0
    for name, client, url in all_pages(world):
        answer = client.get(url)
        assert answer.status_code < 500, f"{url}: {errors[-1:]}"
        if answer.status_code != 200 or "html" not in answer["Content-Type"]:
            continue
        html = answer.content.decode()
        shown += "__xss" in html
        for escape in escapes(html, url):
            seen.setdefault(f"{name}: {escape}", url)
    assert not seen
    assert shown > 20, "the pages show the poisoned texts at all"


def test_no_mail_turns_a_stored_text_into_anything_else():
    poisoned_world()
    written = 0
    for kind in KINDS:
        for language in ("en", "tr"):
            message = Message.objects.filter(state="scheduled", appointment__isnull=False).order_by("pk").first()
            assert message is not None
            set_fields(message, kind=kind, language=language, told_start="2026-03-12T10:00")
            try:
                mail = letters.rehearse(message)
            except (ObjectDoesNotExist, ValueError):
                continue  # a kind about something this world has not
            written += 1
            assert list(escapes(mail.html, "/mail/")) == [], kind
            assert "\n" not in mail.subject
            assert "\r" not in mail.subject
            for text in (mail.subject, mail.mail.to, mail.mail.sender_name, mail.mail.reply_to):
                assert "\n" not in text
                assert "\r" not in text
    assert written >= 16


def test_no_paper_turns_a_stored_text_into_anything_else():
    world = poisoned_world()
    by = Doer.staff(world.doctor, world.site)
    made = []
    for language in ("en", "tr"):
        made.append(documents.issue_consent(course=world.course, by=by, language=language))
        made.append(documents.issue_consent(course=world.course, by=by, language=language, blank=True))
    made.append(world.document)
    for paper in made:
        html = papers.html_of(paper.source, language=paper.language)
        assert [one for one in escapes(html, "/paper/") if "<script> without" in one or "on" in one] == []


# --- in a real browser -------------------------------------------------------------------------------------------------
WATCH = """
window.__breaches = [];
document.addEventListener('securitypolicyviolation', e => window.__breaches.push(e.violatedDirective + ' ' + e.blockedURI));
"""


@pytest.mark.prove
@pytest.mark.django_db(transaction=True)
@pytest.mark.browser
def test_nothing_stored_runs_in_a_browser(new_page: Any, live_server: Any, settings: Any):
    """The main pages over a poisoned clinic: no canary, no breach of the policy, no script error (tests/browser.py)."""
    with transaction.atomic():
        world = poisoned_world()
    page = new_page()
    page.context.add_init_script(WATCH)
    client = make.signed_in(Client(), world.people["medical-lead"])
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}])
    names = {"board", "patient", "patients", "course", "appointment", "record", "messages", "message", "stock", "audit-log",
             "staff",
             "medicines", "measurements", "patient-edit", "document", "patient-documents", "protocols", "course-new"}  # fmt: skip
    opened = 0
    for pattern in our_urls("staff"):
        if pattern.name not in names:
            continue
        urls = addresses(pattern, world)
        for url in urls[: max(1, scaled(10 * len(urls)) if len(urls) > 1 else 1)]:
            answer = page.goto(url)
            assert answer is not None, url
            assert answer.status < 500, url
            settled(page)
            assert page.evaluate("window.__xss") is None, url
            assert page.evaluate("window.__breaches") == [], url
            opened += 1
    assert opened >= 15
