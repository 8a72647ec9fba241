"""Full-domain and local recoding against brute force; l and t against their definitions."""

import itertools
from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.classes import closeness, combined_codes, distinct_diversity, equivalence_classes
from anonymize.hierarchies import GeneralisedColumn, fixed_column, generalise_column
from anonymize.kanonymity import Requirement, SensitiveColumn, failing_rows, full_domain, losses_of, reachable_k
from anonymize.lattice import Lattice
from anonymize.loss import aggregate_loss
from anonymize.mondrian import local_recoding
from anonymize.tuples import TupleTable
from schemas.hierarchy import Hierarchy, Level
from tests.factories.disclosure import text

LEVELS = (Level(band=2), Level(band=4), Level(band=12))
BANDS = Hierarchy(name="bands", title=text("b"), source=text("s"), levels=LEVELS)
tables = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=40
)


def columns_of(rows: list[tuple[int, ...]]) -> tuple[list[GeneralisedColumn], SensitiveColumn]:
    wide = [
        generalise_column(f"q{j}", pa.chunked_array([pa.array([r[j] for r in rows])]), BANDS, lowest=j % 2)
        for j in (0, 1)
    ]
    fixed = fixed_column("q2", pa.chunked_array([pa.array([r[2] for r in rows])]))
    return [*wide, fixed], SensitiveColumn("s", np.array([r[3] for r in rows]), ordered=True)


def brute_force(
    columns: list[GeneralisedColumn], requirement: Requirement, sensitive: list[SensitiveColumn]
) -> float | None:
    """The least loss over all nodes, straight from the definitions."""
    rows = len(columns[0].codes)
    best = None
    for node in itertools.product(*(range(c.lowest, c.height) for c in columns)):
        key = list(zip(*(c.level_codes[n][c.codes].tolist() for c, n in zip(columns, node, strict=True)), strict=True))
        members = defaultdict(list)
        for row, k in enumerate(key):
            members[k].append(row)
        gone = np.zeros(rows, bool)
        for group in members.values():
            if len(group) < requirement.k or any(_misses(group, s, requirement) for s in sensitive):
                gone[group] = True
        if gone.sum() <= requirement.suppression_limit * rows:
            loss = float(aggregate_loss(losses_of(columns, node, gone)))
            best = loss if best is None else min(best, loss)
    return best


def _misses(group: list[int], sensitive: SensitiveColumn, requirement: Requirement) -> bool:
    values = sensitive.codes[group]
    if requirement.l is not None and len(set(values.tolist())) < requirement.l:
        return True
    return requirement.t is not None and _distance(values, sensitive) > requirement.t + 1e-12


def _distance(values: np.ndarray, sensitive: SensitiveColumn) -> float:
    size = int(sensitive.codes.max()) + 1
    p = np.bincount(values, minlength=size) / len(values)
    q = np.bincount(sensitive.codes, minlength=size) / len(sensitive.codes)
    if sensitive.ordered:
        return 0.0 if size == 1 else float(np.abs(np.cumsum(p - q)).sum() / (size - 1))
    return float(np.abs(p - q).sum() / 2)


@pytest.mark.parametrize(
    "requirement",
    [
        Requirement(2, 0.0),
        Requirement(3, 0.2),
        Requirement(2, 1.0),
        Requirement(2, 0.1, l=2),
        Requirement(2, 0.3, l=3),
        Requirement(2, 0.3, t=0.3),
        Requirement(2, 0.5, l=2, t=0.5),
    ],
)
@given(rows=tables)
@settings(max_examples=25, deadline=None)
def test_the_optimum_is_the_one_of_brute_force(requirement: Requirement, rows: list) -> None:
    columns, sensitive = columns_of(rows)
    watched = [sensitive] if requirement.l or requirement.t else []
    found = full_domain(columns, requirement, [sensitive])
    expected = brute_force(columns, requirement, watched)
    if expected is None:
        assert found is None
        return
    assert found is not None
    assert found.optimal
    assert found.loss == pytest.approx(expected, abs=1e-12)
    assert all(level >= c.lowest for c, level in zip(columns, found.levels, strict=True))
    assert (found.suppressed == failing_rows(columns, found.levels, requirement, watched)).all()


@given(rows=tables, k=st.integers(2, 4))
@settings(max_examples=25, deadline=None)
def test_reachable_k_is_the_border(rows: list, k: int) -> None:
    columns, _ = columns_of(rows)
    reached = reachable_k(columns, 0.1)
    assert full_domain(columns, Requirement(max(reached, 1), 0.1)) is not None
    assert full_domain(columns, Requirement(reached + 1, 0.1)) is None


