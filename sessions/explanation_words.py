"""The fixed words of an explanation, on the screen turned to the patient and on paper alike.

They belong to a template version, as those of the other papers do (sessions.paper_words); what the rule itself says to
the patient stands in the catalogue (`explanation`, `advice`).
"""
from __future__ import annotations

from collections.abc import Mapping

from patients.choices import Text

EXPLANATION_VERSION = "explanation-1"

EXPLANATION: Mapping[str, Text] = {
    "document": Text.of(en="Explanation", tr="Açıklama"),
    "about": Text.of(en="About", tr="Konu"),
    "any_treatment": Text.of(en="Treatment with injections into the skin", tr="Deri içine enjeksiyonla tedavi"),
    "judged_for": Text.of(en="Looked at for", tr="Değerlendirilen gün"),
    "found": Text.of(en="What this is based on", tr="Bu neye dayanıyor"),
    "found_nothing": Text.of(en="On what stands in your record.", tr="Kaydınızda yazanlara."),
    "measured_on": Text.of(en="{value}, measured on {day}", tr="{value}, ölçüm günü: {day}"),
    "sum_born": Text.of(en="Your date of birth", tr="Doğum tarihiniz"),
    "an_event": Text.of(en="After an earlier session", tr="Önceki bir seanstan sonra"),
    "an_unheard_event": Text.of(en="what you told us about", tr="bize anlattığınız durum"),
    "was_unsure": Text.of(
        en="You were not sure about this, so we are careful until it is clear.",
        tr="Bundan emin değildiniz; netleşene kadar dikkatli davranıyoruz.",
    ),
    "why": Text.of(en="Why this matters", tr="Bu neden önemli"),
    "with": Text.of(en="{medicine} and {substances}", tr="{medicine} ve {substances}"),
    "changes": Text.of(en="What would change this", tr="Bunu ne değiştirir"),
    "now": Text.of(en="What to do now", tr="Şimdi ne yapmalı"),
    "reach_us": Text.of(en="Questions? Call us: {phone}", tr="Sorunuz mu var? Bizi arayın: {phone}"),
    "reach_us_here": Text.of(en="Questions? Ask us.", tr="Sorunuz mu var? Bize sorun."),
    "emergency": Text.of(en="In an emergency: {number}", tr="Acil durumda: {number}"),
    "source": Text.of(en="Where this rule comes from:", tr="Bu kuralın kaynağı:"),
    "rule": Text.of(en="Rule {code}, version {version}.", tr="Kural {code}, sürüm {version}."),
    "approved": Text.of(en="Approved by {who}, {day}.", tr="Onaylayan: {who}, {day}."),
    "default": Text.of(
        en="A general rule, not yet approved by this clinic's medical lead.",
        tr="Genel bir kural; bu kliniğin sorumlu hekimi tarafından henüz onaylanmadı.",
    ),
    # The headline: what follows from it, said to the patient.
    "is_blocked": Text.of(
        en="We do not offer you this treatment as things are.",
        tr="Şu anki durumda size bu tedaviyi uygulamıyoruz.",
    ),
    "is_blocked_with": Text.of(en="We do not use {substances} for you.", tr="Size {substances} uygulamıyoruz."),
    "is_needs-clearance": Text.of(
        en="A doctor has to look at this with you first.",
        tr="Önce bir hekimin bunu sizinle değerlendirmesi gerekiyor.",
    ),
    "is_wait_until": Text.of(en="Please wait until {day}.", tr="Lütfen {day} tarihine kadar bekleyin."),
    "is_wait": Text.of(en="We wait until this has healed or is clear.", tr="Bu iyileşene ya da netleşene kadar bekliyoruz."),
    "is_incomplete": Text.of(
        en="We still have to know something about this.", tr="Bu konuda hâlâ öğrenmemiz gereken bir şey var."
    ),
    "is_note": Text.of(
        en="We take this into account. It does not stand in the way of your treatment.",
        tr="Bunu dikkate alıyoruz. Tedavinize engel değil.",
    ),
    "is_cleared": Text.of(en="{who} has looked at this and agreed.", tr="{who} bunu değerlendirdi ve uygun buldu."),
    # What would change it, where the rule has no words of its own.
    "change_blocked": Text.of(
        en="It stays like this as long as your answer holds. If something about it changes, please tell us.",
        tr="Yanıtınız geçerli olduğu sürece böyle kalır. Bu konuda bir şey değişirse lütfen bize söyleyin.",
    ),
    "change_blocked_with": Text.of(
        en="A treatment without {substances} can be looked at anew.",
        tr="{substances} içermeyen bir tedavi yeniden değerlendirilebilir.",
    ),
    "change_blocked_plan": Text.of(
        en="Another treatment can be looked at anew.", tr="Başka bir tedavi yeniden değerlendirilebilir."
    ),
    "change_needs-clearance": Text.of(
        en="A doctor of this clinic looks at it with you and decides.",
        tr="Bu kliniğin bir hekimi bunu sizinle birlikte değerlendirir ve karar verir.",
    ),
    "change_letter": Text.of(en="For this we need {letter}.", tr="Bunun için gereken: {letter}."),
    "change_wait_until": Text.of(
        en="From {day} on this no longer stands in the way, if nothing new is added.",
        tr="Yeni bir durum eklenmezse {day} tarihinden itibaren bu bir engel olmaz.",
    ),
    "change_wait": Text.of(
        en="As soon as it has healed or is clear. There is no fixed day.",
        tr="İyileştiğinde ya da netleştiğinde. Belirli bir gün yok.",
    ),
    "change_incomplete": Text.of(en="As soon as we know more about it.", tr="Bu konuda daha fazlasını öğrendiğimizde."),
    "change_note": Text.of(en="Nothing has to change.", tr="Bir şeyin değişmesi gerekmiyor."),
    "change_cleared": Text.of(
        en="If something about it changes, please tell us.", tr="Bu konuda bir şey değişirse lütfen bize söyleyin."
    ),
    # What to do now, where the rule has no advice of its own.
    "do_blocked": Text.of(
        en="Please ask us which other treatment may be possible.",
        tr="Hangi başka tedavinin mümkün olabileceğini lütfen bize sorun.",
    ),
    "do_needs-clearance": Text.of(
        en="Please ask us whatever is not clear. We tell you what we need from you.",
        tr="Anlamadığınız her şeyi lütfen bize sorun. Sizden ne gerektiğini size söyleriz.",
    ),
    "do_wait": Text.of(
        en="If you have an appointment before then, please talk to us about another day.",
        tr="Daha önce bir randevunuz varsa başka bir gün için lütfen bizimle görüşün.",
    ),
    "do_incomplete": Text.of(en="Please tell us what you know about it.", tr="Bu konuda bildiklerinizi lütfen bize anlatın."),
    "do_note": Text.of(en="You do not have to do anything.", tr="Yapmanız gereken bir şey yok."),
}  # fmt: skip
