"""The titles of the sources that catalogue entries name by a short code, as they are shown to people. Pure.

S0 to S4 are lay web texts, E1 onwards guidelines, labels, trials and practice pages of the clinical reference; `bg` is
medical background knowledge without a source at hand, `dec` a decision of the catalogue where sources give none.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from patients.choices import Text


def _as_it_is(title: str) -> Text:
    """A title that is cited as its authors wrote it, whatever the language."""
    return Text.of(en=title, tr=title)


TITLES: Mapping[str, Text] = {
    "S0": _as_it_is("“Everything you need to know about mesotherapy”"),
    "S1": _as_it_is("“Mesotherapy: uses, substances, risks”"),
    "S2": _as_it_is("“Mesotherapy: types, procedure, contraindications, suggestions”"),
    "S3": _as_it_is("“How is mesotherapy applied?”"),
    "S4": _as_it_is("“How mesotherapy can improve your skin”"),
    "E1": Text.of(en="Italian Society of Mesotherapy, consensus 2011", tr="İtalyan Mezoterapi Derneği, uzlaşı 2011"),
    "E2": Text.of(en="Italian Society of Mesotherapy, evidence 2021", tr="İtalyan Mezoterapi Derneği, kanıtlar 2021"),
    "E3": Text.of(en="International consensus guideline 2025", tr="Uluslararası uzlaşı kılavuzu 2025"),
    "E5": _as_it_is("Konda and Thappa, “Mesotherapy: what is new?”"),
    "E11": Text.of(en="kiraspecialist.com, practice page", tr="kiraspecialist.com, uygulama sayfası"),
    "E12": Text.of(en="mesoteric.ru, article on mesotherapy mixtures", tr="mesoteric.ru, mezoterapi karışımları yazısı"),
    "E13": Text.of(en="CDC, outbreak report 2005", tr="CDC, salgın raporu 2005"),
    "E17": _as_it_is("Plachouri and Georgiou 2020, J Cosmet Dermatol"),
    "E18": _as_it_is("Hexsel, “Complications of Mesotherapy”"),
    "E19": Text.of(en="Case of panniculitis, An Bras Dermatol 2019", tr="Pannikülit olgusu, An Bras Dermatol 2019"),
    "E20": Text.of(en="Case report, PubMed 19577328", tr="Olgu sunumu, PubMed 19577328"),
    "E21": Text.of(en="Adamczyk 2022, review, Medicina", tr="Adamczyk 2022, derleme, Medicina"),
    "E22": Text.of(en="FDA, warning on fat-dissolving injections 2023", tr="FDA, yağ eritici enjeksiyon uyarısı 2023"),
    "E23": Text.of(en="France, decree 2011-382", tr="Fransa, 2011-382 sayılı kararname"),
    "E24": Text.of(en="Deoxycholic acid, product label", tr="Deoksikolik asit, ürün bilgisi"),
    "E25": Text.of(en="Thomas, studies on fat-dissolving injections", tr="Thomas, yağ eritici enjeksiyon çalışmaları"),
    "E26": Text.of(en="European Medicines Agency on buflomedil", tr="Avrupa İlaç Ajansı, buflomedil"),
    "E27": Text.of(en="European Medicines Agency on calcitonin 2012", tr="Avrupa İlaç Ajansı, kalsitonin 2012"),
    "E28": Text.of(en="Calcitonin, product label", tr="Kalsitonin, ürün bilgisi"),
    "E29": Text.of(en="European Medicines Agency on thiocolchicoside", tr="Avrupa İlaç Ajansı, tiyokolşikosid"),
    "E30": Text.of(en="FDA on injected skin lighteners", tr="FDA, enjekte edilen cilt açıcılar"),
    "E31": Text.of(en="Collagenase, product label", tr="Kollajenaz, ürün bilgisi"),
    "E32": Text.of(en="Lidocaine, product labels", tr="Lidokain, ürün bilgileri"),
    "E33": Text.of(en="Lidocaine with prilocaine, product label", tr="Lidokain ve prilokain, ürün bilgisi"),
    "E34": Text.of(en="Procaine, reference; allergy to ester anaesthetics", tr="Prokain; ester tipi anestezik alerjisi"),
    "E35": Text.of(en="Tranexamic acid, product label and trials", tr="Traneksamik asit, ürün bilgisi ve çalışmalar"),
    "E36": Text.of(en="Pentoxifylline, product reference", tr="Pentoksifilin, ürün bilgisi"),
    "E37": Text.of(en="Levocarnitine, product label", tr="Levokarnitin, ürün bilgisi"),
    "E38": Text.of(en="Ascorbic acid (vitamin C), product label", tr="Askorbik asit (C vitamini), ürün bilgisi"),
    "E39": Text.of(en="Biotin and blood tests, tctmd.com", tr="Biotin ve kan testleri, tctmd.com"),
    "E40": Text.of(en="Artichoke extract, reference", tr="Enginar özütü, kaynak bilgi"),
    "E41": Text.of(en="AAAAI on hyaluronidase and insect stings", tr="AAAAI, hyalüronidaz ve böcek sokması"),
    "E42": Text.of(en="Dutasteride and finasteride, reviews and transfusion guideline",
                   tr="Dutasterid ve finasterid, derlemeler ve kan bağışı kılavuzu"),
    "E43": Text.of(en="Minoxidil, trial and product labels", tr="Minoksidil, çalışma ve ürün bilgileri"),
    "E44": Text.of(en="Mesotherapy for hair, review", tr="Saç mezoterapisi, derleme"),
    "E45": Text.of(en="Mesotherapy of the face, trials and reviews", tr="Yüz mezoterapisi, çalışmalar ve derlemeler"),
    "E46": Text.of(en="Polynucleotides, consensus and study", tr="Polinükleotidler, uzlaşı ve çalışma"),
    "E47": Text.of(en="Stabilised hyaluronic acid, practice pages", tr="Stabilize hyalüronik asit, uygulama sayfaları"),
    "E48": Text.of(en="Platelet-rich plasma, reference pages", tr="PRP, kaynak sayfalar"),
    "E49": Text.of(en="Mesotherapy for pain, trials", tr="Ağrıda mezoterapi, çalışmalar"),
    "E50": Text.of(en="Stretch marks and acne scars, trials", tr="Çatlak ve akne izi, çalışmalar"),
    "E51": Text.of(en="Cellulite, reviews and the Hexsel scale", tr="Selülit, derlemeler ve Hexsel ölçeği"),
    "E52": Text.of(en="ASDS consensus on isotretinoin 2017", tr="ASDS izotretinoin uzlaşısı 2017"),
    "E53": Text.of(en="Exclusion lists of practices", tr="Uygulayıcıların dışlama listeleri"),
    "E54": Text.of(en="Aftercare pages of practices", tr="Uygulayıcıların tedavi sonrası sayfaları"),
    "E55": Text.of(en="Timing advice of practices", tr="Uygulayıcıların zamanlama önerileri"),
    "E56": _as_it_is("Heydenrych 2021, Clin Cosmet Investig Dermatol"),
    "E57": Text.of(en="Aesthetic Medicine, article on blood thinners", tr="Aesthetic Medicine, kan sulandırıcı yazısı"),
    "E58": Text.of(en="UK anaphylaxis guidance; Lobo-Valbuena 2021",
                   tr="Birleşik Krallık anafilaksi kılavuzu; Lobo-Valbuena 2021"),
    "E63": Text.of(en="Cosmetic Procedure Screening questionnaire (COPS)", tr="Kozmetik İşlem Tarama Ölçeği (COPS)"),
    "E64": Text.of(en="CMAC guideline on cold sores", tr="CMAC uçuk kılavuzu"),
    "E67": Text.of(en="Practice pages on diabetes", tr="Diyabet üzerine uygulama sayfaları"),
    "E68": Text.of(en="Exclusion lists of devices", tr="Cihazların dışlama listeleri"),
    "E69": Text.of(en="European Medicines Agency on piroxicam 2007", tr="Avrupa İlaç Ajansı, piroksikam 2007"),
    "E70": Text.of(en="European Medicines Agency on finasteride and dutasteride 2025",
                   tr="Avrupa İlaç Ajansı, finasterid ve dutasterid 2025"),
    "E71": Text.of(en="Numbing cream, product information", tr="Uyuşturucu krem, ürün bilgisi"),
    "E72": Text.of(en="FDA, notice on exosomes 2019", tr="FDA, eksozom duyurusu 2019"),
    "E75": Text.of(en="French health ministry on fat dissolving", tr="Fransa Sağlık Bakanlığı, yağ eritme"),
    "E76": Text.of(en="Warning signs in back pain, NHS", tr="Bel ağrısında uyarı işaretleri, NHS"),
    "bg": Text.of(en="general medical knowledge", tr="genel tıp bilgisi"),
    "dec": Text.of(en="decision of this catalogue", tr="bu kataloğun kararı"),
}  # fmt: skip

TO_CONFIRM = Text.of(en="to be confirmed by the medical lead", tr="sorumlu hekim doğrulamalı")


def titles_of(source: str | Iterable[str], language: str) -> tuple[str, ...]:
    """The titles behind "S2 E53 dec", each once; a source the clinic named itself stays as written."""
    codes = re.split(r"[;,\s]+", source) if isinstance(source, str) else list(source)
    known = [code for code in codes if code]
    if known and not any(code in TITLES for code in known):
        return (source.strip(),) if isinstance(source, str) else tuple(known)
    return tuple(dict.fromkeys(TITLES[code].get(language) if code in TITLES else code for code in known))


def cited(source: str | Iterable[str], mark: str, language: str) -> str:
    """Source and mark of an entry in one line for people, each said once: "decision of this catalogue" never twice."""
    marks = [TO_CONFIRM.get(language) if one == "check" else "; ".join(titles_of(one, language)) for one in mark.split()]
    return "; ".join(dict.fromkeys([*titles_of(source, language), *marks]))
