"""The staff list, inviting, roles, and the page an invitation leads to."""
from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import access_log, ground, inviting, staffing
from clinic.choices import Permission, Role
from clinic.errors import NotPermitted, Refused, Stale
from clinic.http import StaffRequest
from clinic.idempotency import once
from clinic.languages import STAFF
from clinic.models import Invitation, User
from clinic.office import staff_tabs
from clinic.permissions import public, requires
from clinic.staff_forms import FirstPasswordForm, InviteForm, MemberForm


@requires(Permission.SEE_STAFF)
@require_safe
def staff(request: StaffRequest) -> HttpResponse:
    typed = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    role = request.GET.get("role", "")
    found = User.objects.prefetch_related("roles__site").order_by("-is_active", "name")
    if typed:
        found = found.filter(name__icontains=typed) | found.filter(email__icontains=typed)
    if role in Role.values:
        found = found.filter(roles__role=role).distinct()
    context = {
        "members": found, "typed": typed, "role": role, "roles": Role.choices,
        "may_change": Permission.CHANGE_STAFF in request.permissions, "tabs": staff_tabs("staff", request),
    }  # fmt: skip
    return render(request, "clinic/staff.html", context)


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def staff_invite(request: StaffRequest) -> HttpResponse:
    form = InviteForm(request.POST or None, initial={"language": request.user.language})
    if request.method == "GET":
        return render(request, "clinic/staff_invite.html", {"form": form})
    if form.is_valid():
        try:
            with once(request) as attempt:
                if attempt.answer:
                    return redirect(attempt.answer)
                invitation, token = inviting.invite(
                    email=form.cleaned_data["email"], name=form.cleaned_data["name"], roles=form.chosen_roles,
                    language=form.cleaned_data["language"], by=access_log.doer_of(request),
                )  # fmt: skip
                answer = attempt.leads_to(reverse("staff"))
            tell_about_mail(request, invitation, token)
            return answer
        except Refused as refusal:
            form.refuse(refusal)
    return render(request, "clinic/staff_invite.html", {"form": form}, status=422)


@requires(Permission.CHANGE_STAFF)
@require_POST
def staff_invite_again(request: StaffRequest, public_id: str) -> HttpResponse:
    member = get_object_or_404(User, public_id=public_id)
    try:
        invitation, token = inviting.invite_again(user=member, by=access_log.doer_of(request))
    except NotPermitted:
        raise
    except Refused as refusal:
        messages.warning(request, refusal.sentence)
        return redirect("staff")
    tell_about_mail(request, invitation, token)
    return redirect("staff")


def tell_about_mail(request: StaffRequest, invitation: Invitation, token: str) -> None:
    if inviting.mail_invitation(invitation, token):
        messages.success(request, _("The invitation is on its way to %(email)s.") % {"email": invitation.user.email})
    else:
        messages.warning(
            request, _("The mail server did not take the invitation. The person is listed: use “Invite again” later.")
        )


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def staff_edit(request: StaffRequest, public_id: str) -> HttpResponse:
    member = get_object_or_404(User, public_id=public_id)
    if request.method == "GET":
        form = MemberForm(seen_version=member.version, initial=MemberForm.initial_of(member))
        return render(request, "clinic/staff_edit.html", {"form": form, "member": member})
    form = MemberForm(request.POST, seen_version=member.version)
    status, theirs = 422, ()
    if form.is_valid():
        try:
            with once(request) as attempt:
                if attempt.answer:
                    return redirect(attempt.answer)
                chosen = {name: form.cleaned_data[name] for name in
                          ("name", "language", "licence_number", "licence_valid_until", "licence_country", "is_active",
                           "seen_version")}  # fmt: skip
                staffing.amend_member(
                    member=member, roles=form.chosen_roles, by=access_log.doer_of(request), **chosen
                )
                messages.success(request, _("Saved."))
                return attempt.leads_to(ground.next_page(person=member) or reverse("staff"))
        except Stale as stale:
            form.refuse(stale)
            form.see_again(User.objects.get(pk=member.pk).version)
            status, theirs = 409, stale.theirs  # type: ignore[assignment]
        except Refused as refusal:
            form.refuse(refusal)
    return render(request, "clinic/staff_edit.html", {"form": form, "member": member, "theirs": theirs}, status=status)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: StaffRequest, token: str) -> HttpResponse:
    """Set the first password and come in. Opening changes nothing; a dead link says so and no more."""
    found = inviting.open_invitation(token)
    if found is None:
        return render(request, "clinic/invitation_dead.html", status=404)
    if request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) not in STAFF:
        translation.activate(found.user.language)
    form = FirstPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = inviting.accept(token=token, password=form.cleaned_data["password"])
        except ValidationError as weak:
            form.add_error("password", weak)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            login(request, user, backend="clinic.signin.StaffBackend")
            return redirect(settings.LOGIN_REDIRECT_URL)
    status = 422 if request.method == "POST" else 200
    return render(request, "clinic/invitation.html", {"form": form, "member": found.user}, status=status)
