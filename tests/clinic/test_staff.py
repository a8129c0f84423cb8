"""Inviting, roles, the first password, the site switch, the first manager."""
from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from clinic import inviting, staffing
from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.models import AuditEvent, Invitation, StaffRole, User
from tests import factories

pytestmark = pytest.mark.django_db
GOOD = "quiet-harbour-petrol-71"


@pytest.fixture
def manager() -> User:
    factories.make_site(name="Rome")
    return factories.make_user(Role.MANAGER, name="Mira Manager")


def token_of(text: str) -> str:
    return re.search(r"/invitation/([A-Za-z0-9_-]+)/", text).group(1)  # type: ignore[union-attr]


def post(client: Client, url: str, page: str | None = None, **values: Any) -> Any:
    """Send the form of a page with the hidden token it carries."""
    html = client.get(page or url).content.decode()
    hidden = dict(re.findall(r'name="(form_token|seen_version)" value="([^"]*)"', html))
    return client.post(url, {**hidden, **values})


def test_a_manager_invites_and_the_invited_person_comes_in(client: Client, manager: User) -> None:
    factories.signed_in(client, manager)
    answer = post(
        client, reverse("staff-invite"), name="Deniz Ak", email="Deniz@Halden.example", language="tr", roles=["front-desk"]
    )
    assert answer.status_code == 302
    (letter,) = mail.outbox
    assert letter.to == ["deniz@halden.example"]
    assert letter.subject  # in the language of the invited person
    link = reverse("invitation", args=[token_of(letter.body)])
    visitor = Client()
    for _scanner in range(3):
        assert visitor.get(link).status_code == 200
    answer = post(visitor, link, password=GOOD, again=GOOD)
    assert (answer.status_code, answer.url) == (302, reverse("board"))
    assert visitor.session["_auth_user_id"] == str(User.objects.get(email="deniz@halden.example").pk)
    assert Client().get(link).status_code == 404
    assert AuditEvent.objects.filter(action="invitation-accepted").exists()


def test_only_the_hash_of_an_invitation_is_kept(manager: User) -> None:
    invitation, token = inviting.invite(
        email="new@halden.example", name="New", language="en", roles=[(Role.FRONT_DESK, None)], by=Doer.staff(manager)
    )
    assert token.encode() not in bytes(invitation.token_hash)
    assert len(bytes(invitation.token_hash)) == 32


@pytest.mark.parametrize("password", ["short", "password1234", "aaaa"])
def test_a_weak_password_is_refused_and_the_link_stays(client: Client, manager: User, password: str) -> None:
    invitation, token = inviting.invite(
        email="new@halden.example", name="New", language="en", roles=[(Role.FRONT_DESK, None)], by=Doer.staff(manager)
    )
    answer = post(client, reverse("invitation", args=[token]), password=password, again=password)
    assert answer.status_code == 422
    assert not User.objects.get(email="new@halden.example").has_usable_password()
    invitation.refresh_from_db()
    assert invitation.used_at is None


def test_passwords_that_differ_are_refused(client: Client, manager: User) -> None:
    _invitation, token = inviting.invite(
        email="new@halden.example", name="New", language="en", roles=[(Role.FRONT_DESK, None)], by=Doer.staff(manager)
    )
    answer = post(client, reverse("invitation", args=[token]), password=GOOD, again=GOOD + "x")
    assert answer.status_code == 422
    assert "The two passwords differ." in answer.content.decode()


def test_inviting_again_ends_the_link_before(manager: User, at: Any) -> None:
    at("2026-03-12T08:00:00+00:00")
    invitation, token = inviting.invite(
        email="new@halden.example", name="New", language="en", roles=[(Role.FRONT_DESK, None)], by=Doer.staff(manager)
    )
    with pytest.raises(Refused, match="a moment ago"):  # a double click
        inviting.invite_again(user=invitation.user, by=Doer.staff(manager))
    at("2026-03-12T08:02:00+00:00")
    _again, newer = inviting.invite_again(user=invitation.user, by=Doer.staff(manager))
    assert inviting.open_invitation(token) is None
    assert inviting.open_invitation(newer) is not None


def test_an_address_that_works_here_is_not_invited_twice(client: Client, manager: User) -> None:
    factories.signed_in(client, manager)
    answer = post(client, reverse("staff-invite"), name="X Y", email=manager.email.upper(), language="en", roles=["front-desk"])
    assert answer.status_code == 422
    assert "works here already" in answer.content.decode()
    assert mail.outbox == []


def test_a_mail_server_that_refuses_loses_nobody(client: Client, manager: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: Any, **_kwargs: Any) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    factories.signed_in(client, manager)
    answer = post(client, reverse("staff-invite"), name="New", email="new@halden.example", language="en", roles=["front-desk"])
    assert answer.status_code == 302
    assert Invitation.objects.filter(user__email="new@halden.example").count() == 1
    assert "did not take the invitation" in client.get(reverse("staff")).content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "not an address"), ("email", "a" * 300 + "@x.example"), ("name", ""), ("name", "x" * 121),
        ("name", "Ann\x00a"), ("name", "\u202eneved"), ("roles", "king"), ("roles", ""), ("language", "xx"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_beside_its_field_and_nothing_saved(
    client: Client, manager: User, field: str, value: str
) -> None:
    factories.signed_in(client, manager)
    values = {"name": "New Person", "email": "new@halden.example", "language": "en", "roles": ["front-desk"]} | {field: value}
    answer = post(client, reverse("staff-invite"), **values)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert User.objects.count() == 1


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.PRACTITIONER, Role.MEDICAL_LEAD])
def test_only_managers_change_staff(client: Client, role: str) -> None:
    factories.make_site()
    factories.signed_in(client, factories.make_user(role))
    assert client.get(reverse("staff")).status_code == 200
    assert client.get(reverse("staff-invite")).status_code == 403


def test_roles_change_and_unchanged_rows_stay(manager: User) -> None:
    member = factories.make_user(Role.FRONT_DESK)
    site = factories.make_site(name="Izmir")
    kept = member.roles.get().pk
    staffing.amend_member(
        member=member, seen_version=1, name="Zoe", language="tr", licence_number="", licence_valid_until=None,
        roles=[(Role.FRONT_DESK, None), (Role.PRACTITIONER, site)], is_active=True, by=Doer.staff(manager),
    )  # fmt: skip
    assert set(StaffRole.objects.filter(user=member).values_list("role", "site__name")) == {
        ("front-desk", None), ("practitioner", "Izmir")
    }  # fmt: skip
    assert StaffRole.objects.filter(pk=kept).exists()


def test_the_last_manager_keeps_the_keys(manager: User) -> None:
    for roles, active in (([(Role.FRONT_DESK, None)], True), ([(Role.MANAGER, None)], False)):
        with pytest.raises(Refused):
            staffing.amend_member(
                member=manager, seen_version=1, name="M", language="en", licence_number="", licence_valid_until=None,
                roles=roles, is_active=active, by=Doer.staff(manager),
            )  # fmt: skip
    manager.refresh_from_db()
    assert manager.is_active
    assert manager.roles.get().role == Role.MANAGER


def test_a_stale_change_of_a_member_is_refused(manager: User) -> None:
    member = factories.make_user(Role.FRONT_DESK)
    values = {"name": "A", "language": "en", "licence_number": "", "licence_valid_until": None,
              "roles": [(Role.FRONT_DESK, None)], "is_active": True, "by": Doer.staff(manager)}  # fmt: skip
    staffing.amend_member(member=member, seen_version=1, **values)  # type: ignore[arg-type]
    with pytest.raises(Stale):
        staffing.amend_member(member=member, seen_version=1, **values)  # type: ignore[arg-type]


def test_who_left_is_signed_out_at_once(client: Client, manager: User) -> None:
    member = factories.make_user(Role.FRONT_DESK)
    factories.signed_in(client, member)
    assert client.get(reverse("staff")).status_code == 200
    User.objects.filter(pk=member.pk).update(is_active=False)
    assert client.get(reverse("staff")).status_code in {302, 403}


def test_the_site_is_remembered_with_the_user(client: Client, manager: User) -> None:
    izmir = factories.make_site(name="Izmir")
    factories.signed_in(client, manager)
    answer = client.post(reverse("switch-site"), {"site": izmir.public_id, "next": "/staff/"})
    assert (answer.status_code, answer.url) == (302, "/staff/")
    manager.refresh_from_db()
    assert manager.current_site == izmir
    assert client.get(reverse("switch-site")).status_code == 405


def test_a_site_of_others_cannot_be_chosen(client: Client, manager: User) -> None:
    own, other = factories.make_site(), factories.make_site()
    member = factories.make_user(Role.FRONT_DESK, site=own)
    factories.signed_in(client, member)
    assert client.post(reverse("switch-site"), {"site": other.public_id}).status_code == 404


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil"])
def test_the_way_back_stays_in_the_house(client: Client, manager: User, target: str) -> None:
    site = factories.make_site()
    factories.signed_in(client, manager)
    for name, values in (("switch-site", {"site": site.public_id}), ("set_language", {"language": "tr"})):
        assert client.post(reverse(name), {**values, "next": target}).url == "/"


def test_staff_keep_their_language_with_their_account(client: Client, manager: User) -> None:
    factories.signed_in(client, manager)
    client.post(reverse("set_language"), {"language": "tr", "next": "/staff/"})
    manager.refresh_from_db()
    assert manager.language == "tr"
    assert client.post(reverse("set_language"), {"language": "xx"}).status_code == 404


# --- the first manager ------------------------------------------------------------------------------------------------
def first_manager(monkeypatch: pytest.MonkeyPatch, password: str, **options: Any) -> str:
    monkeypatch.setattr("builtins.input", lambda: password)
    said = io.StringIO()
    call_command("first_manager", password_stdin=True, stdout=said, **options)
    return said.getvalue()


def test_the_first_manager_of_an_empty_database(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    said = first_manager(monkeypatch, GOOD, email="mira@halden.example", name="Mira", clinic="Halden Clinic")
    assert "mira@halden.example" in said
    user = User.objects.get()
    assert user.check_password(GOOD)
    assert user.roles.get().role == Role.MANAGER


@pytest.mark.parametrize(
    ("password", "options"),
    [
        ("short", {"email": "m@halden.example", "name": "M", "clinic": "H"}),
        (GOOD, {"email": "nonsense", "name": "M", "clinic": "H"}),
        (GOOD, {"email": "m@halden.example", "name": "M"}),
    ],
)
def test_the_first_manager_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, password: str, options: dict[str, Any]
) -> None:
    with pytest.raises(CommandError):
        first_manager(monkeypatch, password, **options)
    assert not User.objects.exists()


def test_there_is_only_one_first_manager(monkeypatch: pytest.MonkeyPatch, manager: User) -> None:
    with pytest.raises(CommandError):
        first_manager(monkeypatch, GOOD, email="m@halden.example", name="M", clinic="H")
