"""Blocks of JSON objects and GeoJSON features: Arrow parses their cells straight into columns where these are of one
kind; what it cannot read surely as the parsers do that the records come from, those parsers read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import ijson
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pajson

from pipelines.read import SourceTable
from pipelines.read.features import FeatureColumns, feature_items
from pipelines.read.json_text import (
    ObjectText,
    OddText,
    array_objects,
    feature_objects,
    line_objects,
    utf8_chunks,
)
from pipelines.read.objects import array_items, line_items
from pipelines.validation.batches import Batch, Block
from pipelines.validation.blocks import Irregular
from pipelines.validation.columns import Column, means_number
from pipelines.validation.frictionless_adapter import OpenTable, Reading
from pipelines.validation.native_cells import EXACT_FLOAT, MixedCells, as_cells, cells_of_values
from pipelines.validation.typed import FLOAT, PRECISION, STRING
from schemas.errors import Refused

PART = 256  # objects read apart where Arrow cannot read their block
EXACT_NUMBER = pa.decimal128(PRECISION, 18)
Rows = list[list[Any]]


@dataclass
class ObjectReader:
    """How the objects of one file become columns. keys: of the cells, in order. types: what Arrow reads each into;
    a wrong guess costs time alone. parse: the exact way. features: of GeoJSON. by_arrow: whether Arrow is worth
    trying."""

    keys: list[str]
    numeric: list[bool]
    types: list[pa.DataType]
    parse: Callable[[ObjectText], Rows]
    features: FeatureColumns | None = None
    by_arrow: bool = True

    def columns(self, text: ObjectText) -> list[Any]:
        """The cells of each key, in a form for `Column.check`. Raises Irregular."""
        whole = self._arrow(text)
        if whole is not None:
            return whole
        if len(text) <= PART or not self.by_arrow or not text.plain:
            return self._exact(text)
        parts: list[list[Any]] = []
        exact = 0
        for first in range(0, len(text), PART):
            piece = text.part(first, min(first + PART, len(text)))
            read = self._arrow(piece)
            exact += read is None
            parts.append(self._exact(piece) if read is None else read)
        self.by_arrow = exact * 2 <= len(parts)  # else it is not worth trying
        return [MixedCells(cells) for cells in zip(*parts, strict=True)]

    def rows(self, text: ObjectText) -> Rows:
        """Cells as the records have them. Raises Irregular."""
        try:
            rows = self.parse(text)
        except (ValueError, RecursionError, ijson.JSONError, Refused):
            raise Irregular("JSON") from None
        if len(rows) != len(text):
            raise Irregular("lines")
        return rows

    def _exact(self, text: ObjectText) -> list[Any]:
        columns = list(zip(*self.rows(text), strict=True)) or [()] * len(self.keys)
        for place, cells in enumerate(columns):
            self._learn(place, set(map(type, cells)) - {type(None)})
        return [cells_of_values(cells) for cells in columns]

    def _learn(self, place: int, kinds: set[type]) -> None:
        """Read a column by what was seen in it; where kinds are mixed, what it is read as stays."""
        if kinds == {str}:
            self.types[place] = STRING
        elif kinds == {bool}:
            self.types[place] = pa.bool_()
        elif kinds == {int} and not self.numeric[place]:
            self.types[place] = pa.int64()
        elif kinds and kinds <= {int, float} and self.numeric[place]:
            self.types[place] = FLOAT if float in kinds else self.types[place]
        elif len(kinds) == 1 and kinds & {list, dict}:
            self.by_arrow = False

    def _arrow(self, text: ObjectText) -> list[Any] | None:
        """Columns as Arrow reads them; None where it does not surely read what the exact way reads."""
        if not (self.by_arrow and text.plain):
            return None
        read = pajson.ReadOptions(use_threads=False, block_size=len(text.data) + 64)
        parse = pajson.ParseOptions(
            explicit_schema=self._schema(), unexpected_field_behavior="ignore", newlines_in_values=True
        )
        try:
            table = pajson.read_json(pa.BufferReader(text.data), read, parse)
        except (pa.ArrowException, UnicodeError, ValueError):
            return None
        if len(table) != len(text):
            return None
        columns = [column.combine_chunks() for column in table.select(self._names()).columns]
        if self.features is not None:
            columns = _flat(columns, self.features)
        if not columns or not all(map(_exact, columns)):
            return None
        return [as_cells(column) for column in columns]

    def _schema(self) -> pa.Schema:
        fields = [pa.field(key, type) for key, type in zip(self.keys, self.types, strict=True)]
        if self.features is None:
            return pa.schema(fields)
        place = pa.struct([("type", STRING), ("coordinates", pa.list_(EXACT_NUMBER))])
        return pa.schema([("properties", pa.struct(fields[: len(self.features.names)])), ("geometry", place)])

    def _names(self) -> list[str]:
        return self.keys if self.features is None else ["properties", "geometry"]


class ObjectBlock:
    """Objects of a file. first: row number of the first one; the header counts as row 1."""

    def __init__(self, first: int, text: ObjectText, reader: ObjectReader):
        self.first: int | None = first
        self.size = text.size
        self._text = text
        self._reader = reader

    def batch(self) -> Batch:
        columns = self._reader.columns(self._text)
        count = len(columns[0])
        return Batch(count, np.arange(count), columns, [])

    def cells(self, positions: Sequence[int]) -> dict[int, list[Any]]:
        if not self._text.plain:
            rows = self._reader.rows(self._text)
            return {position: rows[position] for position in positions}
        chosen = {position: self._text.part(position, position + 1) for position in positions}
        return {position: self._reader.rows(text)[0] for position, text in chosen.items()}


def object_blocks(source: SourceTable, table: OpenTable) -> Iterator[Block]:
    """Blocks of a JSON, NDJSON or GeoJSON file. Raises Irregular where only the records tell what they are."""
    first = table.first_row
    reader: ObjectReader | None = None
    try:
        for text in _texts(source):
            reader = reader or _reader(source, table, text)
            if len(text):
                yield ObjectBlock(first, text, reader)
            first += len(text)
    except (OddText, UnicodeDecodeError):
        raise Irregular("JSON") from None


def _texts(source: SourceTable) -> Iterator[ObjectText]:
    chunks = utf8_chunks(source.content, source.encoding)
    if source.format == "ndjson":
        return line_objects(chunks)
    return array_objects(chunks) if source.format == "json" else feature_objects(chunks)


def _reader(source: SourceTable, table: OpenTable, text: ObjectText) -> ObjectReader:
    if any(means_number(reading.missing) for reading in table.readings):
        raise Irregular("missing values")  # 1 is one and 1.0 is not: a column of numbers no longer tells them apart
    numeric = [Column(reading).kind in ("integer", "number") for reading in table.readings]
    types = [_first_type(reading, exact=source.format != "ndjson") for reading in table.readings]
    if source.features is not None:
        reader = _feature_reader(source.features, numeric, types)
    else:
        reader = _object_reader(line_items if source.format == "ndjson" else array_items, text, numeric, types)
    if len(reader.keys) != len(numeric) or len(set(reader.keys)) != len(reader.keys) or table.first_row != 2:
        raise Irregular("header")
    return reader


def _object_reader(
    items: Callable[[ObjectText], list[Any]], text: ObjectText, numeric: list[bool], types: list[pa.DataType]
) -> ObjectReader:
    try:
        first = items(text.part(0, 1))[0]
    except (ValueError, RecursionError, IndexError, ijson.JSONError):
        raise Irregular("JSON") from None
    if not isinstance(first, dict):
        raise Irregular("arrays")
    keys = list(first)
    return ObjectReader(keys, numeric, types, lambda part: [_cells(item, keys) for item in items(part)])


def _feature_reader(columns: FeatureColumns, numeric: list[bool], types: list[pa.DataType]) -> ObjectReader:
    places = numeric[len(columns.names) :]
    return ObjectReader(
        columns.labels,
        numeric,
        types,
        lambda part: feature_items(part, columns),
        columns,
        by_arrow=columns.only_points and all(places),
    )


def _cells(item: Any, keys: Sequence[str]) -> list[Any]:
    if not isinstance(item, dict):
        raise ValueError
    return [item.get(key) for key in keys]


def _first_type(reading: Reading, exact: bool) -> pa.DataType:
    """exact: the parser keeps numbers as they are written, else they are floats."""
    if reading.type == "number":
        return EXACT_NUMBER if exact and not reading.float_number else FLOAT
    return {"integer": pa.int64(), "year": pa.int64(), "boolean": pa.bool_()}.get(reading.type, STRING)


def _exact(column: pa.Array) -> bool:
    """Whether numbers are those that the exact way gives: floats may be whole numbers that were rounded."""
    if column.type != FLOAT or len(column) == column.null_count:
        return True
    numbers = column.drop_null().to_numpy()
    return bool((np.abs(numbers) < EXACT_FLOAT).all())


def _flat(columns: list[pa.Array], features: FeatureColumns) -> list[pa.Array]:
    """Columns of the properties, then longitudes and latitudes; none where a point has too few coordinates."""
    properties, geometry = columns
    coordinates = pc.struct_field(geometry, "coordinates")
    lengths = pc.list_value_length(coordinates)
    if pc.min(lengths).as_py() is not None and pc.min(lengths).as_py() < 2:
        return []
    places = [_element(coordinates, place) for place in (0, 1)]
    return [*(properties.flatten() if features.names else []), *places]


def _element(lists: pa.Array, place: int) -> pa.Array:
    filled = pc.drop_null(lists)
    found = pc.list_element(filled, place)
    if len(filled) == len(lists):
        return found
    order = np.cumsum(np.array(lists.is_valid())) - 1
    return found.take(pa.array(order, mask=np.array(lists.is_null())))
