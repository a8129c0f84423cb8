"""What becomes of a mail afterwards: provider reports by webhook, mails that come back, forged ones of either kind."""
from __future__ import annotations

import json
from base64 import b64encode
from io import BytesIO, StringIO
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from anymail import exceptions as anymail
from anymail.signals import tracking as tracking_signal
from django.core.management import call_command
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from urllib3.exceptions import NewConnectionError, ProtocolError

from mesoclinic.urls import urlpatterns as ours
from patients import privacy
from sessions import outbox, providers, return_addresses, tracking
from sessions.choices import MessageState
from sessions.delivery import Permanent, Temporary, Unknown
from sessions.models import Message
from sessions.tracking import Report
from tests.figures import scaled
from tests.sessions.clinicday import MORNING
from tests.sessions.mailday import MailDay, make_mail_day

pytestmark = pytest.mark.django_db
S = MessageState
urlpatterns = [*ours, path("anymail/", include("anymail.urls"))]  # what settings with EMAIL_PROVIDER add
HOOK = "/anymail/postmark/tracking/"
SECRET = "hook:never-guess-this"
FORGERIES = 1_000


@pytest.fixture
def day(at: Any) -> MailDay:
    at(MORNING)
    return make_mail_day()


@pytest.fixture
def sent(day: MailDay) -> Message:
    day.book()
    message = day.messages("msg-confirm")[0]
    outbox.move(message, S.SENDING, claimed_at=timezone.now())
    outbox.move(message, S.SENT, sent_at=timezone.now())
    return message


def report(message: Message, **more: Any) -> Report:
    said = {"rfc_message_id": message.rfc_message_id, "recipient": message.recipient, "fate": S.DELIVERED} | more
    return Report(**said)


class TestReports:
    def test_delivered_is_noted_once(self, sent: Message) -> None:
        assert tracking.take_in(report(sent))
        assert not tracking.take_in(report(sent)), "the same report twice changes nothing"
        sent.refresh_from_db()
        assert sent.state == S.DELIVERED
        assert [step.state for step in sent.steps.all()].count(S.DELIVERED) == 1

    def test_a_bad_address_is_marked_on_the_patient(self, sent: Message, day: MailDay) -> None:
        assert tracking.take_in(report(sent, fate=S.BOUNCED, words="550 5.1.1  no such\nuser", for_good=True))
        sent.refresh_from_db()
        day.patient.refresh_from_db()
        assert (sent.state, sent.reason) == (S.BOUNCED, "550 5.1.1 no such user")
        assert day.patient.email_problem == "550 5.1.1 no such user"

    def test_a_full_mailbox_marks_the_mail_alone(self, sent: Message, day: MailDay) -> None:
        assert tracking.take_in(report(sent, fate=S.BOUNCED, words="mailbox full"))
        day.patient.refresh_from_db()
        assert day.patient.email_problem == ""

    def test_an_address_corrected_meanwhile_is_not_marked(self, sent: Message, day: MailDay) -> None:
        day.patient.email = "new@example.org"
        day.patient.save(update_fields=["email"])
        tracking.take_in(report(sent, fate=S.BOUNCED, for_good=True))
        day.patient.refresh_from_db()
        assert day.patient.email_problem == ""

    def test_an_unknown_fate_is_settled_by_the_report(self, sent: Message) -> None:
        Message.objects.filter(pk=sent.pk).update(state=S.UNKNOWN, sent_at=None)
        assert tracking.take_in(report(sent))
        sent.refresh_from_db()
        assert (sent.state, sent.sent_at) == (S.DELIVERED, timezone.now())

    @pytest.mark.parametrize("wrong", [{"rfc_message_id": "<x@y>"}, {"recipient": "other@example.org"}, {"fate": S.SCHEDULED}])
    def test_what_fits_no_mail_of_ours_changes_nothing(self, sent: Message, wrong: Any) -> None:
        assert not tracking.take_in(report(sent, **wrong))
        sent.refresh_from_db()
        assert sent.state == S.SENT

    def test_a_complaint_ends_what_one_can_do_without(self, sent: Message, day: MailDay) -> None:
        assert tracking.complained(rfc_message_id=sent.rfc_message_id, recipient=sent.recipient)
        assert privacy.declined(day.patient, "msg-next")
        assert not privacy.declined(day.patient, "msg-24h")


