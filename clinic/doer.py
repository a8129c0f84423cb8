"""Who does a deed: a member of staff, a patient by link, or the system itself. Every verb takes one as `by=`."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clinic.models import Site, User


@dataclass(frozen=True, slots=True)
class Doer:
    """`kind` is staff, patient or system; `public_id` the user's or patient's; `label` is what people read."""

    kind: str
    label: str
    public_id: str = ""
    user: User | None = field(default=None, compare=False)
    site: Site | None = field(default=None, compare=False)

    @classmethod
    def staff(cls, user: User, site: Site | None = None) -> Doer:
        return cls(kind="staff", label=user.name, public_id=user.public_id, user=user, site=site)

    @classmethod
    def patient(cls, public_id: str, label: str) -> Doer:
        return cls(kind="patient", label=label, public_id=public_id)


SYSTEM = Doer(kind="system", label="Mesoclinic")
