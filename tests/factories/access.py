"""People and a dataset that tests of applications act with."""

from datetime import UTC, datetime

from schemas.actor import Actor, Duty

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # Monday, 9:00 in Shanghai
WANG = Actor(id="wang", duties=frozenset({Duty.RESEARCHER}), organisation="university")
LIU = Actor(id="liu", duties=frozenset({Duty.ACCESS_REVIEWER}), organisation="data-bureau")
CHEN = Actor(id="chen", duties=frozenset({Duty.DECIDER}), organisation="data-bureau")
DECLARATION = {
    "name": "employment",
    "title": "就业登记",
    "notes": "n",
    "publisher": "human-resources",
    "openness": "conditional",
    "schema": "employment@1.0.0",
    "legal_basis": "l",
    "access_conditions": "a",
}
