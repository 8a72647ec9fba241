"""Earlier: a table that was published before, and what is on record of how it was made.

Two releases can only be set side by side where it is known how their words belong together. So each release records
digests of its treatments and of the steps of its hierarchies (`ladders`); what was published before they were recorded
is judged by its controls and its labels.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from anonymize.coordinate_pairs import is_located
from schemas.disclosure import Control, DisclosureControl, DisclosureReport
from schemas.hierarchy import Level
from schemas.statistics import COUNT

DIGITS = 16  # of a digest that is only compared for equality
# The same parameters may give other values where the data are others: these say nothing across releases.
VARYING = frozenset({Control.MICROAGGREGATE, Control.TOP_BOTTOM_CODE})
KEYED = frozenset({Control.PSEUDONYM, Control.DATE_SHIFT})  # the key is the tier's
VARIES = "varies"
INPUTS = "inputs"  # of districts: a digest of what they were found by


@dataclass(frozen=True)
class Earlier:
    """A published table. stored: the table, or how to read it, so that of many only one is in memory; whoever looks at
    it more than once takes `opened()`.

    treatments: field → digest of its control, or the control alone; ladders: field → digests of the levels between the
    values and the root, None where they are not on record; levels: field → level, -1 mixed.

    k, l: what it had to meet. sensitive: the fields that l was asked of; person: the one that tells persons apart.
    noisy: protected by noise. same_tier: as the new table; same_source: made of the same file for the same question;
    same_release: not published before, but of another tier of the release that is being made.
    """

    stored: pa.Table | Callable[[], pa.Table]
    quasi_identifiers: tuple[str, ...] = ()
    k: int | None = None
    l: int | None = None  # noqa: E741 - the field's standard name
    levels: dict[str, int] = field(default_factory=dict)
    treatments: dict[str, str] = field(default_factory=dict)
    ladders: dict[str, tuple[str, ...]] | None = None
    sensitive: tuple[str, ...] = ()
    person: str | None = None
    noisy: bool = False
    same_tier: bool = True
    same_source: bool = False
    same_release: bool = False

    @property
    def table(self) -> pa.Table:
        """The table, read anew where it is not held."""
        return self.stored() if callable(self.stored) else self.stored

    def opened(self) -> "Earlier":
        """The same, its table in memory for as long as this is."""
        return replace(self, stored=self.table)

    @property
    def by(self) -> tuple[str, ...]:
        """Of a statistical table: the fields it groups by."""
        names = self.table.column_names
        return tuple(names[: names.index(COUNT)]) if COUNT in names else ()


def earlier_table(
    stored: pa.Table | Callable[[], pa.Table],
    report: DisclosureReport,
    *,
    same_tier: bool = True,
    same_source: bool = False,
) -> Earlier:
    """A table as it was published, with what its disclosure report has on record."""
    thresholds, recorded = report.thresholds, report.extra.get("ladders")
    treatments = report.extra.get("treatments") or {effect.field: effect.control.value for effect in report.effects}
    return Earlier(
        stored=stored,
        quasi_identifiers=report.quasi_identifiers,
        k=thresholds.k if thresholds else None,
        l=thresholds.l if thresholds else None,
        levels=dict(report.extra.get("levels") or {}),
        treatments=dict(treatments),
        ladders=None if recorded is None else {name: tuple(steps) for name, steps in recorded.items()},
        sensitive=tuple(report.extra.get("sensitive", ())),
        person=report.extra.get("person"),
        noisy="privacy" in report.extra,
        same_tier=same_tier,
        same_source=same_source,
    )


def treatments_of(controls: Sequence[DisclosureControl]) -> dict[str, str]:
    """Field → its control, and a digest of its parameters."""
    return {c.field: _treatment(c) for c in controls if c.control is not Control.DROP}


def _treatment(control: DisclosureControl) -> str:
    """The control and a digest of its parameters. One that varies with the data is marked so: there equal digests say
    that the same source gives the same values. Districts whose inputs are not known get no digest."""
    fixed = control.control is Control.TOP_BOTTOM_CODE and "share" not in control.parameters
    varies = (control.control in VARYING and not fixed) or is_located(control)
    kind = f"{control.control.value}:{VARIES}" if varies else control.control.value
    if is_located(control) and INPUTS not in control.parameters:
        return kind
    parameters = {name: value for name, value in control.parameters.items() if name != "lowest"}
    return f"{kind}:{digest_of(parameters)}"


def varies(treatment: str) -> bool:
    """Whether values came about in a way that depends on who else is in the table."""
    return treatment.split(":")[1:2] == [VARIES]


def repeatable(treatment: str) -> bool:
    """Whether the same source is sure to give the same values again."""
    return not varies(treatment) or len(treatment.split(":")) == 3


def ladder_of(steps: Sequence[Level]) -> tuple[str, ...]:
    """A digest per level of a hierarchy, its title left out."""
    return tuple(digest_of(step.model_dump(mode="json", exclude={"title"})) for step in steps)


def digest_of(value: object) -> str:
    """A short digest, to be compared for equality alone."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:DIGITS]


def linkable(field_name: str, treatments: dict[str, str], earlier: Earlier) -> bool | None:
    """Whether equal values of a field mean the same in both tables. None: nobody can link them, as each tier has a key
    of its own; False: not known."""
    new, old = treatments.get(field_name), earlier.treatments.get(field_name)
    if new is None or old is None or varies(new):
        return False
    if not earlier.same_tier and Control(new.partition(":")[0]) in KEYED:
        return None
    return new == old if ":" in old else new.partition(":")[0] == old and old not in VARYING
