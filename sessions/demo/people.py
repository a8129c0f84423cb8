"""Eighty invented people. Names are common, numbers lead nowhere, addresses end in .example."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass

NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    # language: women's given names, men's given names, family names
    "tr": (("Ayşe", "Elif", "Zeynep", "Şule", "Gülşah", "Işıl"), ("Mehmet", "Emre", "Çağrı", "Uğur"),
           ("Yılmaz", "Demir", "Şahin", "Öztürk", "Aydın", "Kılıç", "Doğan")),
    "it": (("Lucia", "Giulia", "Chiara", "Rosa", "Elena"), ("Marco", "Paolo", "Davide"),
           ("Marchetti", "Moreno", "Rossi", "Ferrari", "Greco", "Conti")),
    "en": (("Olivia", "Grace", "Hannah", "Nadia"), ("Samuel", "Daniel", "Tom"),
           ("Grant", "Whitfield", "Okafor", "Brooks", "Rahman")),
    "fr": (("Camille", "Inès", "Léa"), ("Hugo", "Rémi"), ("Dubois", "Lefèvre", "Moreau")),
    "es": (("Lucía", "Marta", "Inés"), ("Javier", "Álvaro"), ("Muñoz", "García", "Ibáñez")),
    "de": (("Clara", "Jana", "Ute"), ("Jörg", "Lukas"), ("Weiß", "Müller", "Schröder")),
    "ar": (("ليلى", "نور", "سارة"), ("يوسف", "كريم"), ("حداد", "المصري", "الخطيب")),
    "ru": (("Анна", "Ольга", "Ирина"), ("Павел", "Илья"), ("Иванова", "Соколова", "Орлова")),
}  # fmt: skip
SHARE = ["tr"] * 28 + ["it"] * 20 + ["en"] * 12 + ["fr", "es", "de", "ar", "ru"] * 4
PHONE = {"tr": "+9053255501", "it": "+3932055501", "en": "+4477009001"}


@dataclass(frozen=True, slots=True)
class Person:
    number: int
    given_name: str
    family_name: str
    birth_date: dt.date
    sex: str
    language: str
    phone: str
    email: str


def people(dice: random.Random) -> Iterator[Person]:
    """Eighty different adults; every eighth without an e-mail address."""
    used: set[tuple[str, str]] = set()
    for number, language in enumerate(SHARE, start=1):
        women, men, families = NAMES[language]
        while True:
            sex = "male" if dice.random() < 0.25 else "female"
            name = (dice.choice(men if sex == "male" else women), dice.choice(families))
            if name not in used or len(used) >= len(SHARE):
                break
        used.add(name)
        born = dt.date(1958, 1, 1) + dt.timedelta(days=dice.randrange(16_500))
        email = "" if number % 8 == 0 else f"patient{number:02d}@mail.example"
        phone = f"{PHONE.get(language, PHONE['it'])}{number:02d}"
        yield Person(number, *name, born, sex, language, phone, email)