def test_keys_that_do_not_fit_a_word_and_huge_lattices() -> None:
    random = np.random.default_rng(1)
    columns = [
        generalise_column(f"q{j}", pa.chunked_array([pa.array(random.integers(0, 12, 300))]), BANDS) for j in range(24)
    ]
    assert TupleTable(columns).strides is None
    found = full_domain(columns, Requirement(5, 0.05))
    assert found is not None
    assert not found.optimal
    kept = [c.level_codes[n][c.codes][~found.suppressed] for c, n in zip(columns, found.levels, strict=True)]
    assert equivalence_classes(kept, int((~found.suppressed).sum()))[1].min() >= 5


def test_packed_and_plain_grouping_agree() -> None:
    random = np.random.default_rng(2)
    columns = [
        generalise_column(f"q{j}", pa.chunked_array([pa.array(random.integers(0, 12, 200))]), BANDS) for j in range(3)
    ]
    packed, plain = TupleTable(columns), TupleTable(columns)
    plain.strides = None
    requirement = Requirement(4, 0.05)
    assert Lattice(packed, requirement, (), "gm").search() == Lattice(plain, requirement, (), "gm").search()


@pytest.mark.parametrize("recode", ["full", "local"])
def test_nobody_is_in_an_empty_table(recode: str) -> None:
    columns = [generalise_column("q", pa.chunked_array([pa.array([], pa.int64())]), BANDS)]
    found = full_domain(columns, Requirement(5, 0)) if recode == "full" else local_recoding(columns, Requirement(5, 0))
    assert found is not None
    assert len(found.suppressed) == 0


@given(rows=tables, k=st.integers(1, 5), least=st.sampled_from([None, 2]))
@settings(max_examples=60, deadline=None)
def test_local_recoding_meets_k_and_l_and_covers_every_value(rows: list, k: int, least: int | None) -> None:
    wide, sensitive = columns_of(rows)
    columns = wide[:2]
    found = local_recoding(columns, Requirement(k, 0.0, l=least), [sensitive])
    whole_is_diverse = least is None or len({r[3] for r in rows}) >= least
    if len(rows) < k or not whole_is_diverse:
        assert found is None
        return
    assert found is not None
    texts = list(zip(*(c.to_pylist() for c in found.columns), strict=True))
    assert min(Counter(texts).values()) >= k
    for group in set(found.group.tolist()):
        inside = np.flatnonzero(found.group == group)
        assert len(inside) >= k
        assert least is None or len({rows[i][3] for i in inside}) >= least
    for j, column in enumerate(columns):
        for row, label in zip(rows, found.columns[j].to_pylist(), strict=True):
            levels = {column.label(n, int(column.codes[rows.index(row)])) for n in range(column.lowest, column.height)}
            assert label in levels
    assert 0 <= found.loss <= 1


def test_local_recoding_loses_less_than_full_domain_where_one_outlier_spoils_a_column() -> None:
    rows = [(v, v, 0, 0) for v in range(8) for _ in range(5)] + [(11, 0, 0, 0)] * 5
    columns = columns_of(rows)[0][:2]
    local, full = local_recoding(columns, Requirement(5, 0.0)), full_domain(columns, Requirement(5, 0.0))
    assert local is not None
    assert full is not None
    assert local.loss <= full.loss


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=50),
    st.booleans(),
)
@settings(deadline=None)
def test_diversity_and_closeness_follow_their_definitions(pairs: list[tuple[int, int]], ordered: bool) -> None:
    class_of, sizes = equivalence_classes([np.array([p[0] for p in pairs])], len(pairs))
    sensitive = SensitiveColumn("s", np.array([p[1] for p in pairs]), ordered)
    overall = np.bincount(sensitive.codes) / len(pairs)
    distances = closeness(class_of, sizes, sensitive.codes, overall, ordered=ordered)
    diversity = distinct_diversity(class_of, len(sizes), sensitive.codes)
    for number in range(len(sizes)):
        values = sensitive.codes[class_of == number]
        assert distances[number] == pytest.approx(_distance(values, sensitive), abs=1e-12)
        assert diversity[number] == len(set(values.tolist()))


def test_published_examples_of_t_closeness() -> None:
    """Salaries 3k to 11k of Li, Li and Venkatasubramanian (2007, §4.2): 0.375 and 0.167."""
    overall = np.full(9, 1 / 9)
    lowest, spread = np.array([0, 1, 2]), np.array([3, 5, 8])
    class_of = np.array([0, 0, 0, 1, 1, 1])
    distances = closeness(class_of, np.array([3, 3]), np.concatenate([lowest, spread]), overall, ordered=True)
    assert distances == pytest.approx([0.375, 0.1667], abs=1e-3)


def test_wide_keys_are_compressed_not_overflown() -> None:
    random = np.random.default_rng(0)
    columns = [random.integers(0, 1 << 20, 500) for _ in range(6)]
    keys = combined_codes(columns, 500)
    assert len(np.unique(keys)) == len(np.unique(np.column_stack(columns), axis=0))