class TestWebhook:
    @pytest.fixture(autouse=True)
    def provider(self, settings: Any) -> Any:
        settings.ROOT_URLCONF = __name__
        settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}
        tracking_signal.connect(providers.heard, dispatch_uid="tests.providers")
        yield
        tracking_signal.disconnect(dispatch_uid="tests.providers")

    def post(self, message: Message, *, secret: str = SECRET, **more: Any) -> Any:
        event = {
            "RecordType": "Delivery", "MessageID": "883953f4", "Recipient": message.recipient,
            "Metadata": {"message_id": message.rfc_message_id}, "DeliveredAt": "2026-03-12T10:00:00Z",
        } | more  # fmt: skip
        client = Client(raise_request_exception=False)
        headers = {"Authorization": "Basic " + b64encode(secret.encode()).decode()} if secret else {}
        return client.post(HOOK, json.dumps(event), content_type="application/json", headers=headers)

    def test_a_genuine_report_is_taken_in(self, sent: Message) -> None:
        assert self.post(sent).status_code == 200
        sent.refresh_from_db()
        assert sent.state == S.DELIVERED

    def test_a_genuine_bounce_marks_the_address(self, sent: Message, day: MailDay) -> None:
        answer = self.post(
            sent, RecordType="Bounce", Type="HardBounce", TypeCode=1, Email=sent.recipient, BouncedAt="2026-03-12T10:00:00Z",
            ID=1, Description="The server was unable to deliver your message", Details="550 no such user",
        )  # fmt: skip
        assert answer.status_code == 200
        day.patient.refresh_from_db()
        assert day.patient.email_problem

    @pytest.mark.prove
    def test_forged_reports_change_nothing(self, sent: Message) -> None:
        for number in range(scaled(FORGERIES)):
            secret = ("", "hook:guess", f"hook:{number:032x}", SECRET[:-1], SECRET.upper())[number % 5]
            assert self.post(sent, secret=secret).status_code in {400, 403}
        sent.refresh_from_db()
        assert sent.state == S.SENT
        assert sent.steps.filter(state=S.DELIVERED).count() == 0


class TestHandingOver:
    """The provider's answers in the four ways of a channel."""

    def error(self, status: int | None, cause: Exception | None = None) -> anymail.AnymailRequestsAPIError:
        response = SimpleNamespace(status_code=status, reason="", text="") if status else None
        error = anymail.AnymailRequestsAPIError("no", response=response)
        error.__cause__ = cause
        return error

    @pytest.mark.parametrize(
        ("status", "means", "server"),
        [(500, Temporary, True), (503, Temporary, True), (429, Temporary, True), (401, Temporary, True), (422, Permanent, None)],
    )
    def test_a_status(self, status: int, means: type, server: bool | None) -> None:
        said = providers.meaning_of(self.error(status))
        assert isinstance(said, means)
        assert getattr(said, "server", None) == server

    def test_a_server_that_was_never_reached_is_tried_later(self) -> None:
        inner = SimpleNamespace(reason=NewConnectionError(None, "refused"))  # type: ignore[arg-type]
        said = providers.meaning_of(self.error(None, requests.ConnectionError(inner)))
        assert isinstance(said, Temporary)

    @pytest.mark.parametrize("cause", [requests.ReadTimeout(), requests.ConnectionError(ProtocolError("reset"))])
    def test_a_connection_that_broke_leaves_it_unknown(self, cause: Exception) -> None:
        assert isinstance(providers.meaning_of(self.error(None, cause)), Unknown)

    def test_a_refused_recipient_is_a_bad_address(self) -> None:
        class Refusing:
            def send_messages(self, messages: Any) -> None:
                raise anymail.AnymailRecipientsRefused

        email = SimpleNamespace(extra_headers={"Message-ID": "<a@b>"})
        with pytest.raises(Permanent) as said:
            providers.hand_to(Refusing(), email)  # type: ignore[arg-type]
        assert said.value.address
        assert email.metadata == {"message_id": "<a@b>"}


