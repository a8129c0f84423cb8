"""What can be wrong with an entry of the catalogue: the sentences, in English and Turkish, and one fault with its field.

Pure. The command line says a fault in English with the field as it is written (`phases.1.interval_days`); a page says it
in the reader's language with the field as the form calls it. `{field}` is filled by whoever says it.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from patients.choices import Text

NOTHING = Text.of(en="nothing", tr="boş")
ENTRY = Text.of(en="the entry", tr="kayıt")


class Written(NamedTuple):
    """A value as somebody wrote it, to be shown as it is."""

    value: object

    def said(self, language: str) -> str:
        return NOTHING.get(language) if self.value is None else repr(self.value)[:60]


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `field` is its path in the entry, empty where the whole entry is meant."""

    sentence: Text
    field: str = ""
    values: Mapping[str, object] = dataclasses.field(default_factory=dict)

    def said(self, language: str, *, field: str = "") -> str:
        """The sentence in a language; `field` is what the reader calls the field, else its path."""
        values = {key: _said(one, language) for key, one in self.values.items()}
        return self.sentence.get(language).format(**values, field=field or self.field or ENTRY.get(language))

    def __str__(self) -> str:
        return self.said("en")


def _said(value: object, language: str) -> str:
    if isinstance(value, Written):
        return value.said(language)
    return value.get(language) if isinstance(value, Text) else str(value)


class EntryError(ValueError):
    """An entry is wrong. `faults` holds everything found in it; `definition` what could be made of it all the same, so
    that its references can be looked at too (None where nothing could)."""

    def __init__(self, *faults: Fault, definition: object = None) -> None:
        self.faults = faults
        self.definition = definition
        super().__init__("; ".join(str(fault) for fault in faults))


# --- fields ------
MAPPING = Text.of(en="{field} must be a mapping of fields, not {value}",
                  tr="{field} alanlardan oluşan bir eşleme olmalı, {value} değil")
UNKNOWN_FIELD = Text.of(en="unknown field {names}", tr="bilinmeyen alan: {names}")
MISSING = Text.of(en="{field} is missing", tr="{field} eksik")
TEXT = Text.of(en="{field} must be a text, not {value}", tr="{field} bir metin olmalı, {value} değil")
TEXT_PER_LANGUAGE = Text.of(en="{field} must hold a text per language ({languages})",
                            tr="{field} her dil için bir metin içermeli ({languages})")
NO_TEXT_IN = Text.of(en="{field} has no text in language {language}", tr="{field} için {language} dilinde metin yok")
TEXTS_ONLY = Text.of(en="{field} must hold texts only", tr="{field} yalnızca metin içermeli")
CODE = Text.of(en="{field} {value} is not a code (small letters, digits, hyphens)",
               tr="{field}: {value} bir kod değil (küçük harf, rakam, kısa çizgi)")
WORDS = Text.of(
    en="{field} must be a list of words, not {value}",
    tr="{field} bir sözcük listesi olmalı, {value} değil",
)
TWICE = Text.of(en="{field} names {names} twice", tr="{field} içinde {names} iki kez geçiyor")
TRUE_OR_FALSE = Text.of(
    en="{field} must be true or false, not {value}",
    tr="{field} true ya da false olmalı, {value} değil",
)
WHOLE = Text.of(en="{field} must be a whole number, not {value}", tr="{field} bir tam sayı olmalı, {value} değil")
NUMBER = Text.of(en="{field} must be a number, not {value}", tr="{field} bir sayı olmalı, {value} değil")
OUTSIDE = Text.of(
    en="{field} {value} is outside {low}–{high}",
    tr="{field}: {value}, {low}–{high} aralığının dışında",
)
RANGE = Text.of(en="{field} must be a range [low, high], not {value}",
                tr="{field} bir aralık [alt, üst] olmalı, {value} değil")
RANGE_DOWN = Text.of(en="{field} is a range from {low} down to {high}",
                     tr="{field} aralığı {low} değerinden {high} değerine iniyor")
EMPTY_RANGE = Text.of(en="{field}: there is no figure between {low} and {high}, so it would never hold",
                      tr="{field}: {low} ile {high} arasında bir değer yok, koşul hiç gerçekleşmez")
DEFAULT_OUTSIDE = Text.of(en="{field} default {value} is outside its range {low}–{high}",
                          tr="{field}: olağan değer {value}, kendi {low}–{high} aralığının dışında")
