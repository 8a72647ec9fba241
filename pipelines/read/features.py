"""GeoJSON features as records: the properties, then the geometry."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import ijson

from schemas.errors import Refused
from schemas.text import Text


def feature_records(path: Path) -> Iterator[list[Any]]:
    """Records of a FeatureCollection (RFC 7946). Two passes: the first collects property names and geometry types.

    Points give the columns `longitude` and `latitude` (WGS 84 degrees), other geometries one column `geometry`
    with GeoJSON text.
    """
    names: dict[str, None] = {}
    only_points = True
    for feature in _features(path):
        names.update(dict.fromkeys(feature.get("properties") or {}))
        only_points &= (feature.get("geometry") or {"type": "Point"}).get("type") == "Point"
    yield [*names, *(("longitude", "latitude") if only_points else ("geometry",))]
    for feature in _features(path):
        properties = feature.get("properties") or {}
        geometry = feature.get("geometry")
        place = _point(geometry) if only_points else [_text(geometry)]
        yield [*(properties.get(name) for name in names), *place]


def _features(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as reader:
        try:
            yield from ijson.items(reader, "features.item")
        except ijson.JSONError:
            raise Refused(
                "damaged-json",
                Text(zh="GeoJSON 文件有语法错误", en="the GeoJSON file has a syntax error"),
                Text(zh="请重新导出 FeatureCollection", en="export the FeatureCollection again"),
                field="file",
            ) from None


def _point(geometry: dict[str, Any] | None) -> list[Any]:
    coordinates = list((geometry or {}).get("coordinates") or ())[:2]
    return coordinates if len(coordinates) == 2 else [None, None]


def _text(geometry: dict[str, Any] | None) -> str | None:
    return None if geometry is None else json.dumps(geometry, default=_number, ensure_ascii=False)


def _number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError
