"""Allowing an `off` or `locked` entry at one site: by the medical lead, with a reason, as a row that is ended, never erased."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import SYSTEM, Doer
from clinic.errors import Refused
from clinic.models import Site
from clinic.permissions import check_doer
from protocols import catalogue, services
from protocols.choices import Status
from protocols.definitions import Catalogue, Delivery, Indication, Substance, Technique
from protocols.models import Enablement

WithStatus = Indication | Substance | Technique | Delivery


def entries_with_status(rules: Catalogue) -> Iterator[WithStatus]:
    """Everything that can be off, locked or withdrawn, in the order of the catalogue."""
    yield from rules.indications.values()
    yield from rules.substances.values()
    yield from rules.techniques.values()
    yield from rules.deliveries.values()


def entry_of(rules: Catalogue, code: str) -> WithStatus | None:
    return next((entry for entry in entries_with_status(rules) if entry.code == code), None)


def is_for_some(entry: WithStatus) -> bool:
    """In use for one sex only (“on for men”): off for everyone else, which the medical lead may allow for people who
    cannot become pregnant."""
    return isinstance(entry, Substance) and entry.status == Status.ON and bool(entry.allowed.sexes)


def refusal_to_enable(entry: WithStatus | None, site: Site) -> str:
    """Why this cannot be allowed at this site at all, in a sentence; empty when the medical lead may decide."""
    if entry is None:
        return _("There is no such entry in the catalogue in force.")
    if entry.status == Status.WITHDRAWN:
        return _("What is withdrawn can never be used again; it is kept for history only.")
    if site.country in getattr(entry, "never_in", ()):
        return _("Not allowed in this country (%(country)s), and nobody here can allow it.") % {"country": site.country}
    if entry.status == Status.ON and not is_for_some(entry):
        return _("This is in use everywhere already.")
    return ""


def counts(row: Enablement, entry: WithStatus | None, site: Site) -> bool:
    """Whether an open row still allows its entry here. What was off when it was allowed and is locked by now needs its
    legal basis first, and a basis holds for the country it was recorded for."""
    if row.ended_at is not None or (row.legal_basis and row.country != site.country):
        return False
    return entry is None or entry.status != Status.LOCKED or bool(row.legal_basis)


def allowed_at(site: Site, rules: Catalogue) -> frozenset[str]:
    """Codes of off or locked entries that the medical lead allows at this site now. One query."""
    rows = Enablement.objects.open_at(site)
    return frozenset(row.code for row in rows if counts(row, entry_of(rules, row.code), site))


@transaction.atomic
def enable(*, site: Site, code: str, reason: str, legal_basis: str, by: Doer) -> Enablement:
    """Allow an off entry here; a locked one only with the legal basis of the site's country, which is kept with it."""
    check_doer(by, Permission.APPROVE_CATALOGUE, site)
    held = Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    entry = entry_of(catalogue.in_force(), code)
    refusal = refusal_to_enable(entry, held)
    if refusal:
        raise Refused(refusal, field="code")
    if not reason.strip():
        raise Refused(_("Say why; it is kept and shown."), field="reason")
    if entry is not None and entry.status == Status.LOCKED and not legal_basis.strip():
        raise Refused(
            _("This entry is locked: name the law, approval or permit that allows it in %(country)s.")
            % {"country": held.country},
            field="legal_basis",
        )
    former = Enablement.objects.filter(site=held, code=code, ended_at=None).first()
    if former is not None and counts(former, entry, held):
        raise Refused(_("This is allowed here already."), field="code")
    if former is not None:  # it stopped counting by itself: it ends with the new one
        moved = former.legal_basis and former.country != held.country
        _close(former, _("The site's country changed.") if moved else _("The entry is locked by now."), by)
    enablement = Enablement.objects.create(
        site=held, code=code, reason=reason, legal_basis=legal_basis, country=held.country,
        enabled_by=cast("Any", by.user), enabled_at=timezone.now(),
    )  # fmt: skip
    if isinstance(entry, Indication):
        services.ensure_default_services(by=SYSTEM)
    audit.record(by=by, action="entry-enabled", sentence=f"allowed {code} at {held.name}", of=enablement, site=held,
                 detail={"code": code, "reason": reason, "legal_basis": legal_basis, "country": held.country})  # fmt: skip
    return enablement


@transaction.atomic
def end(*, enablement: Enablement, reason: str, by: Doer) -> Enablement:
    """From now on the entry is off or locked here again; plans with it are refused at the next check."""
    check_doer(by, Permission.APPROVE_CATALOGUE, enablement.site)
    held = Enablement.objects.select_for_update(no_key=True, of=("self",)).select_related("site").get(pk=enablement.pk)
    if held.ended_at is not None:
        raise Refused(_("This was ended already."))
    if not reason.strip():
        raise Refused(_("Say why; it is kept and shown."), field="reason")
    _close(held, reason, by)
    audit.record(by=by, action="entry-enabling-ended", sentence=f"no longer allows {held.code} at {held.site.name}",
                 of=held, site=held.site, detail={"code": held.code, "reason": reason})  # fmt: skip
    return held


def _close(enablement: Enablement, reason: str, by: Doer) -> None:
    enablement.ended_at, enablement.ended_by, enablement.end_reason = timezone.now(), by.user, reason
    enablement.save(update_fields=["ended_at", "ended_by", "end_reason"])
