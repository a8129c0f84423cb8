"""What can be booked: the services an installation starts with, and changing how long they take."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic import audit
from clinic.choices import Permission
from clinic.doer import SYSTEM, Doer
from clinic.errors import Refused, Stale
from clinic.permissions import check_doer
from protocols import catalogue
from protocols.choices import Status
from protocols.definitions import Catalogue
from protocols.models import Enablement, Service
from protocols.models.service import ServiceKind
from protocols.planning import slot_minutes

LONGEST_NAME = 80
LEAST_MINUTES, MOST_MINUTES = 5, 480
MOST_SIDE_MINUTES = 120
UNGATED = [
    ("consultation", ServiceKind.CONSULTATION, "Consultation", 30),
    ("allergy-test", ServiceKind.ALLERGY_TEST, "Allergy test", 15),
    ("review", ServiceKind.REVIEW, "Review", 20),
]
PREPARATION_MINUTES, CLEANUP_MINUTES = 5, 10
LABELS = {
    "name": gettext_lazy("Name"), "preparation_minutes": gettext_lazy("Preparation, minutes"),
    "numbing_minutes": gettext_lazy("Numbing, minutes"), "treatment_minutes": gettext_lazy("Treatment, minutes"),
    "cleanup_minutes": gettext_lazy("Clean-up, minutes"), "device_wipe_minutes": gettext_lazy("Device wipe-down, minutes"),
    "is_active": gettext_lazy("Offered"), "is_public": gettext_lazy("Patients may ask for it online"),
}  # fmt: skip


@transaction.atomic
def ensure_default_services(*, by: Doer = SYSTEM) -> list[Service]:
    """Add the services that are missing, known by their code, and return them. Existing ones stay as they are.

    Consultation, allergy test, review, and one treatment for every indication of the catalogue in force that may be
    treated, or is allowed at a site; its minutes are those of the indication's first region. Names are English and can
    be changed."""
    check_doer(by, Permission.CHANGE_STAFF, None)
    known = set(Service.objects.values_list("code", flat=True))
    added = []
    allowed = frozenset(Enablement.objects.filter(ended_at=None).values_list("code", flat=True))
    for values in default_services(catalogue.in_force(), allowed):
        if values["code"] in known:
            continue
        service = Service.objects.create(**values)
        audit.record(by=by, action="service-added", sentence=f"added the service {service.name}", of=service,
                     detail=values)  # fmt: skip
        added.append(service)
    return added


def default_services(rules: Catalogue, allowed: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    for code, kind, name, minutes in UNGATED:
        yield {"code": code, "kind": kind, "name": name, "treatment_minutes": minutes}
    for indication in rules.indications.values():
        if (indication.status == Status.ON or indication.code in allowed) and indication.regions:
            yield {
                "code": indication.code, "kind": ServiceKind.TREATMENT, "indication": indication.code,
                "name": indication.name_in("en")[:LONGEST_NAME], "preparation_minutes": PREPARATION_MINUTES,
                "treatment_minutes": slot_minutes(indication.regions[:1], rules), "cleanup_minutes": CLEANUP_MINUTES,
            }  # fmt: skip


@transaction.atomic
def change_service(
    *, service: Service, seen_version: int, name: str, preparation_minutes: int, numbing_minutes: int,
    treatment_minutes: int, cleanup_minutes: int, device_wipe_minutes: int, is_active: bool, by: Doer,
    is_public: bool = False,
) -> Service:  # fmt: skip
    """Change name and minutes, or stop offering it. Appointments that are booked keep the time they were booked with.

    Services belong to the organisation: only a manager of all sites changes them. Raises `Stale` or `Refused`."""
    check_doer(by, Permission.CHANGE_STAFF, None)
    values: dict[str, Any] = {
        "name": name, "preparation_minutes": preparation_minutes, "numbing_minutes": numbing_minutes,
        "treatment_minutes": treatment_minutes, "cleanup_minutes": cleanup_minutes,
        "device_wipe_minutes": device_wipe_minutes, "is_active": is_active, "is_public": is_public,
    }  # fmt: skip
    held = Service.objects.select_for_update(no_key=True).get(pk=service.pk)
    changes = {field: [getattr(held, field), value] for field, value in values.items() if getattr(held, field) != value}
    if held.version != seen_version:
        raise Stale(
            _("Somebody else changed this service while you were typing. Compare, then save again."),
            theirs=[(str(LABELS[field]), _shown(now)) for field, (now, _wanted) in changes.items()],
        )
    _check_minutes(values)
    for field, value in values.items():
        setattr(held, field, value)
    held.save_if_unchanged(seen=seen_version, fields=list(values))
    audit.record(by=by, action="service-changed", sentence=f"changed the service {held.name}", of=held, detail=changes)
    return held


def _check_minutes(values: dict[str, Any]) -> None:
    if not LEAST_MINUTES <= values["treatment_minutes"] <= MOST_MINUTES:
        raise Refused(
            _("Between %(least)s and %(most)s minutes.") % {"least": LEAST_MINUTES, "most": MOST_MINUTES},
            field="treatment_minutes",
        )
    for field in ("preparation_minutes", "numbing_minutes", "cleanup_minutes", "device_wipe_minutes"):
        if not 0 <= values[field] <= MOST_SIDE_MINUTES:
            raise Refused(
                _("Between %(least)s and %(most)s minutes.") % {"least": 0, "most": MOST_SIDE_MINUTES}, field=field
            )


def _shown(value: object) -> str:
    return (_("yes") if value else _("no")) if isinstance(value, bool) else str(value)