LIST = Text.of(en="{field} must be a list, not {value}", tr="{field} bir liste olmalı, {value} değil")
PLAIN_MAPPING = Text.of(en="{field} must be a mapping, not {value}", tr="{field} bir eşleme olmalı, {value} değil")
NOT_ONE_OF = Text.of(
    en="{field} {value} is not one of: {allowed}",
    tr="{field}: {value} şunlardan biri değil: {allowed}",
)
AT_LEAST_ONE = Text.of(en="{field} must name at least one", tr="{field} en az birini belirtmeli")
WRONG_TYPE = Text.of(
    en="a field is missing or of the wrong type: {what}",
    tr="bir alan eksik ya da türü yanlış: {what}",
)

# --- code, source, mark ------
OTHER_CODE = Text.of(en="code {written} differs from the entry's code {code}",
                     tr="yazılan kod {written}, kaydın kodu {code} ile aynı değil")
CODE_START = Text.of(en="the code must begin with {prefix}", tr="kod {prefix} ile başlamalı")
CODE_TWICE = Text.of(
    en="the code is used twice, first in {place}",
    tr="kod iki kez kullanılmış, ilki burada: {place}",
)
NO_PREFIX = Text.of(
    en="the code has none of the prefixes {prefixes}",
    tr="kodun başında şu öneklerden hiçbiri yok: {prefixes}",
)
FILED_AS = Text.of(en="the entry is filed as {kind}, but its code says {expected}",
                   tr="kayıt {kind} olarak duruyor, kodu ise {expected} diyor")
SOURCE = Text.of(en="source {value} is not a seed (S0–S4), a source (E1–E99), bg, check or dec",
                 tr="kaynak {value}; bir tohum metin (S0–S4), bir kaynak (E1–E99), bg, check ya da dec değil")
NO_SOURCE = Text.of(en="{field} is empty", tr="{field} boş")
MARK = Text.of(
    en="mark {value} is not one of: bg, check, dec",
    tr="işaret {value} şunlardan biri değil: bg, check, dec",
)

# --- courses ------
NO_PHASE = Text.of(en="{field} must hold at least one phase", tr="{field} en az bir aşama içermeli")
PHASES_DIFFER = Text.of(en="the phases do not add up to the default of {sessions} sessions",
                        tr="aşamaların toplamı olağan {sessions} seansı vermiyor")
NO_INTERVAL = Text.of(en="phases of a course with several sessions need interval_days",
                      tr="birden çok seanslı bir kürün aşamaları interval_days ister")
ONE_DAY = Text.of(en="{field} must be at least 1 day", tr="{field} en az 1 gün olmalı")
COUNTRIES = Text.of(en="{field} must hold two-letter country codes", tr="{field} iki harfli ülke kodları içermeli")
MAY_HOLD = Text.of(en="{field} may hold only {allowed}", tr="{field} yalnızca şunları içerebilir: {allowed}")

# --- substances, mixtures and mixing rules ------
UNIT_MISFIT = Text.of(
    en="{field} {value} does not fit doses in {unit}",
    tr="{field}: {value}, {unit} cinsinden dozlara uymuyor",
)
MISFIT = Text.of(en="{field} does not fit doses in {unit}", tr="{field}, {unit} cinsinden dozlara uymuyor")
NO_STRENGTH = Text.of(en="{field} is given without a strength", tr="{field} var ama konsantrasyon yok")
ABOVE_MAX = Text.of(en="{field} reaches {value}, above the hard_max of {limit}",
                    tr="{field} {value} değerine ulaşıyor; kesin üst sınır ise {limit}")
NOT_THE_SUM = Text.of(en="{field} {value} is not the sum of the items, {total}",
                      tr="{field}: {value}, bileşenlerin toplamı olan {total} değil")
ONLY_A_NAME = Text.of(
    en="{field}: write {names} by itself in its braces, without “!” or “:”",
    tr="{field}: {names} parantez içinde tek başına yazılmalı, “!” ya da “:” olmadan",
)
NO_SENTENCE = Text.of(
    en="{field}: its braces do not hold fields that can be filled in",
    tr="{field}: süslü ayraçların içinde doldurulabilecek alanlar yok",
)
UNKNOWN_PLACES = Text.of(
    en="{field} uses unknown fields {names}",
    tr="{field} bilinmeyen alanlar kullanıyor: {names}",
)
NEEDS_LIMITS = Text.of(en="shape {shape} needs the limits {names}", tr="{shape} biçimi şu sınırları ister: {names}")
NO_LIMITS = Text.of(en="shape {shape} needs the limits none", tr="{shape} biçimi hiç sınır istemez")
SHAPE_MISFIT = Text.of(
    en="shape {shape} and {field} do not fit",
    tr="{shape} biçimi ile {field} birbirine uymuyor",
)
LOOKS_ELSEWHERE = Text.of(
    en="{field} {value} does not fit shape {shape}, which looks at: {allowed}",
    tr="{field}: {value}, {shape} biçimine uymuyor; bu biçim şuraya bakar: {allowed}",
)

