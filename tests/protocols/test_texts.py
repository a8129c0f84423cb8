"""Texts in other languages: shipped, approved by a medical lead, written anew, withdrawn; and what patients read meanwhile."""
from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused, Stale
from clinic.languages import NAMES, TRANSLATED
from clinic.models import AuditEvent, User
from protocols import catalogue, text_page, texts
from protocols.models import CatalogueText
from protocols.models.catalogue import TextState as S
from protocols.patient_texts import Wanted, digest_of, fits, is_read
from protocols.text_rows import with_texts
from tests import factories

KELOID = "scr-keloid"


@pytest.fixture
def lead(db: None) -> User:
    return factories.make_user(Role.MEDICAL_LEAD)


def wanted(code: str = KELOID, field: str = "title") -> Wanted:
    return next(one for one in text_page.wanted_now() if (one.code, one.field) == (code, field))


def shipped(language: str = "fr", code: str = KELOID, field: str = "title") -> CatalogueText:
    texts.ensure_shipped_texts()
    return CatalogueText.objects.get(language=language, code=code, field=field)


def title_in(language: str, code: str = KELOID) -> str:
    return catalogue.in_force().rules[code].title.get(language)


@pytest.mark.django_db
class TestShipped:
    def test_every_language_comes_whole_and_waits(self) -> None:
        added = texts.ensure_shipped_texts()
        assert added == len(TRANSLATED) * len(text_page.wanted_now())
        assert set(CatalogueText.objects.values_list("state", flat=True)) == {S.WAITING}
        assert not CatalogueText.objects.exclude(approved_by=None).exists()

    def test_a_second_time_adds_nothing(self) -> None:
        texts.ensure_shipped_texts()
        assert texts.ensure_shipped_texts() == 0

    def test_what_waits_is_not_what_patients_read(self) -> None:
        row = shipped()
        assert row.text == "Cicatrices épaisses (chéloïde)"
        assert title_in("fr") == title_in("en") == "Thick scars (keloid)"
        assert catalogue.in_force().lacking == dict.fromkeys(TRANSLATED, len(text_page.wanted_now()))

    def test_a_newer_release_replaces_what_still_waits_and_leaves_what_is_approved(self, lead: User) -> None:
        waiting, approved = shipped(), shipped(code="scr-epilepsy")
        texts.approve(text=approved, seen_version=1, by=Doer.staff(lead))
        older = "Ancien texte"
        with transaction.atomic():  # as the release before had it: another wording, one number lower
            for row in (waiting, approved):
                CatalogueText.objects.create(
                    kind=row.kind, code=row.code, field=row.field, language="fr", number=2, english=row.english,
                    english_digest=row.english_digest, text=older, made_at=row.made_at,
                )  # fmt: skip
        assert texts.ensure_shipped_texts() == 0, "the words of this release are there already"
        assert title_in("fr", "scr-epilepsy") == "Épilepsie"


@pytest.mark.django_db
class TestApproving:
    def test_one_text_is_read_at_once_and_by_every_process(self, lead: User) -> None:
        row = shipped()
        assert title_in("fr") == "Thick scars (keloid)"
        texts.approve(text=row, seen_version=row.version, by=Doer.staff(lead))
        assert title_in("fr") == "Cicatrices épaisses (chéloïde)"
        assert title_in("it") == "Thick scars (keloid)"
        assert catalogue.in_force().lacking["fr"] == len(text_page.wanted_now()) - 1
        row.refresh_from_db()
        assert (row.state, row.approved_by) == (S.APPROVED, lead)
        assert AuditEvent.objects.filter(action="catalogue-text-approved").count() == 1

    @pytest.mark.parametrize("language", TRANSLATED)
    def test_a_whole_language_is_approved_at_once(self, lead: User, language: str) -> None:
        texts.ensure_shipped_texts()
        waiting = len(texts.newest_waiting(language))
        assert texts.approve_language(language=language, seen_waiting=waiting, by=Doer.staff(lead)) == waiting
        rules = catalogue.in_force()
        assert rules.lacking[language] == 0
        assert rules.lacking["fr" if language != "fr" else "de"] > 0
        questions = catalogue.questions_of(catalogue.current_questionnaire())
        for question in questions.values():
            assert question.text.own(language)
            assert question.text.own(language) != question.text.get("en")
        assert rules.aftercare["ac-no-touch"].text(language) != rules.aftercare["ac-no-touch"].text("en")
        event = AuditEvent.objects.get(action="catalogue-language-approved")
        assert event.detail == {"language": language, "texts": waiting}
        assert NAMES[language] in event.sentence

    def test_not_one_more_than_was_shown(self, lead: User) -> None:
        texts.ensure_shipped_texts()
        seen = len(texts.newest_waiting("fr"))
        CatalogueText.objects.filter(pk=shipped().pk).update(state=S.RETIRED)
        with pytest.raises(Stale):
            texts.approve_language(language="fr", seen_waiting=seen, by=Doer.staff(lead))
        assert not CatalogueText.objects.filter(state=S.APPROVED).exists()

    def test_nothing_to_approve_is_said(self, lead: User) -> None:
        with pytest.raises(Refused):
            texts.approve_language(language="fr", seen_waiting=1, by=Doer.staff(lead))

    def test_twice_and_on_an_older_look_is_refused(self, lead: User) -> None:
        row = shipped()
        texts.approve(text=row, seen_version=1, by=Doer.staff(lead))
        with pytest.raises(Stale):
            texts.approve(text=row, seen_version=1, by=Doer.staff(lead))
        with pytest.raises(Refused):
            texts.approve(text=row, seen_version=2, by=Doer.staff(lead))

    @pytest.mark.parametrize("role", [Role.PRACTITIONER, Role.FRONT_DESK, Role.MANAGER])
    def test_only_the_medical_lead(self, db: None, role: Role) -> None:
        row, by = shipped(), Doer.staff(factories.make_user(role))
        deeds = [
            lambda: texts.approve(text=row, seen_version=1, by=by),
            lambda: texts.approve_language(language="fr", seen_waiting=1, by=by),
            lambda: texts.write(wanted=wanted(), language="fr", text="Autre", by=by),
            lambda: texts.withdraw(text=row, seen_version=1, reason="Why", by=by),
        ]
        for deed in deeds:
            with pytest.raises(NotPermitted):
                deed()
        row.refresh_from_db()
        assert (row.state, row.version) == (S.WAITING, 1)
        assert CatalogueText.objects.filter(code=KELOID, field="title", language="fr").count() == 1


