"""The fixed words of the papers that are lists and letters; a changed sentence is a new template version."""
from __future__ import annotations

from collections.abc import Mapping

from patients.choices import Text

LISTING_VERSION = "listing-1"

LISTING: Mapping[str, Text] = {
    "summary": Text.of(en="Session summary", tr="Seans özeti"),
    "summary_lead": Text.of(en="What was given in this session.", tr="Bu seansta uygulananlar."),
    "plan": Text.of(en="Course plan with cost", tr="Ücretli kür planı"),
    "plan_lead": Text.of(
        en="Dates are the plan of today; what is booked stands beside them.",
        tr="Tarihler bugünkü plandır; alınmış randevular yanında yazılıdır.",
    ),
    "passport": Text.of(en="Treatment passport", tr="Tedavi pasaportu"),
    "passport_lead": Text.of(
        en="Every product you have received here so far. Show it to whoever treats you next.",
        tr="Burada bugüne kadar size uygulanan her ürün. Sizi bundan sonra tedavi edecek kişiye gösterin.",
    ),
    "day_list": Text.of(en="Day list", tr="Günlük liste"),
    "day_list_lead": Text.of(
        en="{day}, {count} visits. For the desk only: destroy it at the end of the day.",
        tr="{day}, {count} randevu. Yalnızca danışma içindir: gün sonunda imha edin.",
    ),
    "letter": Text.of(en="Letter to another doctor", tr="Başka bir hekime mektup"),
    "letter_to": Text.of(en="To", tr="Kime"),
    "letter_dear": Text.of(en="Dear colleague,", tr="Sayın meslektaşım,"),
    "letter_given": Text.of(en="Treatments in our clinic", tr="Kliniğimizdeki tedaviler"),
    "letter_close": Text.of(en="With kind regards", tr="Saygılarımla"),
    "recall": Text.of(en="Recall letter", tr="Çağrı mektubu"),
    "recall_title": Text.of(en="We would like to see you again", tr="Sizi yeniden görmek isteriz"),
    "recall_dear": Text.of(en="Dear {name},", tr="Sayın {name},"),
    "recall_last": Text.of(en="Your last visit with us was on {day}.", tr="Bize son gelişiniz {day} tarihindeydi."),
    "recall_due": Text.of(
        en="Your next visit was planned between {first} and {last}.",
        tr="Sonraki randevunuz {first} ile {last} arasında planlanmıştı.",
    ),
    "recall_from": Text.of(
        en="Your next visit was planned from {first} on.", tr="Sonraki randevunuz {first} tarihinden itibaren planlanmıştı."
    ),
    "recall_call": Text.of(
        en="Please call {phone}, so that we can find a time together. If you no longer want to come, a word is enough; you "
        "need not give a reason.",
        tr="Birlikte bir zaman bulmamız için lütfen {phone} numarasını arayın. Artık gelmek istemiyorsanız haber vermeniz "
        "yeterli; gerekçe belirtmeniz gerekmez.",
    ),
    "recall_lump": Text.of(
        en="If you notice a new lump or a sore that does not heal, call us now, however long ago the treatment was.",
        tr="Yeni bir sertlik veya iyileşmeyen bir yara fark ederseniz, tedavinin üzerinden ne kadar zaman geçmiş olursa olsun "
        "bizi hemen arayın.",
    ),
    "medicines": Text.of(
        en="Do not stop any prescribed medicine yourself; ask the doctor who prescribed it.",
        tr="Reçeteli hiçbir ilacı kendiniz bırakmayın; ilacı yazan doktora danışın.",
    ),
    "intake": Text.of(en="Blank health questions", tr="Boş sağlık soruları formu"),
    "intake_title": Text.of(en="Your health", tr="Sağlığınız"),
    "intake_lead": Text.of(
        en="Please answer every question; tick “I do not know” where you are not sure.",
        tr="Lütfen her soruyu yanıtlayın; emin değilseniz “Bilmiyorum” kutusunu işaretleyin.",
    ),
    "name_birth": Text.of(en="Name and birth date", tr="Ad soyad ve doğum tarihi"),
    "sign": Text.of(en="Date and signature", tr="Tarih ve imza"),
    "unsure": Text.of(en="I do not know", tr="Bilmiyorum"),
    "women": Text.of(en="Only for women:", tr="Yalnızca kadınlar için:"),
    "men": Text.of(en="Only for men:", tr="Yalnızca erkekler için:"),
    "treatment": Text.of(en="Treatment", tr="Tedavi"),
    "session": Text.of(en="Session", tr="Seans"),
    "session_of": Text.of(en="{number} of {total}", tr="{number}/{total}"),
    "ended": Text.of(en="Ended", tr="Bitiş"),
    "clinician": Text.of(en="Clinician", tr="Uygulayan"),
    "products": Text.of(en="Products and lots", tr="Ürünler ve lotlar"),
    "per_session": Text.of(en="Products each session", tr="Seans başına ürünler"),
    "product": Text.of(en="Product", tr="Ürün"),
    "strength": Text.of(en="Strength", tr="Konsantrasyon"),
    "amount": Text.of(en="Amount", tr="Miktar"),
    "lot": Text.of(en="Product name, maker, lot", tr="Ürün adı, üretici, lot"),
    "where": Text.of(en="Where", tr="Bölgeler"),
    "region": Text.of(en="Region", tr="Bölge"),
    "points": Text.of(en="Points", tr="Nokta"),
    "per_point": Text.of(en="ml per point", tr="Nokta başına ml"),
    "depth": Text.of(en="Depth", tr="Derinlik"),
    "amounts": Text.of(
        en="Drawn up {drawn} ml, injected {injected} ml, left over {waste} ml.",
        tr="Çekilen {drawn} ml, enjekte edilen {injected} ml, artan {waste} ml.",
    ),
    "reaction": Text.of(en="Reaction in the session", tr="Seanstaki reaksiyon"),
    "next": Text.of(en="Next session", tr="Sonraki seans"),
    "signature": Text.of(en="Signature", tr="İmza"),
    "unsigned": Text.of(en="The record is not signed yet.", tr="Kayıt henüz imzalanmadı."),
    "meaning_record": Text.of(
        en="I performed this treatment and this record is complete.",
        tr="Bu tedaviyi ben uyguladım ve bu kayıt eksiksizdir.",
    ),
    "sessions": Text.of(en="Sessions", tr="Seanslar"),
    "window": Text.of(en="Planned", tr="Planlanan"),
    "booked": Text.of(en="Booked", tr="Randevu"),
    "not_booked": Text.of(en="not booked yet", tr="henüz randevu yok"),
    "done": Text.of(en="done {day}", tr="yapıldı: {day}"),
    "cost": Text.of(en="Cost", tr="Ücret"),
    "cost_each": Text.of(en="{each} {currency} each session", tr="Seans başına {each} {currency}"),
    "cost_total": Text.of(
        en="{total} {currency} for the course of {count}", tr="{count} seanslık kür için {total} {currency}"
    ),
    "cost_open": Text.of(en="The price is not agreed yet.", tr="Ücret henüz kararlaştırılmadı."),
    "no_pressure": Text.of(
        en="You may stop after any session and pay only what was given.",
        tr="Her seanstan sonra bırakabilir, yalnızca yapılanı ödersiniz.",
    ),
    "effect": Text.of(en="When an effect may be expected", tr="Etkinin beklenebileceği süre"),
    "limits": Text.of(en="Limits of this plan", tr="Bu planın sınırları"),
    "allergies": Text.of(en="Allergies on record", tr="Kayıtlı alerjiler"),
    "none_known": Text.of(en="no known allergy, asked {day}", tr="bilinen alerji yok, sorulma tarihi {day}"),
    "not_asked": Text.of(en="not recorded", tr="kayıtlı değil"),
    "events": Text.of(en="Adverse events on record", tr="Kayıtlı istenmeyen olaylar"),
    "grade": Text.of(en="grade {grade}", tr="derece {grade}"),
    "date": Text.of(en="Date", tr="Tarih"),
    "nothing_given": Text.of(en="Nothing has been given here yet.", tr="Burada henüz bir şey uygulanmadı."),
    "time": Text.of(en="Time", tr="Saat"),
    "initials": Text.of(en="Initials", tr="Baş harfler"),
    "room": Text.of(en="Room", tr="Oda"),
    "protocol": Text.of(en="Protocol", tr="Protokol"),
    "alert": Text.of(en="Alert", tr="Uyarı"),
    "papers": Text.of(en="Missing paper", tr="Eksik evrak"),
    "paper_consent": Text.of(en="consent", tr="onam"),
    "paper_intake": Text.of(en="questions", tr="sorular"),
    "empty_day": Text.of(en="No visit on this day.", tr="Bu günde randevu yok."),
}
