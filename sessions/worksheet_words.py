"""The fixed words of the mixture worksheet and the syringe label, for staff.

They belong to a template version, as those of the other papers do (sessions.paper_words). The handling sentences are those
of the clinical reference, section 6; their figures are those of the catalogue (`house-handling`).
"""
from __future__ import annotations

from collections.abc import Mapping

from patients.choices import Text

WORKSHEET_VERSION = "worksheet-1"
LABEL_VERSION = "label-1"

WORKSHEET: Mapping[str, Text] = {
    "document": Text.of(en="Mixture worksheet", tr="Karışım hazırlama formu"),
    "label_document": Text.of(en="Syringe label", tr="Enjektör etiketi"),
    "title": Text.of(en="Mixture worksheet", tr="Karışım hazırlama formu"),
    "lead": Text.of(
        en="{treatment}, {session}. Check both identifiers with the patient before the first vial is opened.",
        tr="{treatment}, {session}. İlk flakon açılmadan önce iki kimlik bilgisini hastayla doğrulayın.",
    ),
    "session_of": Text.of(en="session {number} of {total}", tr="seans {number}/{total}"),
    "any_session": Text.of(en="course of {total} sessions", tr="{total} seanslık kür"),
    "record_number": Text.of(en="Record number", tr="Kayıt no"),
    "born": Text.of(en="Birth date", tr="Doğum tarihi"),
    "weight": Text.of(en="Weight", tr="Kilo"),
    "not_known": Text.of(en="not known", tr="bilinmiyor"),
    "clinician": Text.of(en="Clinician who treats", tr="Tedaviyi yapan"),
    "planned_for": Text.of(en="For", tr="Tarih"),
    "allergies": Text.of(en="Allergies", tr="Alerjiler"),
    "syringe": Text.of(en="Syringe {number} of {total}", tr="Enjektör {number}/{total}"),
    "goes_into": Text.of(en="into {regions}", tr="bölge: {regions}"),
    "points": Text.of(en="{points} points", tr="{points} nokta"),
    "depth": Text.of(en="depth {depth} mm", tr="derinlik {depth} mm"),
    "order": Text.of(en="Draw up", tr="Sıra"),
    "component": Text.of(en="Component", tr="Bileşen"),
    "strength": Text.of(en="Strength", tr="Konsantrasyon"),
    "volume": Text.of(en="Volume", tr="Hacim"),
    "dose": Text.of(en="Dose", tr="Doz"),
    "in_the_mix": Text.of(en="In the mix", tr="Karışımda"),
    "lot": Text.of(en="Lot", tr="Lot"),
    "expiry": Text.of(en="Expires", tr="Son kullanma"),
    "total": Text.of(en="Total", tr="Toplam"),
    "order_note": Text.of(
        en="Draw up in the order of the lines: diluent first, anaesthetic last [our decision]. Where the vial's strength "
        "differs from the one printed here, stop and correct the record: the dose is another one.",
        tr="Satır sırasıyla çekin: önce seyreltici, en son anestezik [kendi kararımız]. Flakonun yoğunluğu burada "
        "yazandan farklıysa durun ve kaydı düzeltin: doz değişir.",
    ),
    "cream": Text.of(en="Numbing cream on the skin: {grams} g", tr="Cilde uyuşturucu krem: {grams} g"),
    "notes": Text.of(en="What the check says", tr="Denetim sonucu"),
    "notes_none": Text.of(
        en="Every dose, volume and mixing rule was checked for this patient, nothing found.",
        tr="Tüm dozlar, hacimler ve karışım kuralları bu hasta için denetlendi, bulgu yok.",
    ),
    "handling": Text.of(en="Handling", tr="Hazırlama ve kullanım"),
    "handling_time": Text.of(
        en="Mix just before use, inject within {minutes} minutes, never after {hours} hours.",
        tr="Kullanımdan hemen önce karıştırın, {minutes} dakika içinde enjekte edin, {hours} saatten sonra asla.",
    ),
    "handling_look": Text.of(
        en="The mixture must be clear and free of particles; if it is not, throw it away.",
        tr="Karışım berrak ve parçacıksız olmalıdır; değilse atın.",
    ),
    "handling_vials": Text.of(
        en="A single-dose vial is for one patient and one session. A multi-dose vial: a new needle and syringe each time, "
        "discard {days} days after opening.",
        tr="Tek dozluk flakon bir hasta ve bir seans içindir. Çok dozluk flakon: her girişte yeni iğne ve enjektör, "
        "açıldıktan {days} gün sonra atın.",
    ),
    "handling_water": Text.of(
        en="Never rinse skin, vials or devices with tap water. Sharps straight into the bin, no recapping.",
        tr="Cildi, flakonları veya cihazları asla musluk suyuyla yıkamayın. Kesici-delici aletler kapatılmadan doğrudan "
        "atık kutusuna.",
    ),
    "prepared": Text.of(en="Prepared at", tr="Hazırlanma saati"),
    "inject_by": Text.of(en="Inject by", tr="Son enjeksiyon"),
    "never_after": Text.of(en="Never after", tr="Sonrasında asla"),
    "prepared_by": Text.of(en="Prepared by", tr="Hazırlayan (paraf)"),
    "checked_by": Text.of(en="Second check", tr="İkinci denetim"),
    "use_by": Text.of(en="Use by", tr="Son kullanım"),
    "within": Text.of(en="+{minutes} min, never after +{hours} h", tr="+{minutes} dk, +{hours} saatten sonra asla"),
}