@pytest.mark.django_db
class TestOwnWording:
    def test_is_a_new_version_and_replaces_only_when_approved(self, lead: User) -> None:
        first = shipped()
        by = Doer.staff(lead)
        texts.approve(text=first, seen_version=1, by=by)
        own = texts.write(wanted=wanted(), language="fr", text="  Cicatrices   chéloïdes ", by=by)
        assert (own.number, own.state, own.text, own.made_by) == (2, S.WAITING, "Cicatrices chéloïdes", lead)
        assert title_in("fr") == "Cicatrices épaisses (chéloïde)"
        texts.approve(text=own, seen_version=1, by=by)
        assert title_in("fr") == "Cicatrices chéloïdes"
        first.refresh_from_db()
        assert first.state == S.RETIRED
        parts = text_page.history("fr", KELOID, "title")[0]["parts"]
        assert ("new", "chéloïdes") in parts
        assert ("same", "Cicatrices") in parts

    @pytest.mark.parametrize(
        ("field", "text"), [("title", "   "), ("title", "Cicatrices {item}"), ("title", "Cicatrices épaisses (chéloïde)")]
    )
    def test_empty_with_a_foreign_placeholder_or_the_same_is_refused(self, lead: User, field: str, text: str) -> None:
        shipped()
        with pytest.raises(Refused) as refused:
            texts.write(wanted=wanted(field=field), language="fr", text=text, by=Doer.staff(lead))
        assert refused.value.field == "text"
        assert CatalogueText.objects.filter(code=KELOID, field=field, language="fr").count() == 1

    def test_a_lost_placeholder_is_refused(self, lead: User) -> None:
        one = next(one for one in text_page.wanted_now() if "{item}" in one.english)
        with pytest.raises(Refused):
            texts.write(wanted=one, language="fr", text="Quand était-ce ?", by=Doer.staff(lead))

    def test_withdrawn_means_english_again(self, lead: User) -> None:
        row, by = shipped(), Doer.staff(lead)
        texts.approve(text=row, seen_version=1, by=by)
        texts.withdraw(text=row, seen_version=2, reason="A mistake", by=by)
        assert title_in("fr") == "Thick scars (keloid)"
        with pytest.raises(Refused):
            texts.withdraw(text=row, seen_version=3, reason="Again", by=by)


@pytest.mark.django_db
class TestSafety:
    def test_a_translation_does_not_outlive_its_sentence(self, lead: User) -> None:
        """A clinic that writes 21 days instead of 14 must not go on saying 14 in French."""
        body = {"code": "ac-x", "text": {"en": "Wait 14 days.", "tr": "14 gün bekleyin."}}
        approved = {("ac-x", "text", digest_of("Wait 14 days.")): {"fr": "Attendez 14 jours."}}
        (row,), lacking = with_texts([("aftercare", "ac-x", body)], approved)
        assert row[2]["text"]["fr"] == "Attendez 14 jours."
        assert lacking["fr"] == 0
        assert lacking["de"] == 1
        body = {"code": "ac-x", "text": {"en": "Wait 21 days.", "tr": "21 gün bekleyin."}}
        (row,), lacking = with_texts([("aftercare", "ac-x", body)], approved)
        assert "fr" not in row[2]["text"]
        assert lacking["fr"] == 1

    def test_a_row_with_a_broken_placeholder_never_reaches_the_catalogue(self) -> None:
        body = {"code": "q-x", "text": {"en": "{item}: when?", "tr": "{item}: ne zaman?"}}
        approved = {("q-x", "text", digest_of("{item}: when?")): {"fr": "Quand ?"}}
        (row,), lacking = with_texts([("question", "q-x", body)], approved)
        assert "fr" not in row[2]["text"]
        assert lacking["fr"] == 1

    def test_what_a_row_says_never_changes(self, lead: User) -> None:
        row = shipped()
        texts.approve(text=row, seen_version=1, by=Doer.staff(lead))
        for change in ({"text": "Autre"}, {"english": "Other"}, {"language": "de"}, {"state": S.WAITING}):
            with pytest.raises(DatabaseError), transaction.atomic():
                CatalogueText.objects.filter(pk=row.pk).update(**change)
        with pytest.raises(DatabaseError), transaction.atomic():
            row.delete()

    def test_texts_for_staff_are_not_among_them(self) -> None:
        assert not is_read("mixing_rule", "ix-x", "text")
        assert not is_read("rule", "scr-age-min", "sentence")
        assert is_read("rule", "wo-golden", "sentence")
        assert fits("a {x}", "{x} b")
        assert not fits("a {x}", "{y} b")
        assert not fits("a", " ")


@pytest.mark.django_db
class TestPages:
    @pytest.fixture(autouse=True)
    def place(self) -> None:
        factories.make_site()

    def test_languages_with_their_state(self, lead: User) -> None:
        row = shipped()
        client = factories.signed_in(Client(), lead)
        assert "Not yet approved" in client.get(reverse("catalogue-texts")).content.decode()
        texts.approve(text=row, seen_version=1, by=Doer.staff(lead))
        page = client.get(reverse("catalogue-texts")).content.decode()
        assert "Partly approved" in page
        assert "Français" in page

    def test_approve_all_from_the_page(self, lead: User) -> None:
        texts.ensure_shipped_texts()
        client = factories.signed_in(Client(), lead)
        url = reverse("catalogue-texts-language", args=["ar"])
        page = client.get(url)
        assert 'dir="rtl"' in page.content.decode()
        hidden = {name: field.initial for name, field in page.context["approve_all"].fields.items()}
        hidden |= {"form_token": "t" * 24, "seen_waiting": page.context["waiting"]}
        answer = client.post(reverse("catalogue-texts-approve-all", args=["ar"]), hidden)
        assert (answer.status_code, answer["Location"]) == (302, url)
        assert catalogue.in_force().lacking["ar"] == 0
        assert "Every text is approved" in client.get(url).content.decode()

    @pytest.mark.parametrize(("show", "found"), [("lacking", False), ("approved", True), ("waiting", False), ("all", True)])
    def test_filter_and_search(self, lead: User, show: str, found: bool) -> None:
        texts.approve(text=shipped(), seen_version=1, by=Doer.staff(lead))
        page = factories.signed_in(Client(), lead).get(
            reverse("catalogue-texts-language", args=["fr"]), {"show": show, "q": "épaisses (chél"}
        )
        assert ("Cicatrices épaisses" in page.content.decode()) is found

    def test_write_and_a_mistake_beside_its_field(self, lead: User) -> None:
        shipped()
        client = factories.signed_in(Client(), lead)
        url = reverse("catalogue-text", args=["fr", KELOID, "title"])
        wrong = client.post(url, {"text": "Texte {x}", "form_token": "a" * 24})
        assert wrong.status_code == 422
        assert "Texte {x}" in wrong.content.decode()
        assert "Keep what stands in braces" in wrong.content.decode()
        assert client.post(url, {"text": "Chéloïdes", "form_token": "b" * 24}).status_code == 302
        page = client.get(url).content.decode()
        assert "<ins>Chéloïdes</ins>" in page
        assert "<del>" in page

    def test_nobody_else_finds_the_buttons_or_gets_past_them(self, lead: User) -> None:
        row = shipped()
        client = factories.signed_in(Client(), factories.make_user(Role.PRACTITIONER))
        url = reverse("catalogue-text", args=["fr", KELOID, "title"])
        assert "<textarea" not in client.get(url).content.decode()
        assert client.post(url, {"text": "Autre", "form_token": "a" * 24}).status_code == 403
        assert client.post(reverse("catalogue-text-approve", args=[row.public_id])).status_code == 403
        assert client.post(reverse("catalogue-texts-approve-all", args=["fr"])).status_code == 403
        assert CatalogueText.objects.filter(code=KELOID, field="title", language="fr").count() == 1

    @pytest.mark.parametrize("args", [["en"], ["xx"], ["fr", KELOID, "sentence"], ["fr", "no-such", "title"]])
    def test_unknown_languages_and_texts_are_not_found(self, lead: User, args: list[str]) -> None:
        name = "catalogue-texts-language" if len(args) == 1 else "catalogue-text"
        assert factories.signed_in(Client(), lead).get(reverse(name, args=args)).status_code == 404
