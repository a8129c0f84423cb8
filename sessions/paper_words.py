"""The fixed words of printed papers, in every language a paper can be printed in.

They belong to a template version: what was printed under `aftercare-1` can be read here for ever. English and Turkish stand
here, the words of the other languages in locale/ (`clinic.code_words`); a test keeps every language complete. Clinical
sentences come from the catalogue. A changed sentence is a new template version.
"""
from __future__ import annotations

from collections.abc import Mapping

from clinic.languages import NAMES, spoken
from patients.choices import Text
from sessions.explanation_words import EXPLANATION
from sessions.listing_words import LISTING
from sessions.worksheet_words import WORKSHEET

AFTERCARE_VERSION = "aftercare-2"
CONSENT_VERSION = "consent-3"

SHARED: Mapping[str, Text] = {
    "patient": Text.of(en="Patient", tr="Hasta"),
    "born": Text.of(en="born {date}", tr="doğum tarihi {date}"),
    "for_record": Text.of(en="for {record}", tr="kayıt no {record}"),
    "version": Text.of(en="version {number}", tr="sürüm {number}"),
    "printed": Text.of(en="Printed by {who}, {when}", tr="Yazdıran: {who}, {when}"),
    "content": Text.of(en="Content {digest}", tr="İçerik {digest}"),
    "verify": Text.of(en="Verify at {address} with code", tr="Doğrulama: {address}, kod"),
    "page_before": Text.of(en="Page", tr="Sayfa"),
    "page_between": Text.of(en="of", tr="/"),
    "language_name": Text.of(**NAMES),
    "not_approved": Text.of(
        en="Sentences in English on this page are not yet approved by the clinic in your language. Please ask us about "
        "anything you do not understand.",
        tr="Bu sayfadaki İngilizce cümlelerin sizin dilinizdeki hâli klinik tarafından henüz onaylanmadı. Anlamadığınız "
        "her şeyi lütfen bize sorun.",
    ),
    "clock_of": Text.of(en="All times are on the clock of {place}.", tr="Tüm saatler {place} saatidir."),
}

AFTERCARE: Mapping[str, Text] = {
    "document": Text.of(en="Aftercare sheet", tr="Tedavi sonrası bilgi formu"),
    "title": Text.of(en="After your treatment", tr="Tedavinizden sonra"),
    "lead": Text.of(
        en="Clock times count from the end of your session. One box is one day, from {first} to {last}.",
        tr="Saatler seansınızın bitişinden itibaren hesaplanmıştır. Bir kutu bir gündür: {first} – {last}.",
    ),
    "treatment": Text.of(en="Treatment", tr="Tedavi"),
    "session_of": Text.of(en="{name}, session {number} of {total}", tr="{name}, seans {number}/{total}"),
    "ended": Text.of(en="Session ended", tr="Seansın bitişi"),
    "leave_alone": Text.of(en="What to leave alone, and until when", tr="Nelerden, ne zamana kadar kaçınmalısınız"),
    "until_before": Text.of(en="until", tr=""),
    "until_after": Text.of(en="", tr="saatine kadar"),
    "until": Text.of(en="until {until}", tr="{until} saatine kadar"),
    "until_day": Text.of(en="Any time until {day}:", tr="{day} tarihine kadar her zaman:"),
    "from_to": Text.of(en="from {start} to {until}", tr="{start} – {until} arası"),
    "from": Text.of(en="from {start}", tr="{start} saatinden sonra"),
    "twice": Text.of(
        en="Twice as long as usual, for your skin type or treatment.",
        tr="Cilt tipiniz veya tedaviniz nedeniyle normalin iki katı süre.",
    ),
    "call_now": Text.of(en="Call {number} now", tr="Hemen {number} numarasını arayın"),
    "call_ambulance": Text.of(en="Call an ambulance now", tr="Hemen ambulans çağırın"),
    "same_day": Text.of(en="Call us the same day: {phone}", tr="Aynı gün bizi arayın: {phone}"),
    "same_day_no_phone": Text.of(en="Call us the same day", tr="Aynı gün bizi arayın"),
    "normal": Text.of(en="What is normal", tr="Normal olanlar"),
    "helps": Text.of(en="What helps", tr="İyi gelenler"),
    "next": Text.of(en="Next session:", tr="Sonraki seans:"),
    "next_between": Text.of(en="{first} to {last}, not booked yet", tr="{first} – {last}, henüz randevu yok"),
    "next_from": Text.of(en="from {first}, not booked yet", tr="{first} tarihinden itibaren, henüz randevu yok"),
    "next_none": Text.of(en="none planned", tr="planlanmadı"),
    "scan": Text.of(
        en="The code below leads to your own page: what is allowed now, and what comes next.",
        tr="Aşağıdaki kod kendi sayfanıza götürür: şu anda nelere izin var, sırada ne var.",
    ),
    "given": Text.of(en="Given in this session:", tr="Bu seansta uygulananlar:"),
    "lot": Text.of(en="lot {lot}", tr="lot {lot}"),
}

