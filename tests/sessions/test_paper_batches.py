"""All aftercare sheets of a day as one file: a worker makes it, progress is visible, a killed worker loses nothing."""
from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from clinic import rendering
from clinic.choices import Role
from clinic.doer import Doer
from clinic.errors import NotPermitted, Refused
from clinic.models import AccessEvent, Site
from sessions import documents, paper_batches
from sessions.models import Document, PaperBatch
from tests import factories as make
from tests.renderer import RendererProcess
from tests.sessions.careday import send
from tests.sessions.treated import make_ended_treatment

pytestmark = pytest.mark.django_db
DAY = dt.date(2026, 3, 12)


@pytest.fixture
def site(at: Any) -> Site:
    at("2026-03-12T15:00:00+00:00")
    return make.make_site(name="Halden Clinic")


@pytest.fixture
def desk(site: Site) -> Doer:
    return Doer.staff(make.make_user(Role.FRONT_DESK), site)


def sheets(site: Site, desk: Doer, count: int = 3) -> list[Document]:
    """Treatments that ended an hour apart, each with its sheet in the queue."""
    found = []
    for number in range(count):
        ended = dt.datetime(2026, 3, 12, 8 + number, tzinfo=dt.UTC)
        record = make_ended_treatment(site=site, ended_at=ended, patient={"language": ["en", "tr"][number % 2]})
        found.append(documents.issue_aftercare(treatment_session=record, by=desk))
    return found


def worked_off(batch: PaperBatch) -> PaperBatch:
    """Rounds of the worker until it is done: on a busy machine a sheet may take longer than one round waits."""
    for _round in range(40):
        paper_batches.work()
        batch.refresh_from_db()
        if not batch.is_open:
            return batch
    raise AssertionError("the renderer did not get to it")


def test_a_worker_makes_one_file_of_the_whole_day(site: Site, desk: Doer, renderer: RendererProcess) -> None:
    papers = sheets(site, desk)
    batch = paper_batches.ask_for_day(site=site, day=DAY, by=desk)
    assert (batch.total, batch.done, batch.state) == (3, 0, "waiting")
    worked_off(batch)
    assert (batch.state, batch.done, batch.left_out) == ("done", 3, 0)
    read = PdfReader(io.BytesIO(paper_batches.bytes_of(batch)))
    issued = [Document.objects.get(pk=one.pk) for one in papers]
    assert len(read.pages) == sum(one.pages or 0 for one in issued) == batch.pages
    text = "".join(page.extract_text() for page in read.pages)
    assert all(one.verification_code in text for one in issued)
    assert paper_batches.work() == 0


def test_only_sheets_of_this_site_and_local_day(site: Site, desk: Doer) -> None:
    with pytest.raises(Refused, match="No treatment of this day"):
        paper_batches.ask_for_day(site=site, day=DAY, by=desk)
    sheets(site, desk, 1)
    late = make_ended_treatment(site=site, ended_at=dt.datetime(2026, 3, 12, 23, 30, tzinfo=dt.UTC))
    documents.issue_aftercare(treatment_session=late, by=desk)
    other = make_ended_treatment(site=make.make_site(), ended_at=dt.datetime(2026, 3, 12, 9, tzinfo=dt.UTC))
    documents.issue_aftercare(treatment_session=other, by=desk)
    assert paper_batches.ask_for_day(site=site, day=DAY, by=desk).total == 1, "half past midnight in Rome is the next day"


def test_asked_twice_while_it_is_made_is_one(site: Site, desk: Doer) -> None:
    sheets(site, desk, 1)
    first = paper_batches.ask_for_day(site=site, day=DAY, by=desk)
    assert paper_batches.ask_for_day(site=site, day=DAY, by=desk) == first
    assert PaperBatch.objects.count() == 1


def test_a_lost_worker_is_followed_by_the_next_where_it_stopped(
    site: Site, desk: Doer, renderer: RendererProcess, at: Any
) -> None:
    sheets(site, desk)
    batch = paper_batches.ask_for_day(site=site, day=DAY, by=desk)
    claimed = paper_batches.claim()
    assert claimed == batch
    PaperBatch.objects.filter(pk=batch.pk).update(done=1)
    assert paper_batches.work() == 0, "somebody seems to be at it"
    PaperBatch.objects.filter(pk=batch.pk).update(heartbeat_at=timezone.now() - dt.timedelta(minutes=3))
    worked_off(batch)
    assert (batch.state, batch.done) == ("done", 3)


def test_without_the_renderer_it_waits(site: Site, desk: Doer, settings: Any) -> None:
    settings.RENDERER_SOCKET = "/nonexistent/renderer.sock"
    sheets(site, desk, 2)
    batch = paper_batches.ask_for_day(site=site, day=DAY, by=desk)
    assert paper_batches.work() == 0
    batch.refresh_from_db()
    assert (batch.state, batch.done) == ("waiting", 0)


def test_a_sheet_that_cannot_be_made_is_left_out_and_counted(
    site: Site, desk: Doer, renderer: RendererProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, _good = sheets(site, desk, 2)
    whole = rendering.render

    def sometimes(html: str, *, wait_seconds: float) -> Any:
        if bad.verification_code in html:
            raise rendering.NotRenderable("too-many-pages")
        return whole(html, wait_seconds=wait_seconds)

    monkeypatch.setattr(rendering, "render", sometimes)
    batch = worked_off(paper_batches.ask_for_day(site=site, day=DAY, by=desk))
    assert (batch.state, batch.total, batch.left_out) == ("done", 2, 1)


def test_the_desk_asks_sees_progress_and_prints(
    client: Client, site: Site, desk: Doer, renderer: RendererProcess
) -> None:
    sheets(site, desk, 2)
    make.signed_in(client, desk.user)
    assert send(client, reverse("day-sheets"), {"day": "2026-03-13"}).status_code == 422
    for wrong in ("", "yesterday", "0001-01-01", "2026-02-30", "\x00"):
        assert send(client, reverse("day-sheets"), {"day": wrong}).status_code == 422
    answer = send(client, reverse("day-sheets"), {"day": DAY.isoformat()})
    batch = PaperBatch.objects.get()
    assert answer["Location"] == reverse("paper-batch", args=[batch.public_id])
    assert "0 of 2 sheets are ready" in client.get(answer["Location"]).content.decode()
    worked_off(batch)
    assert "Open and print" in client.get(reverse("paper-batch-state", args=[batch.public_id])).content.decode()
    pdf = client.get(reverse("paper-batch-pdf", args=[batch.public_id]))
    assert pdf["Content-Type"] == "application/pdf"
    assert AccessEvent.objects.filter(page="paper-batch-pdf", category="print").count() == 2
    stranger = make.make_user(Role.FRONT_DESK, site=make.make_site())
    make.signed_in(client, stranger)
    assert client.get(reverse("paper-batch", args=[batch.public_id])).status_code == 404
    make.signed_in(client, make.make_user(Role.MANAGER))
    assert client.get(reverse("paper-batch-pdf", args=[batch.public_id])).status_code == 403


def test_a_manager_asks_for_no_papers(site: Site) -> None:
    with pytest.raises(NotPermitted):
        paper_batches.ask_for_day(site=site, day=DAY, by=Doer.staff(make.make_user(Role.MANAGER), site))
