"""Keep letters and laboratory reports, withdraw wrong ones, give them out again. The bytes lie in private storage under
a random name; the row says whose they are, who brought them, when and for which rule."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.files.storage import Storage, storages
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused
from clinic.file_checking import CheckedFile
from clinic.permissions import check_may
from patients.models import Patient
from protocols import catalogue
from sessions.models import CheckIn, Upload, UploadKind
from sessions.standing_clearances import Standing, standing_of

FOLDER = "uploads"
CHECK_IN_FOLDER = "check-ins"
# Longer than any deed takes: a file younger than this may belong to a row that is just being written.
STRAY_AFTER = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NewFile:
    """A checked file with what a clinician says about it."""

    file: CheckedFile
    kind: str
    note: str = ""


def private_files() -> Storage:
    return storages["private"]


@transaction.atomic
def keep(*, patient: Patient, new: NewFile, rule_code: str = "", by: Doer) -> Upload:
    """Store the bytes and write whose they are. Raises `Refused` for a rule that does not exist."""
    user = by.user
    if user is None:
        raise Refused(_("Only staff can do this."))
    # The desk records consents; letters and laboratory reports are for clinicians.
    needed = Permission.CHANGE_PERSON if new.kind == UploadKind.CONSENT else Permission.CHANGE_CLINICAL
    check_may(user, needed, by.site or patient.registered_at)
    if rule_code and rule_code not in catalogue.in_force().rules:
        raise Refused(_("There is no such rule."), field="rule_code")
    token = secrets.token_hex(24)
    name = private_files().save(f"{FOLDER}/{token[:2]}/{token[2:]}", new.file.content)
    try:
        with transaction.atomic():
            upload = Upload.objects.create(
                patient=patient, kind=new.kind, rule_code=rule_code, note=new.note.strip(), original_name=new.file.name,
                content_type=new.file.content_type, size_bytes=new.file.size_bytes, sha256=new.file.sha256,
                pages=new.file.pages, width_px=new.file.width_px, height_px=new.file.height_px, storage_name=name,
                uploaded_by=user, uploaded_at=timezone.now(),
            )  # fmt: skip
            audit.record(
                by=by, action="upload-kept", sentence=f"added a {upload.kind}", of=upload, patient=patient,
                detail={"kind": upload.kind, "rule": rule_code, "type": upload.content_type,
                        "bytes": upload.size_bytes, "sha256": upload.sha256},
            )  # fmt: skip
    except BaseException:
        private_files().delete(name)  # without its row nobody would ever find it
        raise
    return upload


def check_withdrawable(upload: Upload) -> None:
    """Raise `Refused` with the sentence the page shows beside the closed button."""
    if upload.withdrawn_at is not None:
        raise Refused(_("This file was withdrawn already."))
    rests = [link.clearance for link in upload.clearances.select_related("clearance__course__site", "clearance__patient")]
    today = upload.patient.registered_at.today()
    standing = next((one for one in rests if standing_of(one, today) is Standing.VALID), None)
    if upload.consents.exists():
        raise Refused(_("A consent rests on this file; it stays with that consent."))
    if standing is not None:
        raise Refused(
            _("The clearance of %(rule)s rests on this file. End that clearance first.") % {"rule": standing.rule_code}
        )


@transaction.atomic
def withdraw(*, upload: Upload, reason: str, by: Doer) -> Upload:
    """The file belongs to somebody else, or is a wrong one. It stays in storage and in the history, and counts no more."""
    user = by.user
    if user is None:
        raise Refused(_("Only staff can do this."))
    check_may(user, Permission.CHANGE_CLINICAL, by.site or upload.patient.registered_at)
    if not reason.strip():
        raise Refused(_("Say why the file is withdrawn."), field="reason")
    rows = Upload.objects.select_for_update(of=("self",), no_key=True)
    locked = rows.select_related("patient__registered_at").get(pk=upload.pk)
    check_withdrawable(locked)
    locked.withdrawn_at, locked.withdrawn_by, locked.withdrawn_reason = timezone.now(), user, reason.strip()[:200]
    locked.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
    audit.record(
        by=by, action="upload-withdrawn", sentence=f"withdrew a {locked.kind}", of=locked, patient=locked.patient,
        detail={"reason": locked.withdrawn_reason},
    )  # fmt: skip
    return locked


def sweep_strays() -> int:
    """Delete files whose row never came to be, because the deed that brought them failed at its very end. Returns how
    many. Never touches a file with a row, withdrawn or not."""
    files = private_files()
    strays = list(_strays(files))
    for name in strays:
        files.delete(name)
    return len(strays)


def _strays(files: Storage) -> Iterator[str]:
    """Folder by folder, so that memory stays small whatever the number of files."""
    oldest = timezone.now() - STRAY_AFTER
    for root, rows in ((FOLDER, Upload.objects), (CHECK_IN_FOLDER, CheckIn.objects)):
        column = "storage_name" if root == FOLDER else "photo_name"
        for folder in files.listdir(root)[0] if files.exists(root) else ():
            place = f"{root}/{folder}/"
            known = set(rows.filter(**{f"{column}__startswith": place}).values_list(column, flat=True))
            for file in files.listdir(f"{root}/{folder}")[1]:
                if place + file not in known and files.get_modified_time(place + file) < oldest:
                    yield place + file


def bytes_of(upload: Upload) -> bytes:
    """The stored file, after a look at whether it is still what was stored. Raises `Refused`."""
    try:
        with private_files().open(upload.storage_name) as stored:
            content: bytes = stored.read()
    except OSError as lost:
        raise Refused(_("This file is not in the storage. Whoever runs the installation has to restore it.")) from lost
    if hashlib.sha256(content).hexdigest() != upload.sha256:
        raise Refused(_("The stored file is not what was added. Whoever runs the installation has to restore it."))
    return content
