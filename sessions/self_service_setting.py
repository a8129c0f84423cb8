"""The manager or the medical lead sets what patients may change by themselves at a site, and what calendars may show."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from clinic import audit
from clinic.choices import Permission
from clinic.doer import Doer
from clinic.errors import Refused, Stale
from clinic.models import Site
from clinic.permissions import check_doer
from sessions.models.self_service import MOST_CUT_OFF_HOURS, SelfServiceRules


@transaction.atomic
def set_rules(
    *, site: Site, seen_version: int, moving_on: bool, cut_off_hours: int, any_practitioner: bool, feed_names: bool, by: Doer
) -> SelfServiceRules:
    """Save the rules of a site. Raises `Stale` when somebody else was faster, `Refused` beside the field."""
    check_doer(by, Permission.SET_SELF_SERVICE, site)
    if not 0 <= cut_off_hours <= MOST_CUT_OFF_HOURS:
        raise Refused(
            _("Between 0 and %(most)s hours.") % {"most": MOST_CUT_OFF_HOURS}, field="cut_off_hours"
        )
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    rules, _made = SelfServiceRules.objects.get_or_create(site=site)
    if rules.version != seen_version:
        raise Stale(_("Somebody else changed this while you were typing. Compare, then save again."))
    wanted = {
        "moving_on": moving_on, "cut_off_hours": cut_off_hours, "any_practitioner": any_practitioner,
        "feed_names": feed_names,
    }  # fmt: skip
    changes = {name: [getattr(rules, name), value] for name, value in wanted.items() if getattr(rules, name) != value}
    for name, value in wanted.items():
        setattr(rules, name, value)
    rules.save_if_unchanged(seen=seen_version, fields=list(wanted))
    audit.record(by=by, action="self-service-set", sentence=f"set what patients may do by themselves at {site.name}",
                 of=site, site=site, detail=changes)  # fmt: skip
    return rules
