"""Lots of the current site: what is in date, what ends soon, what is held back; receiving and holding back."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.errors import Refused
from clinic.idempotency import once
from clinic.permissions import requires
from protocols import catalogue
from sessions import stock as stock_verbs
from sessions.forms.stock import HoldBackForm, ReceiveForm
from sessions.models import Lot

SOON_DAYS = 30


def pill_of(lot: Lot, today: dt.date) -> tuple[str, str]:
    if lot.held_back_reason:
        return "danger", _("Held back")
    if lot.expires_on < today:
        return "danger", _("Expired")
    if lot.balance_ml == 0:
        return "neutral", _("Used up")
    if lot.expires_on <= today + dt.timedelta(days=SOON_DAYS):
        return "caution", _("Ends soon")
    return "ok", _("In date")


@requires(Permission.SEE_STOCK)
@require_safe
def stock(request: HttpRequest) -> HttpResponse:
    """All lots of the site, nearest expiry first within each substance; `q` looks in product, maker and number."""
    rules = catalogue.in_force()
    language = get_language() or "en"
    site = request.site  # type: ignore[attr-defined]
    typed = request.GET.get("q", "").strip()[:80].replace("\x00", "")
    lots = Lot.objects.filter(site=site)
    if typed:
        lots = lots.filter(Q(product__icontains=typed) | Q(maker__icontains=typed) | Q(lot_number__icontains=typed))
    today = site.today()
    rows = [
        (lot, rules.substances[lot.substance].name_in(language) if lot.substance in rules.substances else lot.substance,
         *pill_of(lot, today))
        for lot in lots[:300]
    ]  # fmt: skip
    return render(request, "stock/stock.html", {"rows": rows, "typed": typed})


@requires(Permission.CHANGE_STOCK)
@require_http_methods(["GET", "POST"])
def stock_receive(request: HttpRequest) -> HttpResponse:
    rules = catalogue.in_force()
    form = ReceiveForm(request.POST or None, rules=rules)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            try:
                with once(request) as attempt:
                    if attempt.answer:
                        return redirect(attempt.answer)
                    stock_verbs.receive(
                        site=request.site, substance=data["substance"], product=data["product"], maker=data["maker"],  # type: ignore[attr-defined]
                        lot_number=data["lot_number"], expires_on=data["expires_on"], amount_ml=data["amount_ml"],
                        strength=data["strength"], strength_unit=form.strength_unit(),
                        preservative_free=data["preservative_free"], by=doer_of(request),
                    )  # fmt: skip
                    return attempt.leads_to(reverse("stock"))
            except Refused as refusal:
                form.refuse(refusal)
    context = {"form": form, "title": _("Receive a lot"), "act": _("Receive")}
    return render(request, "stock/form.html", context, status=status)


@requires(Permission.CHANGE_STOCK)
@require_http_methods(["GET", "POST"])
def stock_hold_back(request: HttpRequest, public_id: str) -> HttpResponse:
    lot = get_object_or_404(Lot, public_id=public_id, site=request.site)  # type: ignore[attr-defined]
    form = HoldBackForm(request.POST or None, initial={"reason": lot.held_back_reason})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                with once(request) as attempt:
                    if attempt.answer:
                        return redirect(attempt.answer)
                    stock_verbs.hold_back(lot=lot, reason=form.cleaned_data["reason"], by=doer_of(request))
                    return attempt.leads_to(reverse("stock"))
            except Refused as refusal:
                form.refuse(refusal)
    context = {"form": form, "title": _("Hold back or release"), "act": _("Save"), "lot": lot}
    return render(request, "stock/form.html", context, status=status)
