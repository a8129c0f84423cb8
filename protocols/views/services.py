"""Everything that can be booked, with its minutes; managers change them."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import ground
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import form_page
from clinic.http import StaffRequest
from clinic.office import staff_tabs
from clinic.permissions import may, requires
from protocols import giving
from protocols import services as verbs
from protocols.models import Service
from protocols.service_forms import GiversForm, ServiceForm


@requires(Permission.SEE_STAFF)
@require_safe
def services(request: StaffRequest) -> HttpResponse:
    context = {
        "services": Service.objects.order_by("-is_active", "kind", "name"),
        "tabs": staff_tabs("services", request),
        "may_change": may(request.user, Permission.CHANGE_STAFF, None),
    }
    return render(request, "protocols/services.html", context)


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def service_edit(request: StaffRequest, public_id: str) -> HttpResponse:
    service = get_object_or_404(Service, public_id=public_id)
    form = ServiceForm(request.POST or None, seen_version=service.version, initial=ServiceForm.initial_of(service))
    return form_page(
        request, form, title=service.name, act=_("Save"), back=reverse("services"),
        lead=_("Appointments that are booked keep their time."),
        deed=lambda data: verbs.change_service(
            service=service, by=doer_of(request), seen_version=data["seen_version"],
            **{name: data[name] for name in verbs.LABELS},
        ),
        version_now=lambda: Service.objects.values_list("version", flat=True).get(pk=service.pk),
    )  # fmt: skip


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def service_people(request: StaffRequest, public_id: str) -> HttpResponse:
    """Who may give it, and where."""
    service = get_object_or_404(Service, public_id=public_id)
    form = GiversForm(request.POST or None, service=service)
    return form_page(
        request, form, title=_("Who gives it"), act=_("Save"), back=reverse("services"), lead=service.name,
        deed=lambda data: giving.set_givers(
            service=service, by=doer_of(request), seen_version=data["seen_version"], named_only=data["named_only"],
            givers=form.chosen,
        ),
        version_now=lambda: Service.objects.values_list("version", flat=True).get(pk=service.pk),
        next_page=lambda data: ground.next_page(service=service),
    )  # fmt: skip
