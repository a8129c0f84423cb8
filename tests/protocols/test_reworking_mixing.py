"""A mixing rule of the clinic's own is written anew: what it says then, what is refused beside its field, and who may."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import AuditEvent, User
from protocols import editing, reworking, versions
from protocols.models import CatalogueChange, CatalogueEntry, CatalogueVersion
from tests import factories as make
from tests.clinic.test_places import post
from tests.protocols.ownrule import OWN

pytestmark = pytest.mark.django_db
MIX = "ix-own-pair"
MIX_BODY: dict[str, Any] = {
    "name": {"en": "Pair", "tr": "Çift"}, "text": {"en": "Not {substances}.", "tr": "{substances} olmaz."}, "source": "dec",
    "shape": "together", "looks_at": "area", "within_days": 7, "result": "incompatible", "substances": ["sub-txa", "sub-biotin"],
    "with_substances": ["sub-vit-c"], "note": "ours",
}  # fmt: skip
MIX_TYPED: dict[str, Any] = {
    "name_en": "Pair", "name_tr": "Çift", "text_en": "Never {substances}.", "text_tr": "{substances} asla.", "source": "dec",
    "shape": "alone", "looks_at": "mix", "result": "warning", "substances": ["sub-txa"], "reason": "Measured again",
}  # fmt: skip


@pytest.fixture
def mixing(draft: CatalogueVersion, lead: User) -> CatalogueVersion:
    editing.add_entry(version=draft, kind="mixing_rule", code=MIX, body=MIX_BODY, reason="Ours", by=Doer.staff(lead))
    return draft


def mix_entry(draft: CatalogueVersion) -> CatalogueEntry:
    return CatalogueEntry.objects.get(version=draft, code=MIX)


def test_a_mixing_rule_of_the_house_is_written_anew(client: Client, mixing: CatalogueVersion, lead: User) -> None:
    make.signed_in(client, lead)
    page = reverse("catalogue-mixing-rule", args=[mixing.public_id, MIX])
    assert page in client.get(reverse("catalogue-entry", args=[mixing.public_id, MIX])).content.decode()
    form = client.get(page).context["form"]
    assert [form[name].value() for name in ("shape", "looks_at", "within_days", "with_substances")] == [
        "together", "area", 7, ["sub-vit-c"]]  # fmt: skip
    answer = post(client, page, seen_version=1, **MIX_TYPED)
    assert answer.status_code == 302, answer.context["form"].errors
    rule = versions.load_any(CatalogueVersion.objects.get(pk=mixing.pk)).mixing_rules[MIX]
    assert (rule.shape, rule.looks_at, rule.result, rule.substances) == ("alone", "mix", "warning", {"sub-txa"})
    assert mix_entry(mixing).body["note"] == "ours"  # what the form does not ask stays
    changes = CatalogueChange.objects.filter(version=mixing, code=MIX).exclude(field="")
    rows = {row.field: (row.direction, row.is_hard) for row in changes}
    assert rows["shape"] == rows["looks_at"] == rows["result"] == rows["substances"] == ("loosened", True)
    assert rows["text.en"] == ("reworded", False)
    assert AuditEvent.objects.filter(action="catalogue-mixing-rule-reworked").count() == 1


@pytest.mark.parametrize(
    ("typed", "beside"),
    [
        ({"reason": ""}, "reason"), ({"text_en": "{substances!r}"}, "text_en"), ({"text_tr": "{what}"}, "text_tr"),
        ({"substances": []}, "substances"), ({"with_substances": ["sub-biotin"]}, "with_substances"),
        ({"looks_at": "day"}, "looks_at"), ({"within_days": "3"}, "within_days"), ({"within_days": "36501"}, "within_days"),
        ({"within_days": "-1"}, "within_days"), ({"shape": "dose-max"}, "shape"), ({"result": "ok"}, "result"),
        ({"source": "hearsay"}, "source"), ({"name_tr": ""}, "name_tr"),
    ],
)  # fmt: skip
def test_what_makes_no_mixing_rule_is_refused_beside_its_field(
    client: Client, mixing: CatalogueVersion, lead: User, typed: dict[str, Any], beside: str
) -> None:
    make.signed_in(client, lead)
    page = reverse("catalogue-mixing-rule", args=[mixing.public_id, MIX])
    answer = post(client, page, seen_version=1, **{**MIX_TYPED, **typed})
    assert answer.status_code == 422
    assert beside in answer.context["form"].errors, answer.context["form"].errors
    assert mix_entry(mixing).body == {"code": MIX, **MIX_BODY}
    assert not CatalogueChange.objects.filter(version=mixing, code=MIX).exclude(field="").exists()


def test_who_comes_second_with_a_mixing_rule_sees_what_is_saved(client: Client, mixing: CatalogueVersion, lead: User) -> None:
    make.signed_in(client, lead)
    page = reverse("catalogue-mixing-rule", args=[mixing.public_id, MIX])
    assert post(client, page, seen_version=1, **MIX_TYPED).status_code == 302
    second = post(client, page, seen_version=1, **{**MIX_TYPED, "substances": ["sub-biotin"]})
    assert second.status_code == 409
    assert [label for label, _text in second.context["theirs"]] == ["Substances"]
    assert mix_entry(mixing).body["substances"] == ["sub-txa"]
    assert post(client, page, seen_version=2, **{**MIX_TYPED, "substances": ["sub-biotin"]}).status_code == 302


def test_mixing_rules_of_the_reference_and_other_roles_are_refused(client: Client, mixing: CatalogueVersion, lead: User) -> None:
    make.signed_in(client, lead)
    for code in ("ix-pc-lidocaine", OWN, "sub-biotin"):
        assert client.get(reverse("catalogue-mixing-rule", args=[mixing.public_id, code])).status_code == 404
    tried: dict[str, Any] = {"version": mixing, "body": MIX_BODY, "reason": "x", "seen_edits": 1}
    with pytest.raises(Refused, match="belongs to the reference"):
        reworking.save_mixing_rule(code="ix-pc-lidocaine", by=Doer.staff(lead), **tried)
    doctor = make.make_user(Role.PRACTITIONER)
    with pytest.raises(NotPermitted):
        reworking.save_mixing_rule(code=MIX, by=Doer.staff(doctor), **tried)
    make.signed_in(client, doctor)
    assert client.get(reverse("catalogue-mixing-rule", args=[mixing.public_id, MIX])).status_code == 403
    now = CatalogueVersion.objects.get(pk=mixing.pk)
    versions.approve(version=now, seen_version=now.version, by=Doer.staff(lead))
    with pytest.raises(Refused, match="Only a draft"):
        reworking.save_mixing_rule(code=MIX, by=Doer.staff(lead), **tried)
