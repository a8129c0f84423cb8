"""Every address: hostile queries and paths, forged hosts, missing tokens, and looks that must change nothing."""

from __future__ import annotations

import itertools
import random
from types import SimpleNamespace
from urllib.parse import quote, quote_from_bytes

import pytest
from django.core import mail
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, reverse

from clinic.permissions import POLICY
from tests import factories as make
from tests.figures import scaled
from tests.house import payloads
from tests.house.ledger import NOT_THE_RECORD, Ledger, undone
from tests.house.world import address, addresses, behind_link, every_url, is_ours, make_world, our_urls

pytestmark = pytest.mark.django_db
HOSTILE_QUERIES = 5_000
# A mail program posts to these by itself, from nobody's page: the signed address is the proof.
BY_SIGNED_ADDRESS = {"mail-stop"}
PARAMETERS = (
    "q", "page", "tab", "day", "date", "sort", "kind", "state", "who", "whom", "action", "first_day", "last_day",
    "role", "language", "where", "name", "site", "practitioner", "room", "service", "patient", "course", "start",
    "starts_at", "at", "next", "to", "open", "length", "code", "view", "session", "from", "indication", "mixture",
    "part", "seen", "until", "show", "with", "before", "after", "rule", "category", "first", "last", "reason",
    "subject", "outcome", "planned_session", "rest", "then", "days", "time", "paper", "changed", "way",
)  # fmt: skip


def widest(world: SimpleNamespace, pattern: URLPattern) -> Client:
    """A browser of somebody who may open the page, and who sees most on it."""
    needed = set(pattern.callback.access[1]) if is_ours(pattern) else set()
    for who in ("medical-lead", "manager", "front-desk"):
        if needed <= POLICY[who]:
            return make.signed_in(Client(raise_request_exception=False), world.people[who])
    raise AssertionError(f"nobody may open {pattern.name}")


def sent(value: str | bytes) -> str:
    return quote_from_bytes(value) if isinstance(value, bytes) else quote(value[:6_000])


@pytest.mark.prove
def test_no_query_breaks_a_page(errors):
    world = make_world()
    order = random.Random(52)
    values = list(payloads.ALL.values())
    pages = [(widest(world, one), address(one, world)) for one in our_urls("staff")]
    pages += [(Client(raise_request_exception=False), address(one, world)) for one in our_urls("public")]
    pages = [(client, url) for client, url in pages if client.get(url).status_code == 200]
    assert len(pages) > 20
    every = [(page, name, value) for page in pages for name in PARAMETERS for value in values]
    broken: dict[str, str] = {}
    for (client, url), name, value in order.sample(every, min(len(every), scaled(HOSTILE_QUERIES))):
        fragment = {"headers": {"HX-Request": "true", "HX-Target": "patient-rows"}} if order.random() < 0.5 else {}
        with undone():
            answer = client.get(f"{url}?{name}={sent(value)}", **fragment)
        if answer.status_code >= 500:
            broken.setdefault(f"{url} {name}", f"{value!r:.60} {errors[-1:]}")
    assert not broken


def test_what_a_page_reads_from_the_query_is_what_is_attacked():
    """The list above holds every name that a view or a filter form reads."""
    import re
    from pathlib import Path

    read = set()
    for file in Path(__file__).parents[2].glob("*/views/*.py"):
        read |= set(re.findall(r"""GET(?:\.get(?:list)?\(|\[)["'](\w+)["']""", file.read_text()))
        read |= set(re.findall(r"""pick\(request, ["'](\w+)["']""", file.read_text()))
    assert read <= set(PARAMETERS), read - set(PARAMETERS)


@pytest.mark.parametrize(
    "path",
    ["/%ff%fe/", "/patients/%00/", "/patients/%C0%AF/", "/verify/%ff/", "/verify/%00/", "/p/%00%ff/", "/p/" + "x" * 9_000 + "/",
     "/verify/" + "9" * 5_000 + "/", "/patients/../../etc/passwd", "/%2e%2e/%2e%2e/", "/my/intake/%00/", "/invitation/%00/",
     "/invitation/%ed%a0%80/", "//evil.example/%2f..", "/patients/?q=%ff%00", "/patients/?" + "a=1&" * 3_000,
     "/account/password/reset/key/%00-%ff/", "/static/%00", "/static/../mesoclinic/settings.py"],
)  # fmt: skip
def test_malformed_addresses_are_no_such_page(path):
    world = make_world()
    client = make.signed_in(Client(raise_request_exception=False), world.people["medical-lead"])
    assert client.get(path).status_code in {200, 302, 400, 404}
    assert Client(raise_request_exception=False).get(path).status_code in {200, 302, 400, 404}
    if path.startswith(("/my/intake", "/p/")):
        assert behind_link(world, "intake").get(path).status_code in {400, 404}


