"""One column as its distinct cells: what detection works on."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from anonymize.matching import normalise_many
from anonymize.recognizers.specification import INVISIBLE
from anonymize.shapes import Shapes, count_shapes, shapes_of
from schemas.findings import Finding
from schemas.table_schema import FieldRole, Meaning

MOST_SHAPES = 5


@dataclass(frozen=True)
class Column:
    """field: its name. kind: Arrow type of the cells. codes: per row 0 for null, else 1 + place in `texts`.
    texts: the distinct cells as normalised, stripped strings. counts: how often each occurs."""

    field: str
    kind: pa.DataType
    codes: npt.NDArray[np.int64]
    texts: pl.Series
    counts: npt.NDArray[np.int64]

    @property
    def rows(self) -> int:
        return len(self.codes)

    @cached_property
    def cells(self) -> int:
        """Non-null cells."""
        return int(self.counts.sum())

    @property
    def distinct(self) -> int:
        return len(self.texts)

    @cached_property
    def unique_share(self) -> float:
        """Share of the non-null cells whose value occurs once."""
        return int((self.counts == 1).sum()) / self.cells if self.cells else 0.0

    @cached_property
    def shapes(self) -> Shapes:
        """The shape of every distinct cell."""
        return shapes_of(self.texts)

    def share(self, chosen: npt.NDArray[np.bool_]) -> float:
        """Share of the non-null cells whose distinct value is chosen."""
        return self.count(chosen) / self.cells if self.cells else 0.0

    def count(self, chosen: npt.NDArray[np.bool_]) -> int:
        """Cells whose distinct value is chosen."""
        return int(self.counts[chosen].sum())

    def matching(self, expression: str) -> npt.NDArray[np.bool_]:
        """Distinct cells that hold a match of the (Rust) expression."""
        return self.texts.str.contains(expression).to_numpy()

    def sample(self, most: int) -> npt.NDArray[np.int64]:
        """Places of at most `most` distinct cells, evenly spread."""
        return (
            np.arange(self.distinct) if self.distinct <= most else np.linspace(0, self.distinct - 1, most).astype(int)
        )


def read_column(field: str, cells: pa.ChunkedArray) -> Column:
    """The column of Arrow cells of any type; nested cells count as their text."""
    encoded = _encode(cells)
    raw = pl.Series("", encoded.dictionary.cast(pa.large_string()), dtype=pl.String)
    codes = pc.fill_null(pc.add(encoded.indices.cast(pa.int64()), 1), 0).to_numpy(zero_copy_only=False)
    texts = normalise_many(raw.str.replace_all(INVISIBLE, "")).str.strip_chars()
    return Column(field, cells.type, codes, texts, np.bincount(codes, minlength=len(raw) + 1)[1:].astype(np.int64))


def _encode(cells: pa.ChunkedArray) -> pa.DictionaryArray:
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if pa.types.is_string(cells.type) or pa.types.is_null(cells.type):
        cells = cells.cast(pa.large_string())  # chunks together may hold more than 2 GiB
    elif pa.types.is_nested(cells.type) or pa.types.is_binary(cells.type) or pa.types.is_large_binary(cells.type):
        cells = pa.chunked_array([[None if c is None else str(c) for c in cells.to_pylist()]], pa.large_string())
    elif pa.types.is_floating(cells.type):
        cells = _floats_as_written(cells)
    encoded = cells.combine_chunks().dictionary_encode()
    return encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded


def _floats_as_written(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole numbers without a fraction: identifiers that a spreadsheet took for numbers stay recognisable."""
    whole = pc.and_(pc.equal(pc.floor(cells), cells), pc.less(pc.abs(cells), 1e18))
    integers = pc.if_else(whole, cells, None).cast(pa.int64(), safe=False).cast(pa.large_string())
    return pc.coalesce(integers, cells.cast(pa.large_string()))


def named_shapes(column: Column, chosen: npt.NDArray[np.bool_] | None = None) -> dict[str, int]:
    """The most frequent shapes in words → cells; of the chosen distinct cells, or of all."""
    counts = column.counts if chosen is None else np.where(chosen, column.counts, 0)
    names = {name: cells for name, cells in count_shapes(column.shapes, counts).items() if cells}
    return dict(sorted(names.items(), key=lambda item: (-item[1], item[0]))[:MOST_SHAPES])


def finding_of_cells(
    column: Column,
    entity: str,
    meaning: Meaning | None,
    role: FieldRole,
    chosen: npt.NDArray[np.bool_],
    score: float,
    by_header: bool,
    patterns: tuple[str, ...],
) -> Finding:
    """The finding that the chosen distinct cells are nothing but `entity`."""
    share = column.share(chosen)
    return Finding(
        field=column.field,
        entity=entity,
        meaning=meaning,
        cells=column.count(chosen),
        share=share,
        whole_cell_share=share,
        score=score,
        by_header=by_header,
        patterns=patterns,
        shapes=named_shapes(column, chosen),
        proposed_role=role,
    )
