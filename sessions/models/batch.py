"""Many papers as one file: which, how far, and the finished bytes."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.models import PublicId, Site, User


class BatchState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    WORKING = "working", _("Being made")
    DONE = "done", _("Ready")
    FAILED = "failed", _("Could not be made")


class PaperBatch(PublicId):
    """All aftercare sheets of one day at one site. `total` is known when it is asked for, `done` grows paper by paper;
    `left_out` counts papers that could not be made. `heartbeat_at` tells a killed worker's batch from a working one."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    day = models.DateField()
    state = models.CharField(max_length=8, choices=BatchState, default=BatchState.WAITING)
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    papers = models.JSONField(default=list, help_text="Public ids of the documents, in the order of the day")
    failure = models.CharField(max_length=200, blank=True)
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    pdf = models.BinaryField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    pages = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(done__lte=F("total"), left_out__lte=F("done"), total__gt=0), name="paper_batch_counts_agree"
            ),
            models.CheckConstraint(
                condition=(Q(state=BatchState.DONE, pdf__isnull=False, pages__gt=0, finished_at__isnull=False)
                           & ~Q(sha256=""))
                | (~Q(state=BatchState.DONE) & Q(pdf=None)),
                name="paper_batch_done_has_bytes",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"papers of {self.day}"

    @property
    def is_open(self) -> bool:
        return self.state in {BatchState.WAITING, BatchState.WORKING}
