"""A hundred thousand invented people. Names are put together from syllables, numbers lead nowhere."""
from __future__ import annotations

import base64
import datetime as dt
import hashlib
import random
from dataclasses import dataclass

WOMEN = ("Anna", "Maria", "Elena", "Olga", "Irina", "Julia", "Laura", "Sophie", "Ayşe", "Claire", "Lena", "Işıl", "Nina",
         "Eva", "Clara", "Paula", "Rosa", "Emma", "Mia", "Zeynep", "Ada", "Vera", "Lea", "Zoé", "Inês", "Sara", "Marta",
         "Lucía", "Carla", "Bianca")  # fmt: skip
MEN = ("Paul", "Max", "Jonas", "Felix", "Leon", "Igor", "Ivan", "Peter", "Çağrı", "Karl", "Otto", "Emil", "Hugo", "Luis",
       "Marco", "Dario", "André", "Simon", "David", "Uğur")  # fmt: skip
STEMS = ("Mull", "Schm", "Schn", "Fisch", "Web", "Mey", "Wagn", "Beck", "Hoff", "Koch", "Rich", "Klein", "Wolf", "Schro",
         "Neum", "Schwar", "Zimm", "Brau", "Krug", "Hart", "Lang", "Werm", "Kraus", "Lehm", "Koh", "Maur", "Her", "Kon",
         "Walt", "May", "Pet", "Iva", "Sid", "Kuz", "Vol", "Sok", "Leb", "Nov", "Mor", "Pavl")  # fmt: skip
ENDINGS = ("er", "idt", "eider", "mann", "inger", "ert", "ner", "bauer", "enko", "ov", "sky", "ini", "etti", "ard", "son",
           "berg", "hof", "stein", "feld", "wald", "ler", "ig", "ich", "aus", "ow")  # fmt: skip
LANGUAGES = ("tr", "it", "de", "en", "en", "es", "en", "tr")  # of the eight sites
WITHOUT_ADDRESS = 8  # every eighth


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


def person(number: int, sex: str, site: int) -> Person:
    """The same one for the same number."""
    dice = random.Random(number)  # noqa: S311 - invented people, always the same
    return Person(
        number, dice.choice(MEN if sex == "male" else WOMEN), dice.choice(STEMS) + dice.choice(ENDINGS),
        dt.date(1950, 1, 1) + dt.timedelta(days=dice.randrange(20_000)), sex, LANGUAGES[site],
        f"+4915{dice.randrange(10**8):08d}", "" if number % WITHOUT_ADDRESS == 0 else f"p{number}@mail.example",
    )  # fmt: skip


def public_id(kind: str, number: int) -> str:
    """22 letters that look random and are the same for the same number."""
    digest = hashlib.blake2b(f"{kind}:{number}".encode(), digest_size=16).digest()
    return base64.urlsafe_b64encode(digest)[:22].decode()
