"""Lots of the current site: what is in date, what ends soon, what is held back; receiving and holding back."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import form_page
from clinic.http import StaffRequest
from clinic.permissions import requires
from patients.views.common import here
from protocols import catalogue
from sessions import stock as stock_verbs
from sessions.forms.stock import HoldBackForm, ReceiveForm
from sessions.models import Lot
from sessions.stock_page import shown_lots


@requires(Permission.SEE_STOCK)
@require_safe
def stock(request: StaffRequest) -> HttpResponse:
    """All lots of the site, nearest expiry first within each substance; `q` looks in product, maker and number."""
    site = here(request)
    typed = request.GET.get("q", "").strip()[:80].replace("\x00", "")
    rows = shown_lots(Lot.objects.filter(site=site).matching(typed), catalogue.in_force(), site.today())
    return render(request, "stock/stock.html", {"rows": rows, "typed": typed})


@requires(Permission.CHANGE_STOCK)
@require_http_methods(["GET", "POST"])
def stock_receive(request: StaffRequest) -> HttpResponse:
    site = here(request)
    form = ReceiveForm(request.POST or None, rules=catalogue.in_force())
    return form_page(
        request, form, title=_("Receive a lot"), act=_("Receive"), back=reverse("stock"), lead=site.name,
        deed=lambda data: stock_verbs.receive(
            site=site, substance=data["substance"], product=data["product"], maker=data["maker"],
            lot_number=data["lot_number"], expires_on=data["expires_on"], amount_ml=data["amount_ml"],
            strength=data["strength"], strength_unit=form.strength_unit(),
            preservative_free=data["preservative_free"], by=doer_of(request),
        ),
    )  # fmt: skip


@requires(Permission.CHANGE_STOCK)
@require_http_methods(["GET", "POST"])
def stock_hold_back(request: StaffRequest, public_id: str) -> HttpResponse:
    lot = get_object_or_404(Lot, public_id=public_id, site=here(request))
    form = HoldBackForm(request.POST or None, seen_version=lot.version, initial={"reason": lot.held_back_reason})
    return form_page(
        request, form, title=_("Hold back or release"), act=_("Save"), back=reverse("stock"),
        lead=f"{lot.product}, {lot.lot_number}",
        deed=lambda data: stock_verbs.hold_back(
            lot=lot, seen_version=data["seen_version"], reason=data["reason"], by=doer_of(request)
        ),
        version_now=lambda: Lot.objects.only("version").get(pk=lot.pk).version,
    )  # fmt: skip
