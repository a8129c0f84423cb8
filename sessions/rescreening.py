"""Screen everybody again: before publishing to see what a draft would change, after publishing to make it so.

A verb only writes the row of a run; beat wakes `work`, and the database decides what is to be done. One
batch of patients is one transaction that holds the run's row and moves its cursor on, so that a killed worker repeats
at most the batch it was in, and two workers never take the same one."""

from __future__ import annotations

import time
from functools import lru_cache

import structlog
from django.db import transaction
from django.db.models import Count, Max
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import SYSTEM, Doer
from clinic.errors import Refused
from clinic.permissions import check_doer
from patients.models import Patient
from protocols import catalogue, versions
from protocols.definitions import Catalogue
from protocols.fault_words import said
from protocols.loading import CatalogueError
from protocols.models import CatalogueVersion
from protocols.models.catalogue import VersionState
from sessions import rescreening_batch
from sessions.models import RescreenRun
from sessions.models.rescreening import RunPurpose, RunState

log = structlog.get_logger(__name__)

BATCH = 250  # patients in one transaction: a second or two, far below the database's statement timeout
WORK_SECONDS = 20  # how long one wake works on; the next comes within seconds
GIVE_UP_AFTER = 5  # batches that broke off in a row
TO_PUBLISH = (VersionState.DRAFT, VersionState.APPROVED)


# --- verbs ------------------------------------------------------------------------------------------------------------
@transaction.atomic
def start_preview(*, version: CatalogueVersion, by: Doer) -> RescreenRun:
    """Ask what this version would change for everybody. One that is being looked at already is joined.

    Raises `Refused` for a version that is not to be published any more, and for one whose entries do not fit."""
    check_doer(by, Permission.APPROVE_CATALOGUE, None)
    held = CatalogueVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    if held.state not in TO_PUBLISH:
        raise Refused(_("Only a version that is still to be published has an impact to look at."))
    try:
        catalogue.load(held)
    except CatalogueError as error:
        raise Refused(_("This version has a mistake: %(mistake)s") % {"mistake": "; ".join(map(said, error.problems))}) from error
    for run in RescreenRun.objects.unfinished().filter(catalogue=held, purpose=RunPurpose.PREVIEW):
        if run.catalogue_digest == held.digest:
            return run
        _finish(run, RunState.OUTDATED)
    run = _new_run(RunPurpose.PREVIEW, held, compared_with=catalogue.current(), by=by)
    audit.record(by=by, action="impact-preview", sentence=f"asked what {held} would change", of=run,
                 detail={"version": held.number, "digest": held.digest})  # fmt: skip
    return run


@transaction.atomic
def see_impact(*, run: RescreenRun, by: Doer) -> None:
    """The medical lead has looked at a finished preview: the version may be published as it was previewed."""
    version = CatalogueVersion.objects.get(pk=run.catalogue_id)
    if run.purpose != RunPurpose.PREVIEW or run.state != RunState.DONE:
        raise Refused(_("The preview is not finished yet."))
    if is_outdated(run, version):
        raise Refused(_("This version was edited after the preview. Start the preview again."))
    versions.mark_impact_seen(version=version, by=by)


@transaction.atomic
def start_again(*, run: RescreenRun, by: Doer) -> None:
    """Go on with a run that broke off, from where it stopped."""
    check_doer(by, Permission.APPROVE_CATALOGUE, None)
    held = RescreenRun.objects.select_for_update(no_key=True).get(pk=run.pk)
    if held.state != RunState.FAILED:
        raise Refused(_("This run has not broken off."))
    held.state, held.failures, held.finished_at = RunState.QUEUED, 0, None
    held.save(update_fields=["state", "failures", "finished_at"])
    audit.record(by=by, action="rescreening-resumed", sentence=f"resumed the {held}", of=held)


def is_outdated(run: RescreenRun, version: CatalogueVersion) -> bool:
    """The preview speaks of other entries than the version has now, or compares with rules no longer in force."""
    in_force = CatalogueVersion.objects.in_force().values_list("pk", flat=True).first()
    return run.catalogue_digest != version.digest or run.compared_with_id != in_force


# --- what beat wakes ----------------------------------------------------------------------------------------------------
def work(*, seconds: float = WORK_SECONDS, batch: int = BATCH) -> int:
    """Work off what is waiting, batch by batch, for about so long. Returns how many patients were looked at."""
    apply_what_is_published()
    ends = time.monotonic() + seconds
    looked_at = 0
    while time.monotonic() < ends:
        done = work_one_batch(batch)
        if done is None:
            break
        looked_at += done
    return looked_at


