"""A million records set beside a million that were published before: time against treating them, and memory.

Judged by CPU time, as the work is single-threaded.
"""

import resource
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from anonymize.apply import apply_controls
from anonymize.rerelease import suppress_differences
from anonymize.treated import TreatedTable
from schemas.disclosure import Control, DisclosureControl, Recoding
from schemas.hierarchy import Hierarchy, Level
from schemas.table_schema import FieldRole
from tests.benchmarks import Row
from tests.factories.disclosure import control, published, text, tier_policy

ROWS, CHANGED = 1_000_000, 10_000  # as many came, as many left
GIBIBYTE = 1 << 20  # ru_maxrss counts in KiB
SEX = Hierarchy(name="flat", title=text("s"), source=text("t"))
AGE = Hierarchy(name="bands", title=text("a"), source=text("t"), levels=(Level(band=5), Level(band=20)))
PLACE = Hierarchy(
    name="places", title=text("p"), source=text("t"), levels=(Level(prefix=4, fill="0"), Level(prefix=2, fill="0"))
)


def run() -> list[Row]:
    people = _people()
    before, after = people.slice(0, ROWS - CHANGED), people.slice(CHANGED)
    rows = [
        _beside("one finer by age, the other by place", before, _plan(1, 2), after, _plan(2, 1), Recoding.FULL_DOMAIN),
        _beside("the same levels", before, _plan(1, 2), after, _plan(1, 2), Recoding.FULL_DOMAIN),
        _beside("local recoding", before, _plan(0, 0), after, _plan(0, 0), Recoding.LOCAL),
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIBIBYTE
    return [*rows, Row("peak memory of all of it", f"{peak:.2f} GiB", "≤ 2 GiB", peak <= 2)]


Plan = tuple[DisclosureControl, ...]


def _beside(name: str, before: pa.Table, old_plan: Plan, after: pa.Table, new_plan: Plan, recoding: Recoding) -> Row:
    tier = tier_policy(recoding=recoding)
    old = apply_controls(before, old_plan, tier, None)
    treating, new = _timed(lambda: apply_controls(after, new_plan, tier, None))
    seconds, checked = _timed(lambda: suppress_differences(new, after, [published(old, tier)], new_plan, tier))
    withheld = checked.records_suppressed - new.records_suppressed
    measured = f"{seconds:.1f} s CPU, treating {treating:.1f} s; {withheld:,} records withheld"
    return Row(f"1 M rows beside 1 M: {name}", measured, "≤ twice the treating", seconds <= 2 * treating)


def _timed(task: Callable[[], TreatedTable]) -> tuple[float, TreatedTable]:
    start = time.process_time()
    result = task()
    return time.process_time() - start, result


def _people() -> pa.Table:
    random = np.random.default_rng(0)
    places = np.array([f"{p}{c:02d}{d:02d}" for p in range(11, 31) for c in range(1, 11) for d in range(1, 11)])
    return pa.table(
        {
            "sex": random.choice(["男", "女"], ROWS),
            "age": random.integers(0, 80, ROWS),
            "place": places[random.integers(0, len(places), ROWS)],
            "diagnosis": random.choice([f"d{n}" for n in range(50)], ROWS),
            "cost": random.integers(1, 60, ROWS),
        }
    )


def _plan(age: int, place: int) -> Plan:
    """Levels are no finer than these."""
    quasi = FieldRole.QUASI_IDENTIFIER
    return (
        control("sex", quasi, Control.GENERALISE, levels=SEX),
        control("age", quasi, Control.GENERALISE, levels=AGE, type="integer", lowest=age),
        control("place", quasi, Control.GENERALISE, levels=PLACE, lowest=place),
        control("diagnosis", FieldRole.SENSITIVE, Control.KEEP),
        control("cost", FieldRole.NON_SENSITIVE, Control.KEEP, type="integer"),
    )
