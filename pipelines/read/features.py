"""GeoJSON features as records: the properties, then the geometry."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import ijson
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pajson

from pipelines.read.json_text import ObjectText, OddText, feature_objects, utf8_chunks
from pipelines.read.objects import array_items
from schemas.errors import Refused
from schemas.text import Text

MOST_NAMES = 4096  # of properties: more columns than any table may have
PIECE = 1 << 18  # bytes looked through at once: a parser makes a cell for every name in every feature


@dataclass(frozen=True)
class FeatureColumns:
    """names: of all properties, in the order in which they come. only_points: no other kind of geometry occurs."""

    names: tuple[str, ...]
    only_points: bool

    @property
    def labels(self) -> list[str]:
        return [*self.names, *(("longitude", "latitude") if self.only_points else ("geometry",))]


def feature_columns(path: Path, encoding: str | None) -> FeatureColumns:
    """Look through a FeatureCollection (RFC 7946) once, or up to where there are more than MOST_NAMES of properties.
    Raises Refused `damaged-json`."""
    names: dict[str, None] = {}
    only_points = True
    try:
        for text in feature_objects(utf8_chunks(path, encoding)):
            for piece in _pieces(text):
                found, points = _columns_of(piece)
                names.update(dict.fromkeys(found))
                only_points &= points
                if len(names) > MOST_NAMES:
                    return FeatureColumns(tuple(names), only_points)
    except (OddText, UnicodeDecodeError):
        found, only_points = _columns_in(_features(path, encoding))
        names = dict.fromkeys(found)
    return FeatureColumns(tuple(names), only_points)


def _pieces(text: ObjectText) -> Iterator[ObjectText]:
    """Features that begin within PIECE bytes of each other."""
    first = 0
    while first < len(text):
        stop = int(np.searchsorted(text.starts, text.starts[first] + PIECE))
        yield text.part(first, stop)
        first = stop


def feature_records(path: Path, encoding: str | None, columns: FeatureColumns) -> Iterator[list[Any]]:
    """Records of a FeatureCollection.

    Points give the columns `longitude` and `latitude` (WGS 84 degrees), other geometries one column `geometry`
    with GeoJSON text. Raises Refused `damaged-json`.
    """
    yield columns.labels
    for feature in _features(path, encoding):
        yield feature_row(feature, columns)


def feature_items(text: ObjectText, columns: FeatureColumns) -> list[list[Any]]:
    """Records of a part of the features, as `feature_records` reads them. Raises ijson.JSONError, Refused."""
    return [feature_row(feature, columns) for feature in _parsed(text)]


def feature_row(feature: Any, columns: FeatureColumns) -> list[Any]:
    """The cells of one feature. Raises Refused `damaged-json` where it is none."""
    properties, geometry = _parts(feature)
    place = _point(geometry) if columns.only_points else [_text(geometry)]
    return [*(properties.get(name) for name in columns.names), *place]


def _columns_of(text: ObjectText) -> tuple[Iterable[str], bool]:
    """(names of properties, whether all geometries are points) of some features."""
    options = pajson.ReadOptions(use_threads=False, block_size=len(text.data) + 64)
    try:
        if not text.plain:
            raise pa.ArrowInvalid
        table = pajson.read_json(pa.BufferReader(text.data), options, pajson.ParseOptions(newlines_in_values=True))
        properties = table.schema.field("properties").type
        geometry = table.column("geometry").combine_chunks()
        kinds = pc.struct_field(geometry, "type")
        if kinds.null_count != geometry.null_count:
            raise pa.ArrowInvalid
        names = [properties.field(i).name for i in range(properties.num_fields)]
    except (pa.ArrowException, KeyError, ValueError, AttributeError):  # few geometries are alike enough for Arrow
        return _columns_in(_parsed(text))
    return names, set(kinds.unique().to_pylist()) <= {"Point", None}


def _columns_in(features: Iterable[Any]) -> tuple[Iterable[str], bool]:
    names: dict[str, None] = {}
    only_points = True
    for feature in features:
        properties, geometry = _parts(feature)
        names.update(dict.fromkeys(properties))
        only_points &= (geometry or {"type": "Point"}).get("type") == "Point"
        if len(names) > MOST_NAMES:
            break
    return names, only_points


def _parts(feature: Any) -> tuple[dict[str, Any], dict[str, Any] | None]:
    if not isinstance(feature, dict):
        raise _damaged()
    properties, geometry = feature.get("properties") or {}, feature.get("geometry")
    if not isinstance(properties, dict) or not isinstance(geometry, dict | None):
        raise _damaged()
    return properties, geometry


def _parsed(text: ObjectText) -> list[Any]:
    try:
        return array_items(text)
    except ijson.JSONError:
        raise _damaged() from None


def _features(path: Path, encoding: str | None) -> Iterator[Any]:
    try:
        yield from ijson.items(ijson.from_iter(utf8_chunks(path, encoding)), "features.item")
    except (ijson.JSONError, UnicodeDecodeError):
        raise _damaged() from None


def _point(geometry: dict[str, Any] | None) -> list[Any]:
    coordinates = (geometry or {}).get("coordinates") or ()
    if not isinstance(coordinates, list | tuple):
        raise _damaged()
    return list(coordinates[:2]) if len(coordinates) >= 2 else [None, None]


def _text(geometry: dict[str, Any] | None) -> str | None:
    return None if geometry is None else json.dumps(geometry, default=_number, ensure_ascii=False)


def _number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError


def _damaged() -> Refused:
    return Refused(
        "damaged-json",
        Text(zh="GeoJSON 文件有语法错误", en="the GeoJSON file has a syntax error"),
        Text(zh="请重新导出 FeatureCollection", en="export the FeatureCollection again"),
        field="file",
    )
