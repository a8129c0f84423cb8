"""The kinds of message, and every sentence of a mail in every language we write in.

Subjects and the first lines name no diagnosis and no treatment: they show on a locked phone. English and Turkish stand here,
the words of the other languages in locale/ (`clinic.code_words`); a test keeps every language complete.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from clinic import day_words
from clinic.languages import NAMES, spoken
from patients.choices import Text

LANGUAGES = tuple(NAMES)


@dataclass(frozen=True, slots=True)
class Kind:
    """`label` and `when` are for staff. `resent_alone`: one whose fate is unknown goes once more by itself; the others
    wait for a person. `visit`: it is about a visit to come, so cancelling withdraws it. `after`: it follows a treatment
    that was given. `optional`: the patient may do without it, by one click in the mail. Without a `subject` of its own
    a mail has the name and the words of its entry in the catalogue."""

    code: str
    label: Any
    when: Any
    resent_alone: bool
    subject: Text | None = None
    visit: bool = False
    after: bool = False
    stopped_by_block: bool = False
    optional: bool = False


CONFIRM, REMINDER, MOVED, CANCELLED = "msg-confirm", "msg-24h", "msg-moved", "msg-cancelled"
AFTERCARE, CHECK_IN, INTAKE, CONSENT = "msg-after-0", "msg-48h", "msg-intake", "msg-consent"
PREPARE, ALLERGY_TEST = "msg-prep-7d", "msg-allergy-test"
AFTER_4H, MAY_WASH, FIRST_DAY, LATE_LUMP = "msg-4h", "msg-15h", "msg-24h-after", "msg-ntm-6w"
NEXT, LATE, REVIEW_1M, REVIEW_6M = "msg-next", "msg-late", "msg-review-1m", "msg-review-6m"
PAPERS = "msg-papers"  # [dec], as the next ones: section 12 has no kind for what a patient asks of the clinic
DATA_ASKED, DATA_ANSWERED = "msg-data-asked", "msg-data-answered"
REQUEST = "msg-request"  # [dec]: section 12 has no kind for a visit that somebody outside has asked for
REQUEST_OFF = "msg-request-off"  # [dec]: nor for one that the clinic let go of before it was confirmed
ALERT = "msg-alert"  # to the clinic, not to a patient

KINDS: Mapping[str, Kind] = {
    kind.code: kind
    for kind in (
        Kind(
            CONFIRM, _("Booking confirmed"), _("at booking"), resent_alone=True, visit=True,
            subject=Text.of(en="Your appointment on {day}", tr="Randevunuz: {day}"),
        ),
        Kind(
            REMINDER, _("Reminder"), _("1 day before"), resent_alone=True, visit=True, stopped_by_block=True,
            subject=Text.of(en="Reminder: your appointment on {day}", tr="Hatırlatma: {day} randevunuz"),
        ),
        Kind(
            MOVED, _("Appointment moved"), _("after the change"), resent_alone=True, visit=True,
            subject=Text.of(en="Your appointment has moved to {day}", tr="Randevunuzun yeni tarihi: {day}"),
        ),
        Kind(
            CANCELLED, _("Appointment cancelled"), _("after the change"), resent_alone=True,
            subject=Text.of(en="Your appointment on {day} is cancelled", tr="{day} randevunuz iptal edildi"),
        ),
        Kind(
            PREPARE, _("Preparation"), _("7 days before"), resent_alone=True, visit=True, stopped_by_block=True,
        ),
        Kind(
            ALLERGY_TEST, _("Allergy test"), _("5 days before a new product"), resent_alone=True, visit=True,
            stopped_by_block=True,
        ),
        Kind(
            AFTERCARE, _("Aftercare sheet"), _("at the end of the visit"), resent_alone=True, after=True,
            subject=Text.of(en="Your instructions for the next days", tr="Önümüzdeki günler için önerileriniz"),
        ),
        Kind(
            CHECK_IN, _("Check-in"), _("48 h after the visit"), resent_alone=True, after=True,
            subject=Text.of(en="How are you?", tr="Nasılsınız?"),
        ),
        Kind(AFTER_4H, _("First evening"), _("4 h after the visit"), resent_alone=True, after=True, optional=True),
        Kind(MAY_WASH, _("Washing again"), _("when the dry time ends"), resent_alone=True, after=True, optional=True),
        Kind(FIRST_DAY, _("First day over"), _("24 h after the visit"), resent_alone=True, after=True, optional=True),
        Kind(LATE_LUMP, _("Late check"), _("4 or 6 weeks after the last visit"), resent_alone=True, after=True),
        Kind(NEXT, _("Time to book"), _("7 days before the next date"), resent_alone=False, stopped_by_block=True,
             optional=True),
        Kind(LATE, _("Overdue"), _("after the longest interval"), resent_alone=False, stopped_by_block=True, optional=True),
        Kind(REVIEW_1M, _("Review"), _("on the review date"), resent_alone=False, stopped_by_block=True, optional=True),
        Kind(REVIEW_6M, _("Long-term review"), _("on the review date"), resent_alone=False, stopped_by_block=True,
             optional=True),
        Kind(
            ALERT, _("Answer that needs somebody"), _("at once"), resent_alone=True,
            subject=Text.of(en="An answer needs you", tr="Bir yanıt sizi bekliyor"),
        ),
        Kind(
            INTAKE, _("Health questions"), _("on request"), resent_alone=False,
            subject=Text.of(en="Some questions before your visit", tr="Ziyaretinizden önce birkaç soru"),
        ),
        Kind(
            CONSENT, _("Consent to read and sign"), _("on request"), resent_alone=False,
            subject=Text.of(en="Something to read before your visit", tr="Ziyaretinizden önce okumanız için"),
        ),
        Kind(
            PAPERS, _("Papers to download"), _("on request"), resent_alone=False,
            subject=Text.of(en="Your papers are ready", tr="Belgeleriniz hazır"),
        ),
        Kind(
            DATA_ASKED, _("Request about data received"), _("at the request"), resent_alone=True,
            subject=Text.of(en="We have received your request", tr="İsteğinizi aldık"),
        ),
        Kind(
            DATA_ANSWERED, _("Request about data answered"), _("when it is settled"), resent_alone=True,
            subject=Text.of(en="The answer to your request", tr="İsteğinizin yanıtı"),
        ),
        Kind(
            REQUEST, _("Please confirm your request"), _("at an online request"), resent_alone=False,
            subject=Text.of(en="Please confirm your request", tr="Lütfen isteğinizi onaylayın"),
        ),
        Kind(
            REQUEST_OFF, _("Online request let go"), _("when the desk lets it go"), resent_alone=True,
            subject=Text.of(en="The time you asked for", tr="İstediğiniz saat hakkında"),
        ),
    )
}  # fmt: skip

SENTENCES: Mapping[str, Text] = {
    "hello": Text.of(en="Hello {name},", tr="Merhaba {name},"),
    "hello-all": Text.of(en="Hello,", tr="Merhaba,"),
    "expect": Text.of(en="we expect you on {day} at {time}.", tr="sizi {day} günü saat {time} için bekliyoruz."),
    "moved": Text.of(
        en="your appointment has moved. We now expect you on {day} at {time}.",
        tr="randevunuz değişti. Sizi artık {day} günü saat {time} için bekliyoruz.",
    ),
    "cancelled": Text.of(
        en="your appointment on {day} at {time} is cancelled. Please do not come at that time.",
        tr="{day} günü saat {time} randevunuz iptal edildi. Lütfen o saatte gelmeyin.",
    ),
    "call-for-new": Text.of(
        en="Call us if you would like another date, or if you did not expect this.",
        tr="Başka bir tarih isterseniz ya da bu iptali beklemiyorsanız bizi arayın.",
    ),
    "when": Text.of(en="When", tr="Ne zaman"),
    "where": Text.of(en="Where", tr="Nerede"),
    "phone": Text.of(en="Phone", tr="Telefon"),
    "zone-of": Text.of(en="{time} ({city} time)", tr="{time} ({city} saati)"),
    "bring": Text.of(
        en="Please bring a list of all medicines you take, also those you buy yourself.",
        tr="Lütfen kullandığınız tüm ilaçların listesini getirin; kendiniz aldıklarınız da dahil.",
    ),
    "consent": Text.of(
        en="You will be asked to read and sign a consent form. If you would like to read it at home first, tell us.",
        tr="Sizden bir onam formunu okuyup imzalamanız istenecek. Önce evde okumak isterseniz bize söyleyin.",
    ),
    "prepare": Text.of(
        en="Eat a light meal before you come, drink no alcohol and come without make-up.",
        tr="Gelmeden önce hafif bir şey yiyin, alkol almayın ve makyajsız gelin.",
    ),
    "changed": Text.of(
        en="If your health or your medicines have changed, or you may be pregnant, call us before you come.",
        tr="Sağlığınızda veya ilaçlarınızda bir değişiklik olduysa ya da hamile olabilirseniz gelmeden önce bizi "
        "arayın.",
    ),
    "after": Text.of(
        en="here is what to do after your visit on {day}. All times count from {time}.",
        tr="{day} tarihli ziyaretinizden sonra yapılması gerekenler aşağıda. Tüm süreler saat {time} itibarıyla "
        "sayılır.",
    ),
    "after-corrected": Text.of(
        en="we have corrected the end time of your visit on {day}. The times below count from {time} and replace the "
        "earlier ones.",
        tr="{day} tarihli ziyaretinizin bitiş saati düzeltildi. Aşağıdaki süreler saat {time} itibarıyla sayılır ve "
        "öncekilerin yerine geçer.",
    ),
    "must": Text.of(en="Important", tr="Önemli"),
    "should": Text.of(en="Recommended", tr="Önerilen"),
    "tip": Text.of(en="Good to know", tr="Bilmenizde yarar var"),
    "until": Text.of(en="Until {moment}", tr="Şu zamana kadar: {moment}"),
    "between": Text.of(en="From {start} until {moment}", tr="{start} ile {moment} arasında"),
    "from": Text.of(en="From {start}", tr="{start} itibarıyla"),
    "check-in": Text.of(
        en="two days have passed since your visit. We would like to know how you are.",
        tr="ziyaretinizin üzerinden iki gün geçti. Nasıl olduğunuzu bilmek isteriz.",
    ),
    "check-in-well": Text.of(
        en="If all is well you need do nothing. If anything worries you, call us on {phone}.",
        tr="Her şey yolundaysa bir şey yapmanız gerekmez. Sizi endişelendiren bir şey varsa {phone} numarasından bizi "
        "arayın.",
    ),
    "about-visit": Text.of(en="a word about your visit on {day}.", tr="{day} tarihli ziyaretiniz hakkında kısa bir bilgi."),
    "still-on": Text.of(en="What still holds", tr="Hâlâ geçerli olanlar"),
    "lump-asked": Text.of(
        en="some weeks have passed since your visit on {day}, and we have one question.",
        tr="{day} tarihli ziyaretinizin üzerinden birkaç hafta geçti; size bir sorumuz var.",
    ),
    "lump-call": Text.of(
        en="If so, call us on {phone}, even if it does not hurt. If not, you need do nothing.",
        tr="Varsa ağrımasa bile {phone} numarasından bizi arayın. Yoksa bir şey yapmanız gerekmez.",
    ),
    "test-for": Text.of(
        en="the test for your visit on {day} is due.", tr="{day} günkü ziyaretiniz için yapılacak testin zamanı geldi.",
    ),
    "test-days": Text.of(en="Days for the test", tr="Test için uygun günler"),
    "test-call": Text.of(
        en="Call us on {phone} to agree on a time.", tr="Saat kararlaştırmak için {phone} numarasından bizi arayın.",
    ),
    "from-to": Text.of(en="{first} to {last}", tr="{first} – {last}"),
    "next-due": Text.of(en="your next visit is due around {day}.", tr="bir sonraki ziyaretinizin zamanı yaklaşıyor: {day}."),
    "next-window": Text.of(en="Possible days", tr="Uygun günler"),
    "from-on": Text.of(en="from {first} on", tr="{first} gününden itibaren"),
    "late-since": Text.of(
        en="your next visit was due by {day}, and nothing is booked yet.",
        tr="bir sonraki ziyaretinizin son günü {day} idi ve henüz randevunuz yok.",
    ),
    "review-due": Text.of(en="your review is due: {day}.", tr="kontrol zamanınız geldi: {day}."),
    "book-by-call": Text.of(en="Call us on {phone} to book.", tr="Randevu için {phone} numarasından bizi arayın."),
    "fewer-mails": Text.of(
        en="You may do without this kind of mail; mails about your visits and your safety go on.",
        tr="Bu tür e-postaları almak istemeyebilirsiniz; ziyaretleriniz ve güvenliğinizle ilgili e-postalar sürer.",
    ),
    "stop-these": Text.of(en="Stop mails of this kind", tr="Bu tür e-postaları durdur"),
    "answer-mail": Text.of(
        en="You may also answer this mail; it is read in opening hours only.",
        tr="Bu e-postayı da yanıtlayabilirsiniz; yalnızca çalışma saatlerinde okunur.",
    ),
    "consent-read": Text.of(
        en="please read this text at home, at least a day before your first session. Ask us whatever is not clear. You can "
        "sign it there or with us.",
        tr="lütfen bu metni ilk seansınızdan en az bir gün önce evde okuyun. Anlamadığınız her şeyi bize sorun. Orada ya da "
        "klinikte imzalayabilirsiniz.",
    ),
    "papers": Text.of(
        en="your papers are ready. You can read and keep them on your page.",
        tr="belgeleriniz hazır. Sayfanızda okuyabilir ve saklayabilirsiniz.",
    ),
    "open-papers": Text.of(en="Open my papers", tr="Belgelerimi aç"),
    "asked-copy": Text.of(
        en="you asked for a copy of your data. We answer by {day} at the latest.",
        tr="verilerinizin bir kopyasını istediniz. En geç {day} tarihine kadar yanıt veririz.",
    ),
    "asked-erase": Text.of(
        en="you asked us to delete your data. We answer by {day} at the latest.",
        tr="verilerinizin silinmesini istediniz. En geç {day} tarihine kadar yanıt veririz.",
    ),
    "asked-erase-law": Text.of(
        en="The law obliges us to keep medical records for some years; what it obliges us to keep is not deleted before.",
        tr="Yasa, tıbbi kayıtları yıllarca saklamamızı zorunlu kılar; saklamak zorunda olduklarımız bundan önce silinmez.",
    ),
    "asked-not-you": Text.of(
        en="If you did not ask for this, call us on {phone}.", tr="Bunu siz istemediyseniz {phone} numarasından bizi arayın.",
    ),
    "answer-copy-done": Text.of(
        en="we have settled your request for a copy of your data of {day}.",
        tr="{day} tarihli veri kopyası isteğinizi yerine getirdik.",
    ),
    "answer-copy-refused": Text.of(
        en="we cannot grant your request for a copy of your data of {day}.",
        tr="{day} tarihli veri kopyası isteğinizi yerine getiremiyoruz.",
    ),
    "answer-erase-done": Text.of(
        en="we have settled your request of {day} to delete your data.",
        tr="{day} tarihli veri silme isteğinizi yerine getirdik.",
    ),
    "answer-erase-refused": Text.of(
        en="we cannot grant your request of {day} to delete your data.",
        tr="{day} tarihli veri silme isteğinizi yerine getiremiyoruz.",
    ),
    "answer-reason": Text.of(en="What we did, or why not", tr="Yaptıklarımız ya da nedeni"),
    "answer-complain": Text.of(
        en="If you do not agree, tell us. You may also complain to the data protection authority of your country.",
        tr="Aynı görüşte değilseniz bize bildirin. Ülkenizin veri koruma kurumuna da başvurabilirsiniz.",
    ),
    "open-changes": Text.of(en="Has your health changed?", tr="Sağlığınızda değişiklik var mı?"),
    "own-data": Text.of(en="Your mails, consents and data", tr="E-postalarınız, onamlarınız ve verileriniz"),
    "open-consent": Text.of(en="Read the text", tr="Metni oku"),
    "intake": Text.of(
        en="please answer our questions before your visit. It takes about ten minutes; you can stop and go on later.",
        tr="ziyaretinizden önce lütfen sorularımızı yanıtlayın. Yaklaşık on dakika sürer; ara verip sonra devam "
        "edebilirsiniz.",
    ),
    "intake-safe": Text.of(
        en="The page asks for your birth date first. The link works until {day} and is for you alone: do not pass it "
        "on.",
        tr="Sayfa önce doğum tarihinizi sorar. Bağlantı {day} tarihine kadar geçerlidir ve yalnızca size özeldir: "
        "başkasına iletmeyin.",
    ),
    "request": Text.of(
        en="you asked for a visit on {day} at {time}. We hold this time for you until {until}; please confirm it.",
        tr="{day} günü saat {time} için ziyaret istediniz. Bu saati {until} saatine kadar sizin için tutuyoruz; lütfen "
        "onaylayın.",
    ),
    "request-moved": Text.of(
        en="we had to move the time you asked for. We now hold {day} at {time} for you until {until}; please confirm it if it "
        "suits you.",
        tr="istediğiniz saati değiştirmemiz gerekti. Artık {day} günü saat {time} için yerinizi {until} saatine kadar "
        "tutuyoruz; size uyuyorsa lütfen onaylayın.",
    ),
    "request-off": Text.of(
        en="we could not keep the time you asked for, {day} at {time}. Nothing is booked; please do not come at that time.",
        tr="istediğiniz saati, {day} günü saat {time}, sizin için tutamadık. Randevu oluşmadı; lütfen o saatte gelmeyin.",
    ),
    "choose-again": Text.of(en="Choose another time", tr="Başka bir saat seçin"),
    "call-or-choose": Text.of(
        en="You may also call us, and we look for a time together: {phone}",
        tr="Bizi arayabilirsiniz de, birlikte bir saat bulalım: {phone}",
    ),
    "request-not-you": Text.of(
        en="If you did not ask for this, do nothing: after that time the request and what was typed are deleted.",
        tr="Bunu siz istemediyseniz bir şey yapmanız gerekmez: bu süreden sonra istek ve yazılanlar silinir.",
    ),
    "confirm-request": Text.of(en="Confirm", tr="Onayla"),
    "withdraw-request": Text.of(en="I do not want it", tr="İstemiyorum"),
    "open-questions": Text.of(en="Answer the questions", tr="Soruları yanıtla"),
    "confirm": Text.of(en="Confirm", tr="Onayla"),
    "cannot-come": Text.of(en="Cannot come", tr="Gelemiyorum"),
    "open-aftercare": Text.of(en="What is allowed now", tr="Şu anda neler serbest"),
    "calendar-title": Text.of(en="Appointment at {clinic}", tr="Randevu: {clinic}"),
    "calendar-changes": Text.of(en="Questions or changes: {phone}", tr="Sorularınız ve değişiklikler için: {phone}"),
    "open-check-in": Text.of(en="Tell us how you are", tr="Nasıl olduğunuzu bildirin"),
    "alert": Text.of(
        en="a patient has answered after a session, and somebody has to look at it. Sign in to see who and what.",
        tr="bir hasta seanstan sonra yanıt verdi ve birinin bakması gerekiyor. Kim ve ne olduğunu görmek için oturum açın.",
    ),
    "alert-subject": Text.of(en="An answer needs you: {urgency}", tr="Bir yanıt sizi bekliyor: {urgency}"),
    "data-alert": Text.of(
        en="a patient has asked about their data: a copy, or that it be deleted. It has to be answered by {day}. Sign in to "
           "see who asked, and answer there.",
        tr="bir hasta verileriyle ilgili bir istekte bulundu: bir kopya veya silinmeleri. {day} gününe kadar yanıtlanmalı. "
           "Kimin istediğini görmek ve yanıtlamak için oturum açın.",
    ),
    "data-alert-subject": Text.of(
        en="A request about data: answer by {day}", tr="Verilerle ilgili bir istek: {day} gününe kadar yanıtlayın"
    ),
    "data-reminder": Text.of(
        en="a request about data is still open, and {day} is the last day to answer it. Sign in to see who asked, and answer "
           "there.",
        tr="verilerle ilgili bir istek hâlâ açık ve yanıtlamak için son gün {day}. Kimin istediğini görmek ve yanıtlamak için "
           "oturum açın.",
    ),
    "data-reminder-subject": Text.of(
        en="Still open: a request about data, last day {day}", tr="Hâlâ açık: verilerle ilgili bir istek, son gün {day}"
    ),
    "open-requests": Text.of(en="Open the requests", tr="İstekleri aç"),
    "open-answer": Text.of(en="Open the answer", tr="Yanıtı aç"),
    "emergency": Text.of(en="emergency", tr="acil"),
    "same-day": Text.of(en="today", tr="bugün"),
    "48-hours": Text.of(en="within 48 hours", tr="48 saat içinde"),
    "call-now": Text.of(en="Call {number} now if you have", tr="Şunlar olursa hemen {number} numarasını arayın"),
    "do-not-stop": Text.of(
        en="Do not stop any prescribed medicine yourself; ask the doctor who prescribed it.",
        tr="Reçeteli ilaçlarınızı kendiniz bırakmayın; ilacı yazan doktora danışın.",
    ),
    "not-you": Text.of(
        en="If this mail is not meant for you, please delete it and tell us.",
        tr="Bu e-posta size ait değilse lütfen silin ve bize bildirin.",
    ),
}

def written_in(language: str) -> str:
    """The language a mail to this patient is written in."""
    return spoken(language)


def say(key: str, language: str, **values: str) -> str:
    """One sentence with its values filled in. A value is text and stays text: braces in a name mean nothing."""
    return SENTENCES[key].get(language).format_map(values)


def day_of(moment: dt.datetime | dt.date, language: str, *, year: bool = False) -> str:
    """Date with its weekday. A datetime must already be in the zone it is to be read in."""
    return day_words.day(moment, language, year=year, long=True)


def moment_of(moment: dt.datetime, language: str) -> str:
    """Weekday, date and clock time, short enough for a line of a list."""
    return day_words.at(day_of(moment, language), f"{moment:%H:%M}", language)
