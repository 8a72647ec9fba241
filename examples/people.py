"""Invented residents, firms and what belongs together in them."""

import datetime
from dataclasses import dataclass
from random import Random

from examples.identifiers import mobile, resident_id, uscc
from examples.words import DIVISIONS, INDUSTRIES, firm_name, person_name, weighted


@dataclass(frozen=True)
class Person:
    name: str
    female: bool
    born: datetime.date
    division: str
    resident_id: str
    mobile: str

    @property
    def gender(self) -> str:
        return "女" if self.female else "男"


@dataclass(frozen=True)
class Firm:
    name: str
    uscc: str
    industry: str
    legal_representative: str


def make_person(rng: Random, taken: set[str], youngest: int = 18, oldest: int = 60, year: int = 2026) -> Person:
    """A resident whose ID number is not in `taken` (and then is). Ages lean to the middle, in years at `year`."""
    age = round(rng.triangular(youngest, oldest, youngest + (oldest - youngest) * 0.35))
    while True:
        female = rng.random() < 0.46
        born = datetime.date(year - age, 1, 1) + datetime.timedelta(days=rng.randrange(365))
        division = weighted(rng, DIVISIONS)
        number = resident_id(rng, division, born, female)
        if number not in taken:
            taken.add(number)
            return Person(person_name(rng, female), female, born, division, number, mobile(rng))


def make_firms(rng: Random, count: int) -> list[Firm]:
    """`count` firms with distinct names and codes."""
    weights = {section: weight for section, (_, weight) in INDUSTRIES.items()}
    firms: dict[str, Firm] = {}
    while len(firms) < count:
        industry = weighted(rng, weights)
        name = firm_name(rng, industry)
        firms.setdefault(name, Firm(name, uscc(rng), industry, person_name(rng, rng.random() < 0.3)))
    return list(firms.values())