def test_a_forged_host_is_refused_and_never_reaches_a_mail(settings):
    world = make_world()
    for host in ("evil.example", "localhost.evil.example", "localhost@evil.example", "[::1", "a" * 300, "localhost:80:90"):
        answer = Client(raise_request_exception=False).post(
            reverse("account_reset_password"), {"email": world.doctor.email}, headers={"Host": host}
        )
        assert answer.status_code == 400, host
    assert not mail.outbox
    client = Client(raise_request_exception=False)
    client.post(
        reverse("account_reset_password"), {"email": world.doctor.email},
        headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"},
    )  # fmt: skip
    assert len(mail.outbox) == 1
    words = mail.outbox[0].message().as_string()
    assert "evil.example" not in words
    assert settings.BASE_URL in words.replace("=\n", "").replace("=3D", "=")


WITHOUT_TOKEN = list(
    itertools.product(
        ({}, {"csrfmiddlewaretoken": "x" * 64}),
        ({}, {"Origin": "https://evil.example"}, {"Referer": "https://evil.example/"}),
    )
)


def test_no_deed_without_its_token():
    """Every address that takes a POST refuses one that does not carry the page's own token."""
    world = make_world()
    tried = 0
    for pattern in every_url():
        if pattern.name in BY_SIGNED_ADDRESS:
            continue
        if is_ours(pattern):
            client = widest(world, pattern) if pattern.callback.access[0] == "staff" else Client()
            url = address(pattern, world)
        else:
            client = make.signed_in(Client(), world.doctor)
            try:
                url = reverse(str(pattern.name))
            except NoReverseMatch:
                continue
        strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
        strict.cookies = client.cookies
        # None at all each time, and in turn one of the other ways.
        for forged, headers in (WITHOUT_TOKEN[0], WITHOUT_TOKEN[1 + tried // 2 % (len(WITHOUT_TOKEN) - 1)]):
            with undone():
                answer = strict.post(url, forged, headers=headers)
            tried += 1
            assert answer.status_code in {403, 405}, f"{pattern.name}: {answer.status_code}"
    assert tried > 250


def test_looking_changes_nothing(errors):
    """GET of every page, and HEAD once of each kind, write looks at most, whoever opens it, however often."""
    world = make_world()
    found: dict[str, list[str]] = {}
    ledger = Ledger()
    pages: list[tuple[str, Client, str]] = []
    for pattern in every_url():
        if not is_ours(pattern):
            try:
                pages.append((str(pattern.name), make.signed_in(Client(), world.doctor), reverse(str(pattern.name))))
            except NoReverseMatch:
                continue
        elif pattern.callback.access[0] == "staff":
            pages += [(str(pattern.name), widest(world, pattern), url) for url in addresses(pattern, world)]
        elif pattern.callback.access[0] == "public":
            pages.append((str(pattern.name), Client(), address(pattern, world)))
    with undone():
        for purpose in ("intake", "appointment", "consent"):
            client = behind_link(world, purpose)
            pages += [(str(one.name), client, address(one, world)) for one in our_urls("patient-link")]
        ledger = Ledger()
        kinds: set[str] = set()
        for name, client, url in pages:
            client.raise_request_exception = False
            for method in ("get",) if name in kinds else ("get", "head"):
                answer = getattr(client, method)(url)
                if answer.status_code >= 500:
                    found.setdefault(f"{method} {name}", []).append(f"{answer.status_code} {errors[-1:]}")
                changed = ledger.changed(besides=NOT_THE_RECORD)
                if changed:
                    found.setdefault(f"{method} {name}", []).extend(changed)
            kinds.add(name)
    assert not found, "\n".join(f"{place}: {what}" for place, what in found.items())
