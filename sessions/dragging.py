"""Whether somebody's calendar lets appointments be dragged: their own choice, kept with them on every screen."""
from __future__ import annotations

from django.db import transaction
from django.db.models import F

from clinic import audit
from clinic.doer import Doer
from clinic.errors import NotPermitted
from clinic.models import User


@transaction.atomic
def set_lock(*, locked: bool, by: Doer) -> None:
    """Lock or free dragging for the doer. The same again changes nothing."""
    if by.user is None:
        raise NotPermitted("Dragging belongs to staff.")
    changed = User.objects.filter(pk=by.user.pk).exclude(drag_locked=locked)
    if changed.update(drag_locked=locked, version=F("version") + 1):
        by.user.drag_locked = locked
        audit.record(
            by=by, action="dragging-locked" if locked else "dragging-freed",
            sentence="locked dragging in the calendar" if locked else "freed dragging in the calendar", of=by.user,
        )  # fmt: skip