# --- texts for people, gates, figures ------
FOR_NOBODY = Text.of(en="the instruction is for nobody: give everybody, regions, categories or substances",
                     tr="bu talimat kimse için değil: everybody, bölgeler, kategoriler ya da maddeler verilmeli")
HOURS_RUN = Text.of(en="hours run from {low} to {high}", tr="saatler {low} değerinden {high} değerine gidiyor")
OUTSIDE_SETTABLE = Text.of(
    en="{field} {value} is outside settable_hours",
    tr="{field}: {value}, ayarlanabilir saatlerin dışında",
)
GRADES = Text.of(en="grades run from {low} to {high}", tr="dereceler {low} değerinden {high} değerine gidiyor")
GATE_LIMITS = Text.of(en="needs the limits {names}", tr="şu sınırları ister: {names}")
GATE_NO_LIMITS = Text.of(en="needs the limits none", tr="hiç sınır istemez")
ONE_OR_MORE = Text.of(en="{field} must be 1 or more", tr="{field} 1 ya da daha büyük olmalı")
NO_FIGURE = Text.of(
    en="{field} is not a figure of {code}; it has {names}",
    tr="{field}, {code} için bir değer değil; değerleri: {names}",
)
NO_FIGURES = Text.of(
    en="{field} is not a figure of {code}; it has none",
    tr="{field}, {code} için bir değer değil; hiç değeri yok",
)
NOT_COMPUTED = Text.of(
    en="nothing is computed with it; known are {names}",
    tr="bununla hiçbir şey hesaplanmıyor; bilinenler: {names}",
)

# --- cfg ------
CFG_SHAPE = Text.of(en="cfg must name fields with their whole range, not {value}",
                    tr="cfg alanları tüm aralıklarıyla belirtmeli, {value} değil")
CFG_RANGE = Text.of(en="cfg {path} must be a range [low, high] or a list of words",
                    tr="cfg {path} bir aralık [alt, üst] ya da bir sözcük listesi olmalı")
CFG_NO_FIELD = Text.of(
    en="cfg names {path}, which is not a field of the entry",
    tr="cfg {path} diyor; kayıtta böyle bir alan yok",
)
CFG_DOWN = Text.of(
    en="cfg {path} is a range from {low} down to {high}",
    tr="cfg {path} aralığı {low} değerinden {high} değerine iniyor",
)
CFG_OUTSIDE = Text.of(en="{field} {value} is outside its cfg range {low}–{high}",
                      tr="{field}: {value}, izin verilen {low}–{high} aralığının dışında")

# --- screening rules and questions ------
NO_LANGUAGE = Text.of(
    en="{field} has texts in {names}, which are not languages of the clinic",
    tr="{field} kliniğin dilleri arasında olmayan şu dillerde metin içeriyor: {names}",
)
LACKS_LANGUAGE = Text.of(en="{field} lacks the language {languages}", tr="{field} şu dilde yok: {languages}")
UNKNOWN_KEY = Text.of(en="unknown key {names}", tr="bilinmeyen anahtar: {names}")
MUST_BE_ONE_OF = Text.of(
    en="{field} must be one of {allowed}, not {value}",
    tr="{field} şunlardan biri olmalı: {allowed}; {value} değil",
)
MARK_MAY_HOLD = Text.of(
    en="{field} may hold {allowed}, not {names}",
    tr="{field} yalnızca {allowed} içerebilir; {names} değil",
)
VALUES_OR_ENDS = Text.of(
    en="give “values”, or “lowest” and “highest”",
    tr="“values” ya da “lowest” ile “highest” verilmeli",
)
NEEDS_CLAUSES = Text.of(
    en="“clauses” must be a list with at least one clause, or the rule a “sentence” of its own",
    tr="“clauses” en az bir maddelik bir liste olmalı ya da kuralın kendi cümlesi (“sentence”) olmalı")
NEEDS_TESTS = Text.of(
    en="“tests” is a list with at least one test, and stands in a “lab-” rule only",
    tr="“tests” en az bir testlik bir listedir ve yalnızca “lab-” kuralında bulunur")