def bounce(to: str, *, status: str = "5.1.1", words: str = "550 5.1.1 no such user") -> bytes:
    lines = [
        "From: MAILER-DAEMON@example.net", f"To: {to}", "Subject: Undelivered", "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"', "",
        "--b", "Content-Type: text/plain", "", "Could not be delivered.",
        "--b", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.example.net", "",
        "Final-Recipient: rfc822; x@example.org", "Action: failed", f"Status: {status}", f"Diagnostic-Code: smtp; {words}", "",
        "--b--", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


class TestReturnedMail:
    @pytest.fixture(autouse=True)
    def address(self, settings: Any) -> None:
        settings.MAIL_RETURN_ADDRESS = "bounces@clinic.example"

    def take(self, raw: bytes, monkeypatch: Any) -> str:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=BytesIO(raw)))
        said = StringIO()
        call_command("take_bounce", stdout=said)
        return said.getvalue()

    def test_each_mail_has_a_return_address_of_its_own(self, sent: Message, settings: Any) -> None:
        address = return_addresses.signed_for(sent)
        assert address.startswith("bounces+")
        assert address.endswith("@clinic.example")
        assert len(address.partition("@")[0]) <= 64, "the longest local part (RFC 5321)"
        settings.MAIL_RETURN_ADDRESS = "off"
        assert return_addresses.signed_for(sent) == ""

    @pytest.mark.parametrize("change", [str, str.upper])
    def test_one_that_comes_back_marks_mail_and_address(self, sent: Message, day: MailDay, monkeypatch: Any, change: Any) -> None:
        assert "One message" in self.take(bounce(change(return_addresses.signed_for(sent))), monkeypatch)
        sent.refresh_from_db()
        day.patient.refresh_from_db()
        assert (sent.state, sent.reason) == (S.BOUNCED, "550 5.1.1 no such user")
        assert day.patient.email_problem

    def test_a_full_mailbox_does_not_condemn_the_address(self, sent: Message, day: MailDay, monkeypatch: Any) -> None:
        self.take(bounce(return_addresses.signed_for(sent), status="5.2.2", words="mailbox full"), monkeypatch)
        day.patient.refresh_from_db()
        assert day.patient.email_problem == ""

    @pytest.mark.parametrize("status", ["4.4.1", "2.0.0", ""])
    def test_a_delay_or_a_success_changes_nothing(self, sent: Message, monkeypatch: Any, status: str) -> None:
        assert "Nothing" in self.take(bounce(return_addresses.signed_for(sent), status=status), monkeypatch)
        sent.refresh_from_db()
        assert sent.state == S.SENT

    def test_a_forged_return_address_changes_nothing(self, sent: Message, monkeypatch: Any) -> None:
        genuine = return_addresses.signed_for(sent)
        seal = genuine.partition("-")[2].partition("@")[0]
        forged = [
            genuine.replace(seal, "0" * len(seal)), genuine.replace(f"+{sent.pk:02x}-", f"+{sent.pk + 1:02x}-"),
            "bounces@clinic.example", f"bounces+{sent.pk:02x}@clinic.example", "", "bounces+zz-yy@clinic.example",
        ]  # fmt: skip
        for address in forged:
            assert "Nothing" in self.take(bounce(address), monkeypatch), address
        sent.refresh_from_db()
        assert sent.state == S.SENT

    @pytest.mark.parametrize("raw", [b"", b"\x00\xff" * 100, b"To: a\r\n\r\nI am on holiday.", b"x" * 2_100_000])
    def test_what_is_no_report_is_let_go(self, raw: bytes, monkeypatch: Any) -> None:
        assert "Nothing" in self.take(raw, monkeypatch)