CONSENT: Mapping[str, Text] = {
    "document": Text.of(en="Consent form", tr="Onam formu"),
    "document_blank": Text.of(en="Blank consent form", tr="Boş onam formu"),
    "title": Text.of(en="Consent to treatment in the skin", tr="Deri içi tedavi için onam"),
    "lead": Text.of(
        en="{treatment}: {sessions}. Please read it at home and ask whatever is not clear.",
        tr="{treatment}: {sessions}. Lütfen evde okuyun ve anlamadığınız her şeyi sorun.",
    ),
    "lead_blank": Text.of(
        en="Please read it at home and ask whatever is not clear. To be filled in by hand before it is signed.",
        tr="Lütfen evde okuyun ve anlamadığınız her şeyi sorun. İmzalanmadan önce elle doldurulur.",
    ),
    "sessions": Text.of(en="{count} sessions", tr="{count} seans"),
    "sessions_apart": Text.of(en="{count} sessions, {days} days apart", tr="{days} gün arayla {count} seans"),
    "one_session": Text.of(en="1 session", tr="1 seans"),
    "received": Text.of(en="Text received (date, time)", tr="Metnin alındığı tarih ve saat"),
    "clinician": Text.of(en="Clinician who treats", tr="Tedaviyi yapan"),
    "off_label": Text.of(
        en="This use is off-label or unlicensed.", tr="Bu, endikasyon dışı veya ruhsatsız bir kullanımdır."
    ),
    "off_label_why": Text.of(
        en="Unless its own label says otherwise, no product of this mixture is licensed for this purpose, and the "
        "mixture as a whole is not.",
        tr="Kendi etiketinde aksi yazmadıkça, bu karışımdaki hiçbir ürün bu amaç için ruhsatlı değildir; karışımın "
        "tamamı da değildir.",
    ),
    "grade": Text.of(en="Evidence grade {grade}: {words}.", tr="Kanıt düzeyi {grade}: {words}."),
    "grade_A": Text.of(en="consistent good trials", tr="birbiriyle tutarlı, iyi çalışmalar"),
    "grade_B": Text.of(en="some controlled trials", tr="bazı kontrollü çalışmalar"),
    "grade_B-": Text.of(
        en="small trials, or trials that contradict each other", tr="küçük veya birbiriyle çelişen çalışmalar"
    ),
    "grade_C": Text.of(
        en="observations and the opinion of experts, no controlled trials",
        tr="gözlemler ve uzman görüşü; kontrollü çalışma yok",
    ),
    "grade_D": Text.of(
        en="claims only, or trials that speak against it", tr="yalnızca iddia, veya aleyhte çalışmalar"
    ),
    "grade_or": Text.of(en="; or, depending on the product, ", tr="; ürüne göre ise "),
    "grade_unknown": Text.of(en="not graded", tr="derecelendirilmemiş"),
    "product": Text.of(en="Product", tr="Ürün"),
    "strength": Text.of(en="Strength", tr="Konsantrasyon"),
    "amount": Text.of(en="Amount each session", tr="Seans başına miktar"),
    "origin": Text.of(en="Origin", tr="Kaynak"),
    "origin_fish": Text.of(en="fish", tr="balık"),
    "origin_soy": Text.of(en="soy", tr="soya"),
    "origin_own-blood": Text.of(en="your own blood", tr="kendi kanınız"),
    "origin_animal": Text.of(en="animal", tr="hayvan"),
    "origin_none": Text.of(en="no animal or human material named", tr="hayvan veya insan kaynağı belirtilmemiş"),
    "maker": Text.of(en="Product and maker", tr="Ürün adı ve üretici"),
    "maker_open": Text.of(en="named before the session", tr="seanstan önce bildirilir"),
    "maker_none": Text.of(en="made here from your blood", tr="burada kendi kanınızdan hazırlanır"),
    "status": Text.of(en="Status", tr="Durum"),
    "status_on": Text.of(en="off-label or unlicensed", tr="endikasyon dışı veya ruhsatsız"),
    "status_off": Text.of(
        en="off-label, allowed here by the medical lead", tr="endikasyon dışı, burada tıbbi sorumlunun izniyle"
    ),
    "status_locked": Text.of(
        en="unlicensed here, legal basis recorded", tr="burada ruhsatsız, yasal dayanağı kayıtlı"
    ),
    "status_withdrawn": Text.of(en="withdrawn from the market", tr="piyasadan çekilmiş"),
    "lot_at_session": Text.of(
        en="The lot number is read to you at each session and stands in your record.",
        tr="Lot numarası her seansta size okunur ve kaydınızda yer alır.",
    ),
    "where": Text.of(en="Where: {regions}. How: {technique}.", tr="Bölge: {regions}. Yöntem: {technique}."),
    "depth": Text.of(en="Depth {depth} mm.", tr="Derinlik {depth} mm."),
    "points": Text.of(en="About {points} points.", tr="Yaklaşık {points} nokta."),
    "numbing": Text.of(en="Numbing cream: {grams} g.", tr="Uyuşturucu krem: {grams} g."),
    "effect": Text.of(en="When an effect may be expected:", tr="Etkinin beklenebileceği süre:"),
    "maintenance": Text.of(
        en="Maintenance every {first} to {last} days.", tr="Sürdürme seansları {first}–{last} günde bir."
    ),
    "maintenance_if": Text.of(
        en="Maintenance every {first} to {last} days, only if it helps.",
        tr="Yalnızca işe yararsa, {first}–{last} günde bir sürdürme seansı.",
    ),
    "expected": Text.of(en="Expected:", tr="Beklenenler:"),
    "possible": Text.of(en="Possible, some rare but serious:", tr="Olası; bazıları nadir ama ciddi:"),
    "treats": Text.of(
        en="You are treated by {who}, licence {licence}.", tr="Sizi {who} tedavi eder, ruhsat no {licence}."
    ),
    "treats_unknown": Text.of(
        en="You are treated by {who}; licence number: ____________________",
        tr="Sizi {who} tedavi eder; ruhsat no: ____________________",
    ),
    "insurance": Text.of(en="Insurer and policy:", tr="Sigorta şirketi ve poliçe:"),
    "emergency": Text.of(
        en="Emergency number of this clinic: {number}. An emergency kit is in the house.",
        tr="Kliniğin acil durum numarası: {number}. Klinikte acil durum seti bulunur.",
    ),
    "cost": Text.of(
        en="{each} {currency} each session, {total} {currency} for the course of {count}.",
        tr="Seans başına {each} {currency}, {count} seanslık kür için {total} {currency}.",
    ),
    "cost_blank": Text.of(
        en="Each session: ______________  For the course: ______________",
        tr="Seans başına: ______________  Kürün tamamı: ______________",
    ),
    "yes": Text.of(en="yes", tr="evet"),
    "no": Text.of(en="no", tr="hayır"),
    "interpreter": Text.of(en="Interpreter (name), if needed:", tr="Gerekirse tercüman (adı):"),
    "questions": Text.of(en="My questions:", tr="Sorularım:"),
    "sign_patient": Text.of(en="Patient", tr="Hasta"),
    "sign_clinician": Text.of(en="Clinician who treats", tr="Tedaviyi yapan"),
    "sign_name": Text.of(en="Name", tr="Ad soyad"),
    "sign_date": Text.of(en="Date, time", tr="Tarih, saat"),
    "sign_signature": Text.of(en="Signature", tr="İmza"),
    "sign_meaning": Text.of(en="Meaning", tr="Anlamı"),
    "sign_method": Text.of(en="Way", tr="Yöntem"),
    "document_signed": Text.of(en="Signed consent", tr="İmzalı onam"),
    "meaning_patient": Text.of(
        en="I have read and understood this form and consent to this treatment.",
        tr="Bu formu okudum, anladım ve bu tedaviye onay veriyorum.",
    ),
    "meaning_clinician": Text.of(
        en="I explained this treatment and answered the questions asked.",
        tr="Bu tedaviyi anlattım ve sorulan soruları yanıtladım.",
    ),
    "method_drawn": Text.of(en="drawn by hand on a screen", tr="ekranda elle çizildi"),
    "method_typed": Text.of(en="typed name", tr="yazılan ad"),
    "method_password": Text.of(en="name, confirmed with the password", tr="ad, parola ile doğrulandı"),
    "not_yet": Text.of(en="The clinician has not signed yet.", tr="Tedaviyi yapan henüz imzalamadı."),
    "simple": Text.of(
        en="Simple electronic signatures; the file is sealed by the clinic.",
        tr="Basit elektronik imzalar; dosya klinik tarafından mühürlenmiştir.",
    ),
    "none": Text.of(en="none", tr="yok"),
    "only_if": Text.of(en="Only for: {plans}", tr="Yalnızca şunlar için: {plans}"),
    "category_hair": Text.of(en="hair treatment", tr="saç tedavisi"),
    "category_body": Text.of(en="fat and cellulite", tr="yağ ve selülit"),
    "photos": Text.of(en="Photographs.", tr="Fotoğraflar."),
    "yours": Text.of(en="Your treatment:", tr="Sizin tedaviniz:"),
}

LANGUAGES = tuple(NAMES)
ALL: tuple[Mapping[str, Text], ...] = (SHARED, AFTERCARE, CONSENT, EXPLANATION, WORKSHEET, LISTING)
FOR_STAFF: tuple[Mapping[str, Text], ...] = (WORKSHEET,)
"""Printed in the two languages of the staff only."""


def words_in(language: str) -> dict[str, dict[str, str]]:
    """Every fixed word in one language, by paper; a language without papers yet gets the English ones."""
    return {
        name: {key: word(text, language) for key, text in group.items()}
        for name, group in (
            ("shared", SHARED), ("aftercare", AFTERCARE), ("consent", CONSENT), ("explanation", EXPLANATION),
            ("worksheet", WORKSHEET),
        )
    }


def printable_language(wanted: str) -> str:
    """The language a paper is really printed in: the wanted one, or English where no paper exists in it yet."""
    return spoken(wanted)


def word(text: Text, language: str) -> str:
    """A fixed word; an empty one is meant (`until` stands before the time in English and behind it in Turkish)."""
    known = printable_language(language)
    own = dict(text.by_language)
    return own[known] if known in own else text.get(known)
