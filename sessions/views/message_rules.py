"""Message rules: all kinds, one rule, its timing, its words with preview and test; to see for staff, to change for managers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from csp.constants import SELF
from csp.decorators import csp_update
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import access_log
from clinic.access_log import doer_of
from clinic.choices import Permission
from clinic.deeds import INVALID, act_page, carry_out, form_page
from clinic.errors import Refused
from clinic.http import StaffRequest
from clinic.languages import NAMES, direction
from clinic.models import Site
from clinic.office import staff_tabs
from clinic.permissions import may, requires
from sessions import message_rules_page as shown
from sessions import previewing, ruling, testing_mails
from sessions.forms.message_rules import EndForm, PreviewForm, RuleForm, ScopeForm, WordsForm
from sessions.message_places import PLACES, may_be_off
from sessions.message_texts import KINDS
from sessions.models import Message, MessageRule
from sessions.own_words import Words
from sessions.rule_following import Effect
from sessions.ruling import Wish
from sessions.views.messages import MAIL_POLICY

FRAMED = csp_update({"frame-src": [SELF]})


# --- to see ---------------------------------------------------------------------------------------------------------
@requires(Permission.SEE_STAFF)
@require_safe
def mail_rules(request: StaffRequest) -> HttpResponse:
    context = {"lines": shown.lines(), "tabs": staff_tabs("mail-rules", request)}
    return render(request, "message_rules/rules.html", context)


@FRAMED
@requires(Permission.SEE_STAFF)
@require_safe
def mail_rule(request: StaffRequest, mail_kind: str, where: str) -> HttpResponse:
    """One rule: whether, when, the text of every language with its preview, and who changed what."""
    rule, rows = find(mail_kind, where)
    language, wider = chosen_language(request), shown.wider_than(rule, rows)
    context = head(rule, rows) | {
        "texts": shown.texts_of(rule, wider),
        "versions": shown.versions_of(rule),
        "timing": shown.timing_of(rule, wider),
        "sent": shown.sent_lines(rule, rows),
        "may_change": may(request.user, Permission.CHANGE_STAFF, rule.site),
        "effect": shown.effect_in_words(
            Effect(rule.followed_changed, rule.followed_added, rule.followed_withdrawn)
        ) if rule.version > 1 else [],
        "language": language, "language_name": NAMES[language], "end_form": EndForm(rule=rule, auto_id=False),
        "scheme": PreviewForm(request.GET).scheme,
    }  # fmt: skip
    return render(request, "message_rules/rule.html", context)


@xframe_options_sameorigin
@requires(Permission.SEE_STAFF)
@require_safe
def mail_rule_mail(request: StaffRequest, mail_kind: str, where: str, language: str) -> HttpResponse:
    """The mail as it is now, with invented data; for the frame."""
    rule, rows = find(mail_kind, where)
    check_language(language)
    chain = [rule, *shown.wider_than(rule, rows)]
    stored = next((row.words[language] for row in chain if language in row.words), None)
    return show_mail(request, rule, language, Words.of(stored) if stored else None, PreviewForm(request.GET))


# --- to change ------------------------------------------------------------------------------------------------------
@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def mail_rule_change(request: StaffRequest, mail_kind: str, where: str) -> HttpResponse:
    """Whether it is sent, and when. What that does to unsent messages is counted before it is saved."""
    rule, rows = find(mail_kind, where)
    wider = shown.wider_than(rule, rows)
    form = RuleForm(request.POST or None, rule=rule, inherited=shown.inherited_figures(rule, wider))
    more = head(rule, rows) | {"may_be_off": may_be_off(mail_kind), "has_timing": shown.has_timing(mail_kind)}
    return look_then_save(request, form, rule=rule, template="message_rules/change.html", more=more)


@FRAMED
@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def mail_rule_words(request: StaffRequest, mail_kind: str, where: str, language: str) -> HttpResponse:
    rule, rows = find(mail_kind, where)
    check_language(language)
    if request.method == "POST" and "shipped" in request.POST:
        return give_words_back(request, rule, language)
    form = words_form(request, rule, rows, language)
    more = words_context(request, rule, rows, language)
    return look_then_save(request, form, rule=rule, template="message_rules/words.html", more=more)


def words_context(
    request: StaffRequest, rule: MessageRule, rows: Sequence[MessageRule], language: str
) -> dict[str, Any]:
    places = PLACES[rule.kind]
    return head(rule, rows) | {
        "language": language, "language_name": NAMES[language], "direction": direction(language),
        "is_own": language in rule.words, "whose": shown.whose_words(rule, rows, language),
        "chosen": PreviewForm(request.POST or None).real,
        "allowed": {part: " ".join(f"{{{name}}}" for name in places.allowed(part)) for part in ("subject", "lead", "text")},
        "choices": previewing.real_choices(rule.kind, user=request.user, site=request.site),
    }  # fmt: skip


@xframe_options_sameorigin
@requires(Permission.CHANGE_STAFF)
@require_POST
def mail_rule_preview(request: StaffRequest, mail_kind: str, where: str, language: str) -> HttpResponse:
    """What is typed, as the patient would see it; for the frame beside the form."""
    rule, rows = find(mail_kind, where)
    check_language(language)
    form = words_form(request, rule, rows, language)
    if not form.is_valid():
        faults = [error for field in form for error in field.errors]
        return in_frame(request, "message_rules/framed/not_yet.html", {"faults": faults}, status=422)
    return show_mail(request, rule, language, form.words(), PreviewForm(request.POST))


@FRAMED
@requires(Permission.CHANGE_STAFF)
@require_POST
def mail_rule_test(request: StaffRequest, mail_kind: str, where: str, language: str) -> HttpResponse:
    """What is typed, as a mail to oneself; what was typed stays on the page. Two presses at once are one test."""
    rule, rows = find(mail_kind, where)
    check_language(language)
    form = words_form(request, rule, rows, language)
    status = 422
    if form.is_valid():
        try:
            testing_mails.send_test(
                kind=mail_kind, language=language, site=site_for(request, rule), words=form.words(), by=doer_of(request),
                real=real_behind(request, rule, PreviewForm(request.POST)),
            )  # fmt: skip
            messages.success(request, _("A test is on its way to %(address)s.") % {"address": request.user.email})
            status = 200
        except Refused as refusal:
            form.refuse(refusal)
    form.forget()
    context = words_context(request, rule, rows, language) | {"form": form, "theirs": (), "effect": None}
    return render(request, "message_rules/words.html", context, status=status)


@requires(Permission.CHANGE_STAFF)
@require_http_methods(["GET", "POST"])
def mail_rule_new(request: StaffRequest, mail_kind: str) -> HttpResponse:
    """A rule of its own for a site or a protocol."""
    check_kind(mail_kind)
    form = ScopeForm(
        request.POST or None, sites=Site.objects.filter(pk__in=[site.pk for site in request.sites]).order_by("name"),
        language=shown.reader(request.user),
    )  # fmt: skip
    made: list[MessageRule] = []
    return form_page(
        request, form, title=_("Rule of its own"), lead=str(KINDS[mail_kind].label), act=_("Go on"),
        back=address_of(mail_kind, shown.EVERYWHERE),
        deed=lambda data: made.append(
            ruling.open_rule(kind=mail_kind, site=data["site"], indication=data["indication"], by=doer_of(request))
        ),
        next_page=lambda _data: address_of(mail_kind, made[0].public_id),
    )  # fmt: skip


@requires(Permission.CHANGE_STAFF)
@require_POST
def mail_rule_end(request: StaffRequest, mail_kind: str, where: str) -> HttpResponse:
    rule, _rows = find(mail_kind, where)
    return act_page(
        request, EndForm(request.POST, rule=rule), back=address_of(mail_kind, shown.EVERYWHERE),
        deed=lambda data: ruling.end_rule(rule=rule, seen_version=data["seen_version"], by=doer_of(request)),
    )  # fmt: skip


# --- shared ---------------------------------------------------------------------------------------------------------
def find(kind: str, where: str) -> tuple[MessageRule, list[MessageRule]]:
    """The rule an address names, and all rules of its kind. The rule for all need not be saved yet."""
    check_kind(kind)
    rows = list(MessageRule.objects.in_force().filter(kind=kind).select_related("site"))
    if where == shown.EVERYWHERE:
        return next((row for row in rows if row.everywhere), MessageRule(kind=kind)), rows
    rule = next((row for row in rows if row.public_id == where), None)
    if rule is None or rule.everywhere:
        raise Http404
    return rule, rows


def check_kind(kind: str) -> None:
    if kind not in PLACES:
        raise Http404


def check_language(language: str) -> None:
    if language not in NAMES:
        raise Http404


def chosen_language(request: StaffRequest) -> str:
    language = request.GET.get("language", "")
    return language if language in NAMES else shown.reader(request.user)


def address_of(kind: str, where: str) -> str:
    return reverse("mail-rule", args=[kind, where])


def where_of(rule: MessageRule) -> str:
    return shown.EVERYWHERE if rule.everywhere else rule.public_id


def head(rule: MessageRule, rows: Sequence[MessageRule]) -> dict[str, Any]:
    """What every page of a rule says at its top: the kind, for whom it holds, and the other rules of the kind."""
    scopes = [(shown.EVERYWHERE, _("Everywhere"))]
    scopes += [(row.public_id, shown.scope_of(row)) for row in rows if not row.everywhere]
    where = where_of(rule)
    return {
        "rule": rule, "kind": rule.kind, "where": where, "label": str(KINDS[rule.kind].label),
        "when": str(KINDS[rule.kind].when), "scope": shown.scope_of(rule), "may_be_off": may_be_off(rule.kind),
        "scopes": [
            {"label": label, "url": address_of(rule.kind, one), "active": one == where} for one, label in scopes
        ],
        "goes_before": [shown.with_state(row) for row in shown.goes_before(rule, rows)],
        "gives_way_to": [shown.with_state(row) for row in shown.gives_way_to(rule, rows)],
        "crumbs": [(_("Messages"), reverse("mail-rules")), (str(KINDS[rule.kind].label), address_of(rule.kind, where))],
        "back": address_of(rule.kind, where),
    }  # fmt: skip


def words_form(request: StaffRequest, rule: MessageRule, rows: Sequence[MessageRule], language: str) -> WordsForm:
    begin_with = shown.words_without(rule, rows, language)
    return WordsForm(request.POST or None, rule=rule, language=language, begin_with=begin_with)


def look_then_save(
    request: StaffRequest, form: RuleForm | WordsForm, *, rule: MessageRule, template: str, more: dict[str, Any]
) -> HttpResponse:
    """The first press shows what it would do to unsent messages, the second saves just that."""

    def show(form: Any, *, status: int = 200, theirs: Sequence[tuple[str, str]] = (), effect: Any = None) -> HttpResponse:
        if effect is None:
            form.forget()
        return render(request, template, {"form": form, "theirs": theirs, "effect": effect, **more}, status=status)

    if request.method == "POST" and form.is_valid() and not form.was_looked_at():
        try:
            effect = ruling.foresee(rule=rule, wish=form.wish())
        except Refused as refusal:
            form.refuse(refusal)
            return show(form, status=INVALID)
        form.look()
        return show(form, effect=shown.effect_in_words(effect))
    return carry_out(
        request, form, show=show, version_now=lambda: find(rule.kind, where_of(rule))[0].version,
        deed=lambda data: save(request, rule, form.wish(), seen_version=data["seen_version"]),
    )  # fmt: skip


def save(request: StaffRequest, rule: MessageRule, wish: Wish, *, seen_version: int) -> str:
    saved, effect = ruling.set_rule(rule=rule, seen_version=seen_version, wish=wish, by=doer_of(request))
    done = ", ".join(shown.effect_in_words(effect))
    if saved.is_followed:
        messages.success(request, _("Saved. %(done)s.") % {"done": done})
    else:
        messages.success(request, _("Saved. %(done)s: this goes on in the background.") % {"done": done})
    return address_of(saved.kind, where_of(saved))


def give_words_back(request: StaffRequest, rule: MessageRule, language: str) -> HttpResponse:
    """The shipped words again, in one press: what is shown then is known."""
    wish = Wish.of(rule).with_words(language, None)
    return act_page(
        request, EndForm(request.POST, rule=rule), back=address_of(rule.kind, where_of(rule)),
        deed=lambda data: save(request, rule, wish, seen_version=data["seen_version"]),
    )  # fmt: skip


def site_for(request: StaffRequest, rule: MessageRule) -> Site:
    """Whose address stands in a mail that is only shown. Before the first site is open, that of one being made."""
    site = rule.site or request.site or Site.objects.order_by("pk").first()
    if site is None:
        raise Refused(_("There is no site yet. Make one first: its name and address stand in every mail."))
    return site


def real_behind(request: StaffRequest, rule: MessageRule, preview: PreviewForm) -> Message | None:
    if not preview.real:
        return None
    real = previewing.find_real(rule.kind, preview.real, user=request.user, site=request.site)
    if real is not None:
        access_log.viewed(request, patient=real.patient, of=real.appointment)
    return real


def show_mail(
    request: StaffRequest, rule: MessageRule, language: str, words: Words | None, preview: PreviewForm
) -> HttpResponse:
    try:
        scheme, site = preview.scheme, site_for(request, rule)
    except Refused as refusal:
        return in_frame(request, "message_rules/framed/not_yet.html", {"faults": [refusal.sentence]}, status=INVALID)
    real = real_behind(request, rule, preview)
    mail = previewing.preview(
        rule.kind, language, site=real.site if real else site, words=words, real=real, scheme=scheme if scheme != "text" else ""
    )
    if scheme == "text":
        context = {"mail": mail, "language": language, "direction": direction(language)}
        return in_frame(request, "message_rules/framed/plain.html", context)
    return HttpResponse(mail.html, headers={"Content-Security-Policy": MAIL_POLICY})


def in_frame(request: StaffRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    response = render(request, template, context, status=status)
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response

