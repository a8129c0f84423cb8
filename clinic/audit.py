"""The only writer of audit rows. A verb calls `record` inside its own transaction, where the reader sees it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from clinic.doer import Doer
from clinic.models import AuditEvent
from clinic.models.audit import Logged
from clinic.prepared import PreparedRows

CANONICAL = DjangoJSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
NEW_DEEDS = PreparedRows(AuditEvent)


def canonical(value: Any) -> bytes:
    """The same bytes for the same value, whatever the order of its keys."""
    return CANONICAL.encode(value).encode()


def seal(event: Logged, *fixed: str) -> None:
    """Fill the two digests: over what may lawfully be redacted, and over the fixed columns plus that first digest."""
    event.detail_digest = hashlib.sha256(canonical([event.doer_label, event.detail])).digest()
    columns = [event.at.isoformat(), event.doer_kind, event.doer_public_id, event.site_public_id, event.patient_public_id,
               event.object_kind, event.object_public_id, *fixed, event.detail_digest.hex()]  # fmt: skip
    event.digest = hashlib.sha256(canonical(columns)).digest()


def deed(
    *,
    by: Doer,
    action: str,
    sentence: str,
    of: models.Model,
    patient: Any = None,
    site: Any = None,
    detail: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """One deed, sealed but not written yet. `of` is the thing it was done to, `patient` whose it is, `detail` what changed (JSON
    values)."""
    place = site or by.site
    event = AuditEvent(
        at=timezone.now(),
        doer_kind=by.kind,
        doer_public_id=by.public_id,
        doer_label=by.label,
        site_public_id=place.public_id if place else "",
        patient_public_id=patient.public_id if patient else "",
        object_kind=of._meta.model_name or "",
        object_public_id=getattr(of, "public_id", ""),
        action=action,
        sentence=sentence[:200],
        detail=json.loads(canonical(dict(detail or {}))),
    )
    seal(event, action, event.sentence)
    return event


def record(
    *,
    by: Doer,
    action: str,
    sentence: str,
    of: models.Model,
    patient: Any = None,
    site: Any = None,
    detail: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Write one deed, as `deed` says."""
    event = deed(by=by, action=action, sentence=sentence, of=of, patient=patient, site=site, detail=detail)
    event.save(force_insert=True)
    return event


def record_all(deeds: Iterable[AuditEvent]) -> None:
    """Write many deeds at once."""
    NEW_DEEDS.insert(deeds)
