"""What the impact page shows of a run: how far it is, how many went from which outcome to which, who, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.models import User
from patients.models import Patient
from protocols import catalogue
from protocols.definitions import Catalogue
from protocols.models import CatalogueChange, CatalogueVersion
from protocols.models.catalogue import VersionState
from sessions import rescreening
from sessions.change_words import stored_in_words
from sessions.explaining import name_of, outcome_pill
from sessions.models import RescreenChange, RescreenRun
from sessions.models.rescreening import RunPurpose, RunState

PARTS = ("patients", "courses", "appointments")
OUTCOMES = ("blocked", "incomplete", "needs-clearance", "wait", "cleared")
SILENT_AFTER_SECONDS = 60
BOOKABLE: Mapping[str, str | Promise] = {
    "yes": gettext_lazy("may stay booked"),
    "marked": gettext_lazy("stays booked, marked"),
    "no": gettext_lazy("may not stay booked"),
}


@dataclass(frozen=True)
class Progress:
    """A run as the progress bar says it. `is_silent`: it should be working, but nobody has reported for a while."""

    run: RescreenRun
    is_silent: bool
    per_second: int

    @property
    def seconds_left(self) -> int:
        return (self.run.total - self.run.done) // self.per_second if self.per_second else 0


def newest_run(version: CatalogueVersion) -> RescreenRun | None:
    """What was asked last about this version; of a published one what publishing it changed."""
    published = version.state in {VersionState.PUBLISHED, VersionState.RETIRED}
    runs = RescreenRun.objects.filter(catalogue=version).select_related("compared_with", "asked_by")
    return (runs.filter(purpose=RunPurpose.APPLY).first() if published else None) or runs.first()


def progress_of(run: RescreenRun) -> Progress:
    now = timezone.now()
    last = run.heartbeat_at or run.asked_at
    spent = (last - run.started_at).total_seconds() if run.started_at else 0
    return Progress(
        run=run,
        is_silent=not run.is_over and (now - last).total_seconds() > SILENT_AFTER_SECONDS,
        per_second=int(run.done / spent) if spent > 0 else 0,
    )


def of_part(changes: QuerySet[RescreenChange], part: str) -> QuerySet[RescreenChange]:
    if part == "courses":
        return changes.filter(course__isnull=False)
    if part == "appointments":
        return changes.filter(appointment__isnull=False)
    return changes.filter(course=None, appointment=None)


def counted(run: RescreenRun) -> list[dict[str, Any]]:
    """One row per pair of outcomes with how many patients, courses and appointments went that way. One query.

    Everybody is counted, also whom the reader may not see by name: publishing changes them too."""
    bare = Q(course=None, appointment=None)
    rows = (
        run.changes.order_by().values("before_outcome", "after_outcome")
        .annotate(
            patients=Count("pk", filter=bare), courses=Count("pk", filter=Q(course__isnull=False)),
            appointments=Count("pk", filter=Q(appointment__isnull=False)),
        )
    )  # fmt: skip
    return [
        dict(row) | {"before": _pill(row["before_outcome"]), "after": _pill(row["after_outcome"])}
        for row in sorted(rows, key=_by_weight)
    ]


def _by_weight(row: Mapping[str, Any]) -> tuple[int, int]:
    """What gets worse stands first, the worst outcome of all on top."""
    return OUTCOMES.index(row["after_outcome"]), -OUTCOMES.index(row["before_outcome"])


def _pill(outcome: str) -> tuple[str, str]:
    return outcome_pill(outcome, None, False)


def listed(run: RescreenRun, part: str, *, reader: User, before: str = "", after: str = "") -> QuerySet[RescreenChange]:
    """The changes of one list that this reader may see by name, those for the worse first."""
    found = of_part(run.changes.all(), part).filter(patient__in=Patient.objects.visible_to(reader))
    if before in OUTCOMES and after in OUTCOMES:
        found = found.filter(before_outcome=before, after_outcome=after)
    return found.select_related(
        "patient", "course__site", "appointment__service", "appointment__site", "appointment__course"
    ).order_by("patient__family_name", "patient__given_name", "pk")  # fmt: skip


def shown_changes(rows: Sequence[RescreenChange], run: RescreenRun) -> list[dict[str, Any]]:
    """Each change with its pills, the codes that came and went, and why in words. Two queries for the page."""
    rules = rescreening.rules_of(CatalogueVersion.objects.get(pk=run.catalogue_id))
    why = reasons_given(run, {one["code"] for row in rows for one in row.reasons})
    return [
        {
            "change": row,
            "what": _what(row, rules),
            "before": _pill(row.before_outcome),
            "after": _pill(row.after_outcome),
            "codes": _codes(row),
            "why": stored_in_words(row.reasons, rules),
            "lead": list(dict.fromkeys(word for one in row.reasons for word in why.get(one["code"], ()))),
            "booking": _booking(row),
        }
        for row in rows
    ]


def _codes(row: RescreenChange) -> list[tuple[str, str]]:
    """Each code that changed, with a sign where it came or went."""
    signs = {code: "+ " for code in row.after_codes if code not in row.before_codes}
    signs |= {code: "− " for code in row.before_codes if code not in row.after_codes}
    return [(signs.get(code, ""), code) for code in dict.fromkeys(one["code"] for one in row.reasons)]


def _what(row: RescreenChange, rules: Catalogue) -> str:
    course = row.course or (row.appointment.course if row.appointment else None)
    return name_of(course.indication, rules.indications) if course else _("Without a plan")


def _booking(row: RescreenChange) -> str:
    """What becomes of the booking, where that changes."""
    if not row.may_after or row.may_after == row.may_before:
        return ""
    return str(BOOKABLE[row.may_after])


def reasons_given(run: RescreenRun, codes: set[str]) -> dict[str, list[str]]:
    """What the medical lead wrote down when changing these entries of the version."""
    found: dict[str, list[str]] = defaultdict(list)
    rows = CatalogueChange.objects.filter(version=run.catalogue_id, code__in=codes).exclude(reason="")
    for code, reason in rows.values_list("code", "reason"):
        found[code].append(reason)
    return found


def why_not_seen(run: RescreenRun, version: CatalogueVersion) -> str:
    """The sentence on the closed button “I have looked at this”; empty while it may be pressed."""
    if run.state != RunState.DONE:
        return _("The preview is not finished yet.")
    if rescreening.is_outdated(run, version):
        return _("This version was edited after the preview. Start the preview again.")
    return ""


def is_to_publish(version: CatalogueVersion) -> bool:
    return version.state in rescreening.TO_PUBLISH


def other_side(run: RescreenRun | None) -> CatalogueVersion:
    """What the version is compared with: the one in force, or the one in force when somebody asked."""
    return run.compared_with if run is not None and run.compared_with is not None else catalogue.current()


def name_of_version(version: CatalogueVersion) -> str:
    """Its label in the reader's language where it is one of ours, and its number."""
    return f"{_(version.label)} v{version.number}"
