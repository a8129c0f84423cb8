"""Words of the patients floor that both code and texts share. Pure: no Django.

Changing a code here needs a data migration: answers and measurements already stored use it.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from clinic.code_words import translated
from clinic.languages import STAFF, TRANSLATED, short


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in every language the clinic shows it in. `str()` gives the English one."""

    by_language: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, **by_language: str) -> Text:
        return cls(tuple(by_language.items()))

    def get(self, language: str) -> str:
        """The sentence in `language` ("tr" also answers for "tr-TR"), else the English one."""
        return self.own(short(language)) or self._here("en")

    def own(self, language: str) -> str:
        """The sentence in exactly this language, as it stands here or in the catalogue of words; empty without one."""
        return self._here(language) or ("" if language in STAFF else translated(self._here("en"), language))

    def _here(self, language: str) -> str:
        """The sentence as it stands here; there are two at most."""
        for code, words in self.by_language:
            if code == language:
                return words
        return ""

    def __str__(self) -> str:
        return self.get("en")

    def with_values(self, **values: Text | str) -> Text:
        """The same sentence with its `{placeholders}` filled, each language with its own word."""
        known = dict.fromkeys([*dict(self.by_language), *(one for one in TRANSLATED if self.own(one))])
        return Text(
            tuple(
                (one, self.get(one).format(**{k: v.get(one) if isinstance(v, Text) else v for k, v in values.items()}))
                for one in known
            )
        )

    def to_json(self) -> dict[str, str]:
        return dict(self.by_language)


class Sex(StrEnum):
    """Sex for clinical use; `other` also stands for unknown and sees the questions of both."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class EventStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class Causality(StrEnum):
    """How likely the treatment caused an event (clinical reference, section 11)."""

    CERTAIN = "certain"
    PROBABLE = "probable"
    POSSIBLE = "possible"
    UNLIKELY = "unlikely"
    UNRELATED = "unrelated"
    NOT_ASSESSED = "not-assessed"


# Places on the body a patient can name. The codes are the regions of the catalogue, so that "where is the rash?" and
# "where do we treat?" can be compared; the words are the patient's.
BODY_AREAS: Mapping[str, Text] = {
    "reg-face": Text.of(en="Face", tr="Yüz"),
    "reg-periocular": Text.of(en="Around the eyes", tr="Göz çevresi"),
    "reg-lips": Text.of(en="Lips", tr="Dudaklar"),
    "reg-eyebrow": Text.of(en="Eyebrows", tr="Kaşlar"),
    "reg-submental": Text.of(en="Under the chin", tr="Çene altı"),
    "reg-head": Text.of(en="Head, temples", tr="Baş, şakaklar"),
    "reg-scalp": Text.of(en="Scalp", tr="Saçlı deri"),
    "reg-neck": Text.of(en="Neck", tr="Boyun"),
    "reg-decollete": Text.of(en="Upper chest", tr="Dekolte"),
    "reg-neck-shoulder": Text.of(en="Nape and shoulders", tr="Ense ve omuzlar"),
    "reg-upper-back": Text.of(en="Upper back", tr="Sırt"),
    "reg-lumbar": Text.of(en="Lower back", tr="Bel"),
    "reg-upper-arm": Text.of(en="Upper arms", tr="Üst kollar"),
    "reg-hands": Text.of(en="Hands", tr="Eller"),
    "reg-breast": Text.of(en="Breasts", tr="Göğüsler"),
    "reg-abdomen": Text.of(en="Belly", tr="Karın"),
    "reg-lower-abdomen": Text.of(en="Lower belly", tr="Alt karın"),
    "reg-flank": Text.of(en="Sides of the waist", tr="Bel yanları"),
    "reg-buttock": Text.of(en="Buttocks", tr="Kalça"),
    "reg-thigh": Text.of(en="Thighs", tr="Uyluklar"),
    "reg-knee": Text.of(en="Knees", tr="Dizler"),
    "reg-leg": Text.of(en="Lower legs", tr="Bacaklar"),
    "reg-joint-other": Text.of(en="Another joint", tr="Başka bir eklem"),
}

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "face": ("reg-face", "reg-periocular", "reg-lips", "reg-eyebrow", "reg-submental", "reg-head"),
    "neck": ("reg-neck", "reg-decollete"),
}
_GROUP_OF = {region: group for group, regions in _GROUPS.items() for region in regions}


def region_group(region: str) -> str:
    """Neighbouring regions share a group, so that a rash on the lips counts for the face; others stand alone."""
    return _GROUP_OF.get(region, region)
