"""What tests do with a draft of the catalogue: change an entry as its form does, put it in force, send a form untouched."""

from __future__ import annotations

from django.test import Client

from clinic.doer import Doer
from clinic.models import User
from protocols import editing, versions
from protocols.models import CatalogueEntry, CatalogueVersion


def change(draft: CatalogueVersion, code: str, by: User, *, reason: str = "", **values: object) -> CatalogueEntry:
    """Save one entry as the form does; double underscores stand for the dots of a path."""
    entry = draft.entries.get(code=code)
    return editing.save_entry(
        version=draft, code=code, values={path.replace("__", "."): value for path, value in values.items()},
        reason=reason, seen_edits=entry.edits, by=Doer.staff(by),
    )  # fmt: skip


def in_force(draft: CatalogueVersion, by: User) -> CatalogueVersion:
    """Approve, look at the impact, publish."""
    doer = Doer.staff(by)
    draft.refresh_from_db()
    versions.approve(version=draft, seen_version=draft.version, by=doer)
    draft.refresh_from_db()
    versions.mark_impact_seen(version=draft, by=doer)
    draft.refresh_from_db()
    return versions.publish(version=draft, seen_version=draft.version, by=doer)


def form_values(client: Client, page: str) -> dict[str, object]:
    """What the form of a page sends when nobody touches it."""
    form = client.get(page).context["form"]
    return {name: form[name].value() for name in form.fields
            if form[name].value() not in (None, []) and form[name].value() is not False and name != "seen_version"} | {
                "seen_version": form["seen_version"].value()}  # fmt: skip
