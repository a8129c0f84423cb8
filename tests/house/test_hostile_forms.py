"""Every form of every page against hostile values, one field at a time, the others as a person would fill them.

Whatever comes in: no error page, nothing saved on a refusal, the words kept that were typed, the reason beside the field.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from urllib.parse import quote_from_bytes, urlencode, urlsplit

import pytest
from django.apps import apps
from django.test import Client
from django.urls import resolve, reverse

from clinic.models import AuditEvent
from clinic.permissions import POLICY
from tests import factories as make
from tests.figures import full_figures
from tests.house import payloads
from tests.house.ledger import Ledger, check_deferred, holds, undone
from tests.house.pages import Field, Form, Page, post_forms
from tests.house.world import addresses, behind_link, make_world, open_invitation, our_urls
from tests.papers import pdf

pytestmark = pytest.mark.django_db(transaction=True)  # the world is committed, each try is a transaction taken back
SUBMISSIONS = 10_000  # in bin/prove; bin/test sends one hostile value to each field
WHO = ("medical-lead", "manager", "front-desk")  # together they hold every permission
PATIENT_PAGES = {
    "intake": ("patient-intake", "patient-intake-overview", "patient-gate"),
    "appointment": ("patient-appointment", "patient-appointment-move"),
    "consent": ("patient-consent-sign",),
    "check-in": ("patient-check-in",),
    "privacy": ("patient-privacy",),
    "changes": ("patient-changes",),
}
QUESTIONS = ("q-pregnant", "q-allergy", "q-medicines", "q-anticoagulant")
# Ordinary values for what a page leaves empty, by name, else by kind.
ORDINARY = {
    "given_name": "Nora", "family_name": "Lindqvist", "birth_date": "1980-02-03", "phone": "+390655551234",
    "email": "nora@example.org", "password": make.PASSWORD, "reason": "Discussed", "address": "Via Roma 2",
    "lot_number": "LOT-77", "product": "Hydra", "maker": "Norvale", "expires_on": "2031-01-01", "amount_ml": "5",
    "login": "nobody@halden.example", "password1": "mild-otter-lantern-88", "password2": "mild-otter-lantern-88",
}  # fmt: skip
BY_KIND = {"number": "1", "date": "2030-03-12", "time": "10:00", "datetime-local": "2030-03-12T10:00", "email": "a@b.example",
           "tel": "+390655551299", "password": make.PASSWORD}  # fmt: skip
SHORTCUTS = {"offer"}  # a press that takes an offered time in place of the one that was typed
BYSTANDERS = {"csrfmiddlewaretoken"}
# A wrong birth date is counted as a try, and a saved draft is what the page of a question promises.
DRAFT = {"patients_questionnaireresponse", "patients_questionnaireresponseevent"}
LETTER = pdf()
BOUNDARY = "a-line-that-stands-in-no-field"
MAY_WRITE = {
    "patient-gate": {"patients_patientlink", "patients_patientlinkevent", "clinic_auditevent"},
    "patient-intake-question": DRAFT, "patient-intake-sign": DRAFT,
}  # fmt: skip


@dataclass
class Offered:
    """A form as one browser was offered it."""

    client: Client
    form: Form

    @property
    def name(self) -> str:
        return str(resolve(urlsplit(self.form.action).path).url_name)

    def filled(self) -> dict[str, list[str]]:
        return {one.name: fill(one) for one in self.form.fields.values()}


@dataclass
class Try:
    offered: Offered
    field: Field
    what: str
    values: list[str | bytes] | None  # None: the field is left out

    def __str__(self) -> str:
        return f"{self.offered.name}.{self.field.name} ({self.field.kind}) with {self.what}"


def fill(one: Field) -> list[str]:
    if any(one.values):
        return one.values
    if one.kind == "submit" and one.name in SHORTCUTS:
        return []
    if one.kind in {"select", "radio", "submit"}:
        return next(([option] for option in one.options if option), [])
    if one.kind == "checkbox":
        return one.options[:1]
    if one.kind == "hidden":
        return one.values
    if one.kind == "file":
        return [LETTER]
    return [ORDINARY.get(one.name) or BY_KIND.get(one.kind) or ("1" if one.is_number else "Some words")]


def body_of(values: dict[str, list[str]]) -> bytes:
    parts = [
        f"{urlencode({'': name})[1:]}=" + (quote_from_bytes(one) if isinstance(one, bytes) else urlencode({"": one})[1:])
        for name, some in values.items()
        for one in some
    ]
    return "&".join(parts).encode()


def multipart_of(values: dict[str, list[str]], files: set[str]) -> bytes:
    """As a browser sends a form with a file field."""
    parts = []
    for name, some in values.items():
        named = f'form-data; name="{name}"' + ('; filename="letter"' if name in files else "")
        for one in some:
            content = one if isinstance(one, bytes) else one.encode(errors="surrogatepass")
            parts.append(f"--{BOUNDARY}\r\nContent-Disposition: {named}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def send(offered: Offered, values: dict[str, list[str]], **headers: str):
    cookies = offered.client.cookies.copy()
    files = {one.name for one in offered.form.fields.values() if one.kind == "file"}
    body, content_type = body_of(values), "application/x-www-form-urlencoded"
    if files:
        body, content_type = multipart_of(values, files), f"multipart/form-data; boundary={BOUNDARY}"
    answer = offered.client.post(offered.form.action, body, content_type=content_type, **headers)
    offered.client.cookies = cookies
    return answer


def every_form(world: SimpleNamespace, errors: list[str]) -> list[Offered]:
    """Each form once, as the first identity is offered it that may see it."""
    found: dict[tuple[str, tuple[str, ...]], Offered] = {}
    for client, url in every_page(world):
        answer = client.get(url)
        assert answer.status_code < 500, f"{url}: {errors[-1:]}"
        if answer.status_code == 200 and "html" in answer["Content-Type"]:
            for form in post_forms(answer.content.decode(), url=url):
                offered = Offered(client, form)
                found.setdefault((offered.name, form.shape), offered)
    return list(found.values())


def every_page(world: SimpleNamespace) -> Iterator[tuple[Client, str]]:
    stranger = Client(raise_request_exception=False)
    for name in ("account_login", "account_reset_password", "verify-form"):
        yield stranger, reverse(name)
    yield stranger, open_invitation(world)
    for purpose, names in PATIENT_PAGES.items():
        client = behind_link(world, purpose)
        for name in names:
            yield client, reverse(name)
        if purpose == "intake":
            for key in QUESTIONS:
                yield client, reverse("patient-intake-question", args=[key])
    for who in WHO:
        client = make.signed_in(Client(raise_request_exception=False), world.people[who])
        for name in ("account_change_password", "account_reauthenticate"):
            yield client, reverse(name)
        for pattern in our_urls("staff"):
            if who == "medical-lead" or not POLICY["medical-lead"].issuperset(pattern.callback.access[1]):
                for url in addresses(pattern, world):
                    yield client, url
    gate = Client(raise_request_exception=False)
    gate.cookies = behind_link(world, "intake").cookies.copy()
    gate.cookies.pop("session", None)
    yield gate, reverse("patient-gate")


def every_try(forms: list[Offered], world: SimpleNamespace) -> list[Try]:
    foreign = world.people["manager"].public_id
    tries: list[Try] = []
    for offered in forms:
        for one in offered.form.fields.values():
            if one.name in BYSTANDERS:
                continue
            hostile = dict(payloads.ALL) | {"somebody else's id": foreign, "a primary key": str(world.stranger.pk)}
            tries += [Try(offered, one, what, [value]) for what, value in hostile.items()]
            tries.append(Try(offered, one, "nothing", None))
            tries.append(Try(offered, one, "two values", [*(fill(one) or ["x"]), "another"]))
    return tries


def chosen(tries: list[Try], most: int) -> list[Try]:
    """One for every field, then whatever comes, always the same ones."""
    order = random.Random(52)
    tries = order.sample(tries, len(tries))
    seen: dict[int, int] = {}
    first, rest = [], []
    for one in tries:
        count = seen[id(one.field)] = seen.get(id(one.field), 0) + 1
        (first if count <= 1 else rest).append(one)
    return (first + rest)[: max(most, len(first))]


def refusals(one: Try, answer, valid: bool) -> Iterator[str]:
    """What is wrong with an answer that refuses."""
    page = Page(answer.content.decode(), url=one.offered.form.action)
    if answer.status_code != 422:
        return
    value = one.values[0] if one.values else ""
    # The same form again, with the words that were typed in it.
    forms = [form for form in page.forms if one.field.name in form.fields]
    if one.field.is_typed and isinstance(value, str) and "\x00" not in value and one.what != "two values":
        kept = {shown for form in forms for shown in form.fields[one.field.name].values}
        if not any(plain(value) == plain(shown) for shown in kept):
            yield f"forgets what was typed: {sorted(kept)!r:.80}"
    # With the field as a person fills it the form is taken: so the reason stands beside this field, or above all of
    # them where the value is fine by itself (a likely duplicate, a slot that is taken).
    said = "alert" in answer.content.decode()
    if valid and one.field.is_typed and not page.errors_of(one.field.name):
        if one.what in payloads.UNPRINTABLE or not said:
            yield f"no reason beside the field (marked: {sorted(page.invalid)})"
    elif one.field.kind != "hidden" and not page.invalid and not said:
        yield "no reason at all"


def plain(text: str) -> str:
    return " ".join(text.split())


def problems_of(one: Try, ledger: Ledger, valid: dict[int, bool], errors: list[str]) -> Iterator[str]:
    values = one.offered.filled()
    if one.values is None:
        del values[one.field.name]
    else:
        values[one.field.name] = one.values  # type: ignore[assignment]
    with undone():
        answer = send(one.offered, values)
        if answer.status_code >= 500:
            yield f"{answer.status_code} {errors[-1:] or ''}"
        elif answer.status_code >= 400:
            changed = set(ledger.changed()) - MAY_WRITE.get(one.offered.name, set())
            if changed:
                yield f"{answer.status_code} but changed {sorted(changed)}"
            yield from refusals(one, answer, valid[id(one.offered)])
        else:
            late = check_deferred()
            if late:
                yield f"{answer.status_code} but the commit fails: {late}"
            own = set(ledger.changed())
            if own and one.field.is_number and one.what in payloads.IMPOSSIBLE_NUMBERS:
                yield f"an impossible number was taken, changed {sorted(own)}"
            probe = payloads.UNPRINTABLE.get(one.what)
            if probe and one.field.is_typed and any(holds(table, probe) for table in own):
                yield f"unprintable text was taken, changed {sorted(own)}"


MARK = "98765431"  # a number and a text; nothing else in the world contains it


def smuggled(offered: Offered, ledger: Ledger) -> list[str]:
    """Send the form with a field for every column of every table besides its own; the tables that took one."""
    columns = {field.attname for model in apps.get_models() for field in model._meta.concrete_fields}
    names = {*columns, *(name.removesuffix("_id") for name in columns)} - set(offered.form.fields)
    with undone():
        answer = send(offered, offered.filled() | {name: [MARK] for name in sorted(names)})
        assert answer.status_code < 500, offered.name
        return [table for table in ledger.changed() if holds(table, MARK)]


@pytest.mark.prove
def test_no_form_breaks_saves_or_forgets(errors):
    world = make_world(given_name="Zerynthia", family_name="Quexbury")
    forms = every_form(world, errors)
    assert len(forms) > 25
    ledger = Ledger()
    valid: dict[int, bool] = {}
    for offered in forms:
        with undone():
            answer = send(offered, offered.filled())
            assert answer.status_code < 500, f"{offered.name}: {errors[-1:]}"
            valid[id(offered)] = answer.status_code < 400
            # The digest covers `sentence`, so it can never be redacted: it must not name the patient.
            for sentence in AuditEvent.objects.values_list("sentence", flat=True):
                assert "Zerynthia" not in sentence, f"{offered.name}: {sentence}"
                assert "Quexbury" not in sentence, f"{offered.name}: {sentence}"
        taken = smuggled(offered, ledger) if valid[id(offered)] else []
        assert not taken, f"{offered.name} takes fields it does not offer, into {taken}"
    found: dict[str, list[str]] = {}
    tries = chosen(every_try(forms, world), SUBMISSIONS if full_figures() else 0)
    for one in tries:
        for problem in problems_of(one, ledger, valid, errors):
            found.setdefault(f"{one.offered.name}.{one.field.name}: {problem}", []).append(one.what)
    assert not found, "\n".join(f"{problem} <- {', '.join(what)}" for problem, what in sorted(found.items()))
    assert len(tries) >= (SUBMISSIONS if full_figures() else 150)
    assert sum(valid.values()) > len(valid) / 3