NEEDS_SENTENCE = Text.of(
    en="neither the clause nor the rule has a “sentence”",
    tr="ne maddenin ne de kuralın cümlesi (“sentence”) var",
)
NEEDS_WAIT = Text.of(
    en="a temporary clause needs “wait”; beside it only a note (info) may have one",
    tr="geçici bir madde “wait” ister; ondan başka yalnızca bir not (info) bekleme içerebilir")
NEEDS_SPAN = Text.of(en="“within” needs days or months", tr="“within” gün ya da ay ister")
NO_CONDITION = Text.of(
    en="no known condition in {names}; known are {allowed}",
    tr="{names} içinde bilinen bir koşul yok; bilinenler: {allowed}",
)
NEEDS_CONDITIONS = Text.of(en="{field} needs a list of conditions", tr="{field} bir koşul listesi ister")
NEEDS_BOUND = Text.of(
    en="a number needs at_least, above, at_most or below",
    tr="bir sayı at_least, above, at_most ya da below ister",
)
NEEDS_IS = Text.of(en="{field} needs “is”", tr="{field} için “is” gerekli")
TWO_OPTIONS = Text.of(en="a choice needs at least two options", tr="bir seçim en az iki seçenek ister")
NONE_FIRST = Text.of(en="a list needs options, “none” first", tr="bir liste seçenek ister, ilki “none” olmalı")
KEY_START = Text.of(
    en="the key {written} must begin with {prefix} or with a dot",
    tr="{written} anahtarı {prefix} ile ya da bir noktayla başlamalı",
)

# --- references ------
REFERS = Text.of(
    en="{field} refers to {word}, which is not in the catalogue",
    tr="{field} katalogda olmayan {word} kaydına gönderme yapıyor",
)
CANNOT_HOLD = Text.of(
    en="{field}: {word} can never be the answer here",
    tr="{field}: {word} burada hiçbir zaman yanıt olamaz",
)
OUT_OF_REACH = Text.of(en="{field}: {value} is never reached; figures here lie between {low} and {high}",
                       tr="{field}: {value} değerine hiç ulaşılmaz; buradaki değerler {low} ile {high} arasındadır")
HOLDS_NO = Text.of(en="{field}: {word} holds no {what}", tr="{field}: {word} {what} içermez")
A_DATE, A_NUMBER, REGIONS = Text.of(en="date", tr="tarih"), Text.of(en="number", tr="sayı"), Text.of(en="regions", tr="bölge")
A_SECOND = Text.of(en="second value", tr="ikinci değer")
EMPTY_GROUP = Text.of(en="{field} names the group {word}, to which no substance belongs",
                      tr="{field} hiçbir maddenin ait olmadığı {word} grubunu belirtiyor")
ONE_WITH_ONE = Text.of(en="shape anaesthetic-sum compares exactly one substance with one other",
                       tr="anaesthetic-sum biçimi tam olarak bir maddeyi bir başkasıyla karşılaştırır")
NO_WEIGHT = Text.of(en="{field} is a limit by body weight, but m-weight is not required_with it",
                    tr="{field} vücut ağırlığına göre bir sınır, ama m-weight bununla birlikte istenmiyor")
ITEM_STRENGTH = Text.of(en="items: {word} needs a strength, its doses count in {unit}",
                        tr="bileşenler: {word} bir konsantrasyon ister, dozları {unit} ile sayılır")
ITEM_UNIT = Text.of(en="items: the unit {unit} of {word} is not the catalogue's {expected}",
                    tr="bileşenler: {word} maddesinin birimi {unit}, katalogdaki {expected} değil")
ENTRY_MISSING = Text.of(en="is missing; its figure is computed with", tr="eksik; değeriyle hesap yapılıyor")
FIGURE_MISSING = Text.of(en="{field} is missing; it is computed with", tr="{field} eksik; onunla hesap yapılıyor")
CIRCLE = Text.of(en="{field} leads back to itself: {way}", tr="{field} kendine geri dönüyor: {way}")
ASKED_AFTER_ITSELF = Text.of(
    en="the follow-up is asked only after itself: {way}",
    tr="ek soru ancak kendisinden sonra soruluyor: {way}",
)

# --- files ------
NO_FILES = Text.of(en="there are no YAML files here", tr="burada YAML dosyası yok")
NOT_YAML = Text.of(en="not readable as YAML: {what}", tr="YAML olarak okunamıyor: {what}")
NO_LIST = Text.of(en="the file must be a list of entries", tr="dosya bir kayıt listesi olmalı")
NO_CODE = Text.of(en="the entry has no code", tr="kaydın kodu yok")
