"""All aftercare sheets of a day as one file, made by a worker while the page shows how far it is.

Asking freezes the list; the worker makes the sheets that are still missing, one by one, and commits after each, so that a
killed worker's successor goes on where it was. The file is the sheets as they were issued, one behind the other.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from pypdf import PdfReader, PdfWriter

from clinic import audit, rendering
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.models import Site
from clinic.permissions import check_doer
from sessions import documents
from sessions.choices import DocumentKind, DocumentState
from sessions.models import Document, PaperBatch
from sessions.models.batch import BatchState

MOST_PAPERS = 300
LOST_AFTER = dt.timedelta(minutes=2)  # longer than any one sheet may take
WAIT_SECONDS = 15.0  # then the batch goes back into the queue; the renderer goes on with the sheet meanwhile


@transaction.atomic
def ask_for_day(*, site: Site, day: dt.date, by: Doer) -> PaperBatch:
    """Freeze which sheets belong to the day. One that is still being made is handed back instead of a second one."""
    check_doer(by, Permission.CHANGE_PERSON, site)
    if by.user is None:
        raise Refused(_("Only staff can do this."))
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    open_one = PaperBatch.objects.filter(
        site=site, day=day, state__in=[BatchState.WAITING, BatchState.WORKING]
    ).first()  # fmt: skip
    if open_one is not None:
        return open_one
    sheets = list(sheets_of(site, day))
    if not sheets:
        raise Refused(_("No treatment of this day has ended yet, so there is no sheet to print."))
    batch = PaperBatch.objects.create(
        site=site, day=day, total=len(sheets), papers=sheets, requested_by=by.user, requested_at=timezone.now()
    )
    audit.record(
        by=by, action="papers-requested", sentence=f"asked for all aftercare sheets of {day}", of=batch, site=site,
        detail={"day": day.isoformat(), "papers": len(sheets)},
    )  # fmt: skip
    return batch


def sheets_of(site: Site, day: dt.date) -> list[str]:
    """The current sheet of every treatment that ended on this local day, one language each, in the order of the day."""
    first, last = site.day_bounds(day)
    rows = Document.objects.filter(
        kind=DocumentKind.AFTERCARE, site=site, superseded_by=None,
        state__in=[DocumentState.QUEUED, DocumentState.ISSUED],
        appointment__treatment_session__ended_at__gte=first, appointment__treatment_session__ended_at__lt=last,
    ).order_by("appointment__starts_at", "appointment_id", "-requested_at", "-id")  # fmt: skip
    found: dict[int, str] = {}
    for appointment, paper in rows.values_list("appointment_id", "public_id"):
        found.setdefault(appointment, paper)
    return list(found.values())[:MOST_PAPERS]


def work() -> int:
    """One batch, if one waits or was lost with its worker. Returns how many papers were made ready."""
    batch = claim()
    return carry_on(batch) if batch is not None else 0


@transaction.atomic
def claim() -> PaperBatch | None:
    now = timezone.now()
    waiting = PaperBatch.objects.filter(
        Q(state=BatchState.WAITING) | Q(state=BatchState.WORKING, heartbeat_at__lt=now - LOST_AFTER)
    )
    batch = waiting.select_for_update(skip_locked=True, no_key=True).order_by("requested_at", "id").first()
    if batch is not None:
        batch.state, batch.heartbeat_at = BatchState.WORKING, now
        batch.save(update_fields=["state", "heartbeat_at"])
    return batch


def carry_on(batch: PaperBatch) -> int:
    """From the first paper that is not done yet to the finished file. Stops quietly while the renderer is away; the next
    round goes on."""
    for number, public_id in enumerate(batch.papers[batch.done :], start=batch.done + 1):
        document = Document.objects.select_related("site", "patient", "requested_by").get(public_id=public_id)
        try:
            made = documents.finish(document=document, wait_seconds=WAIT_SECONDS)
        except (rendering.StillWorking, rendering.RendererAway):
            put_back(batch)
            return number - 1
        batch.left_out += made.state not in {DocumentState.ISSUED, DocumentState.SUPERSEDED}
        batch.done, batch.heartbeat_at = number, timezone.now()
        batch.save(update_fields=["done", "left_out", "heartbeat_at"])
    finish(batch)
    return batch.done


def put_back(batch: PaperBatch) -> None:
    batch.state = BatchState.WAITING
    batch.save(update_fields=["state"])


def finish(batch: PaperBatch) -> None:
    """The issued bytes one behind the other; each was checked against its SHA-256 before."""
    together = PdfWriter()
    for public_id in batch.papers:
        document = Document.objects.get(public_id=public_id)
        if document.state in {DocumentState.ISSUED, DocumentState.SUPERSEDED}:
            together.append(PdfReader(io.BytesIO(documents.bytes_of(document))))
    batch.finished_at = timezone.now()
    if not together.pages:
        batch.state, batch.failure = BatchState.FAILED, "none"
        batch.save(update_fields=["state", "failure", "finished_at"])
        return
    together.add_metadata({"/Title": f"{batch.site.name} {batch.day.isoformat()}"})
    made = io.BytesIO()
    together.write(made)
    batch.pdf, batch.pages = made.getvalue(), len(together.pages)
    batch.sha256, batch.state = hashlib.sha256(batch.pdf).hexdigest(), BatchState.DONE
    batch.save(update_fields=["pdf", "pages", "sha256", "state", "finished_at"])


def bytes_of(batch: PaperBatch) -> bytes:
    """The finished file. Raises `Refused` when there is none or it is not what was made."""
    if batch.pdf is None:
        raise Refused(_("The file has not been made yet."))
    content = bytes(batch.pdf)
    if hashlib.sha256(content).hexdigest() != batch.sha256:
        raise Refused(_("The stored document does not match its checksum; it is not handed out. Tell your technician."))
    return content