@transaction.atomic
def apply_what_is_published() -> RescreenRun | None:
    """A published version that replaced another one and that nobody was screened against yet gets its run."""
    version = CatalogueVersion.objects.in_force().first()
    if version is None or RescreenRun.objects.filter(catalogue=version, purpose=RunPurpose.APPLY).exists():
        return None
    former = CatalogueVersion.objects.filter(state=VersionState.RETIRED, published_at__isnull=False)
    compared_with = former.order_by("-published_at").first()
    # Whoever holds the version's row is doing this very thing.
    held = CatalogueVersion.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=version.pk).first()
    if compared_with is None or held is None:
        return None
    for older in RescreenRun.objects.unfinished().filter(purpose=RunPurpose.APPLY):
        _finish(older, RunState.OUTDATED)
    run = _new_run(RunPurpose.APPLY, held, compared_with=compared_with, by=SYSTEM)
    audit.record(by=SYSTEM, action="rescreening-started", sentence=f"screens everybody again by {held}", of=run)
    return run


def work_one_batch(size: int = BATCH) -> int | None:
    """Claim a run and work off its next patients in one transaction. None when nothing is waiting or all is taken."""
    claimed: RescreenRun | None = None
    try:
        with transaction.atomic():
            # Publishing waits for nobody, so what it changed goes before anybody's preview ("apply" < "preview").
            waiting = RescreenRun.objects.unfinished().order_by("purpose", "asked_at", "id")
            claimed = waiting.select_for_update(skip_locked=True, no_key=True).first()
            if claimed is None:
                return None
            return _next_batch(claimed, size)
    except Exception:
        if claimed is None:
            raise
        log.exception("a re-screening batch broke off", run=claimed.public_id, after_patient=claimed.last_patient)
        _count_failure(claimed)
        return None


def _next_batch(run: RescreenRun, size: int) -> int:
    version = CatalogueVersion.objects.get(pk=run.catalogue_id)
    wanted = (VersionState.PUBLISHED,) if run.purpose == RunPurpose.APPLY else TO_PUBLISH
    if version.digest != run.catalogue_digest or version.state not in wanted:
        _finish(run, RunState.OUTDATED)
        return 0
    waiting = Patient.objects.current().filter(pk__gt=run.last_patient, pk__lte=run.until_patient)
    patients = list(waiting.order_by("pk").select_related("registered_at")[:size])
    if not patients:
        _finish(run, RunState.DONE)
        audit.record(by=SYSTEM, action="rescreening-done", sentence=f"looked at {run.done} patients: {run.changed} changed",
                     of=run, detail={"patients": run.done, "changed": run.changed})  # fmt: skip
        return 0
    before = rules_of(CatalogueVersion.objects.get(pk=run.compared_with_id)) if run.compared_with_id else None
    changed = rescreening_batch.work_off(run, patients, version=version, before=before, after=rules_of(version))
    now = timezone.now()
    run.state = RunState.RUNNING
    run.started_at = run.started_at or now
    run.heartbeat_at = now
    run.last_patient = patients[-1].pk
    run.done += len(patients)
    run.changed += changed
    run.failures = 0
    run.save(update_fields=["state", "started_at", "heartbeat_at", "last_patient", "done", "changed", "failures"])
    return len(patients)


def rules_of(version: CatalogueVersion) -> Catalogue:
    """The frozen catalogue, also of a draft: built once for each digest and not once for each batch."""
    return _rules(version.pk, version.digest)


@lru_cache(maxsize=3)
def _rules(version_id: int, digest: str) -> Catalogue:
    return catalogue.load(CatalogueVersion.objects.get(pk=version_id))


def _new_run(purpose: RunPurpose, version: CatalogueVersion, *, compared_with: CatalogueVersion, by: Doer) -> RescreenRun:
    everybody = Patient.objects.current().aggregate(total=Count("pk"), last=Max("pk"))
    return RescreenRun.objects.create(
        purpose=purpose, catalogue=version, compared_with=compared_with, catalogue_digest=version.digest,
        asked_by=by.user, asked_at=timezone.now(), total=everybody["total"], until_patient=everybody["last"] or 0,
    )  # fmt: skip


def _finish(run: RescreenRun, state: RunState) -> None:
    run.state, run.finished_at = state, timezone.now()
    run.save(update_fields=["state", "finished_at"])


def _count_failure(run: RescreenRun) -> None:
    """Outside the transaction that broke off. After some in a row nobody tries any more until a person says so."""
    with transaction.atomic():
        held = RescreenRun.objects.unfinished().select_for_update(no_key=True).filter(pk=run.pk).first()
        if held is None:
            return
        held.failures += 1
        held.heartbeat_at = timezone.now()
        held.save(update_fields=["failures", "heartbeat_at"])
        if held.failures >= GIVE_UP_AFTER:
            _finish(held, RunState.FAILED)
