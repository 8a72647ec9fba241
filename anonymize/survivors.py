"""Raw identifiers that survived treatment, by comparing the output with the source: no detector can miss these."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from anonymize.treatments.masking import names_organisation
from schemas.disclosure import Control, DisclosureControl
from schemas.table_schema import FieldRole

TELLING = 6  # shorter values may stand in another column by chance


def surviving_cells(
    source: pa.Table, treated: pa.Table, controls: Sequence[DisclosureControl]
) -> tuple[dict[str, int], dict[str, int]]:
    """Number of cells that still hold a raw direct identifier, per output column: in the identifier's own column, and
    in other columns (whole cells of TELLING characters or more).

    Fields the policy keeps are not looked for, nor names of organisations, which masks leave readable.
    """
    own: dict[str, int] = {}
    elsewhere: dict[str, int] = {}
    readable = {c.field for c in controls if c.control is Control.KEEP and c.role is FieldRole.DIRECT_IDENTIFIER}
    for control in controls:
        if control.role is not FieldRole.DIRECT_IDENTIFIER or control.control is Control.KEEP:
            continue
        raw = _raw_values(source[control.field])
        if control.field in treated.column_names and (cells := _cells_in(treated[control.field], raw)):
            own[control.field] = cells
        telling = raw.filter(pc.greater_equal(pc.utf8_length(raw), TELLING))
        for name in treated.column_names:
            if name != control.field and name not in readable and (cells := _cells_in(treated[name], telling)):
                elsewhere[name] = elsewhere.get(name, 0) + cells
    return own, elsewhere


def _raw_values(column: pa.ChunkedArray) -> pa.Array:
    values = column.unique().cast(pa.string()).drop_null()
    return pa.array([v for v in values.to_pylist() if v and not names_organisation(v)], pa.string())


def _cells_in(column: pa.ChunkedArray, values: pa.Array) -> int:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)) or not len(values):
        return 0
    return int(pc.sum(pc.is_in(column, value_set=values)).as_py() or 0)
