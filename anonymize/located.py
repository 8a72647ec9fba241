"""locate_districts: coordinates replaced by the district they lie in, before anything else is treated.

What follows sees an ordinary column of division codes: k-anonymity may generalise it further by its hierarchy, risk is
measured over it, releases are compared by it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from anonymize.built_in_hierarchies import BUILT_IN
from anonymize.coordinate_pairs import LOCATED, Pair, coordinate_pairs, is_located, to_district, untreatable
from anonymize.districts import NOWHERE, Places, centroids, districts_of, merge_rare
from anonymize.earlier import INPUTS, digest_of
from anonymize.hierarchies import distinct_values
from anonymize.loss import entropy_loss
from anonymize.treated import TreatedTable
from anonymize.treatments.coordinates import check_datum, degrees
from schemas.disclosure import DISTRICT_COLUMN, Control, DisclosureControl, FieldEffect
from schemas.district import Boundaries, DistrictLevel
from schemas.errors import Refused
from schemas.table_schema import FieldRole, Meaning, SchemaField
from schemas.text import Text

HIERARCHY = "division-code"
LEVEL_TEXTS = {
    DistrictLevel.PROVINCE: Text(zh="省级", en="province"),
    DistrictLevel.CITY: Text(zh="地级", en="city"),
    DistrictLevel.COUNTY: Text(zh="县级", en="county"),
    DistrictLevel.TOWNSHIP: Text(zh="乡级", en="township"),
}
CENTRED = Text(zh="，本列为区划中心", en="; this column holds the district's centre")
# A place tells of a person what a quasi-identifier tells, even where the exact point was as good as a name.
ROLES = (
    ({FieldRole.DIRECT_IDENTIFIER, FieldRole.QUASI_IDENTIFIER, FieldRole.FREE_TEXT}, FieldRole.QUASI_IDENTIFIER),
    ({FieldRole.SENSITIVE}, FieldRole.SENSITIVE),
    ({FieldRole.NON_SENSITIVE}, FieldRole.NON_SENSITIVE),
)


@dataclass(frozen=True)
class Located:
    """A table whose coordinates are districts where the policy asks for it, and the controls that now apply to it.

    source, planned: table and controls before. effects: of the coordinates. centred: district column → the pair that
    shall hold the centres of its districts.
    """

    table: pa.Table
    controls: tuple[DisclosureControl, ...]
    source: pa.Table
    planned: tuple[DisclosureControl, ...]
    effects: tuple[FieldEffect, ...] = ()
    centred: tuple[tuple[str, Pair], ...] = ()
    boundaries: Boundaries | None = None


def locate_districts(
    table: pa.Table, controls: Sequence[DisclosureControl], boundaries: Boundaries | None = None
) -> Located:
    """Each pair of coordinates that goes to districts becomes one column of codes, in the longitude's place.

    A table without such pairs comes back as it is. Raises ConfigurationError `no-boundaries`, Refused
    `untreatable-field`, `district-column-taken`.
    """
    source, planned = table, tuple(controls)
    listed, effects, centred = list(planned), [], []
    for pair in [p for p in coordinate_pairs(planned) if to_district(p[0])]:
        places, column = _located_pair(table, pair, boundaries), _column_name(pair, listed)
        control = _district_control(column, pair, boundaries)
        codes = pa.chunked_array([_texts(places[1])])
        effects += [_effect(half, column, table, codes, *places) for half in pair]
        if pair[0].parameters.get("centroid"):
            centred.append((column, pair))
        at = listed.index(pair[0])
        listed[at] = control
        listed.remove(pair[1])
        table = table.set_column(table.column_names.index(pair[0].field), column, codes)
        table = table.drop_columns([pair[1].field])
    return Located(table, tuple(listed), source, planned, tuple(effects), tuple(centred), boundaries)


def _located_pair(table: pa.Table, pair: Pair, boundaries: Boundaries | None) -> tuple[Places, Places]:
    """The districts of the pair, and those with few records merged into their parents."""
    east, north = pair
    datum = str(east.parameters.get("datum", "wgs84"))
    check_datum(datum)
    level = DistrictLevel(east.parameters["district"])
    try:
        longitudes, latitudes = degrees(table[east.field]), degrees(table[north.field])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise untreatable(east) from None  # the cause would quote a cell
    found = districts_of(longitudes, latitudes, datum, level, boundaries)
    return found, merge_rare(found, int(east.parameters.get("least") or 1))


def _texts(places: Places) -> pa.Array:
    return pa.array(places.codes, pa.string()).take(pa.array(places.row_code, mask=places.row_code == NOWHERE))


def _column_name(pair: Pair, controls: Sequence[DisclosureControl]) -> str:
    """The column the policy names; a second pair gets `_2` and so on."""
    wanted = str(pair[0].parameters.get("column", DISTRICT_COLUMN))
    districts = {c.field for c in controls if is_located(c)}
    name, number = wanted, 1
    while name in districts:
        number += 1
        name = f"{wanted}_{number}"
    if name in {c.field for c in controls}:
        raise Refused(
            "district-column-taken",
            Text(zh=f"表中已有字段 {name}，不能用作区划代码列", en=f"the table already has a field {name}"),
            Text(
                zh="请在策略中用 column 为区划代码列另取名称",
                en="name another column for the districts in the policy (column)",
            ),
            field=name,
        )
    return name


def _district_control(column: str, pair: Pair, boundaries: Boundaries | None) -> DisclosureControl:
    east, north = pair
    role = next(stricter for roles, stricter in ROLES if roles & {east.role, north.role})
    generalised = role is FieldRole.QUASI_IDENTIFIER
    level = LEVEL_TEXTS[DistrictLevel(east.parameters["district"])]
    sources = boundaries.sources if boundaries else ()
    declared = SchemaField(
        name=column,
        type="string",
        title=Text(zh="行政区划代码", en="Division code"),
        description=Text(
            zh=f"由 {east.field}、{north.field} 得出的{level.zh}行政区划代码（GB/T 2260），记录过少的并入上级；"
            f"空值：不在任何区划内、缺坐标或记录过少。边界：{'；'.join(s.zh for s in sources)}",
            en=f"Code (GB/T 2260) of the {level.en} that {east.field}, {north.field} lie in; one with few records is "
            "part of the next larger one. Empty: in no district, no coordinates, or few records. "
            f"Boundaries: {'; '.join(s.en for s in sources)}",
        ),
        role=role,
        meaning=Meaning.DIVISION_CODE,
        hierarchy=HIERARCHY if generalised else None,
    )
    return DisclosureControl(
        field=column,
        role=role,
        meaning=Meaning.DIVISION_CODE,
        control=Control.GENERALISE if generalised else Control.COARSEN,
        parameters={LOCATED: east.parameters["district"], INPUTS: _inputs(pair, boundaries)},
        hierarchy=HIERARCHY if generalised else None,
        levels=BUILT_IN[HIERARCHY] if generalised else None,
        declared=declared,
        reason=east.reason,
    )


def _inputs(pair: Pair, boundaries: Boundaries | None) -> str:
    """A digest of all by which the districts were found, besides the coordinates."""
    areas = hashlib.sha256()
    for district in boundaries.districts if boundaries else ():
        described = "\n".join((district.code, district.level, district.datum, district.area.wkb_hex))
        areas.update(described.encode() + b"\n")
    return digest_of([{"field": half.field, **half.parameters} for half in pair] + [{"areas": areas.hexdigest()}])


def _effect(
    half: DisclosureControl, column: str, source: pa.Table, codes: pa.ChunkedArray, found: Places, merged: Places
) -> FieldEffect:
    level = LEVEL_TEXTS[DistrictLevel(half.parameters["district"])]
    nowhere = int((found.row_code == NOWHERE).sum())
    before, after = _texts(found), codes.combine_chunks()
    same = pc.equal(before, after).fill_null(False)
    rare = source.num_rows - nowhere - int(pc.sum(same).as_py() or 0)
    centred = bool(half.parameters.get("centroid"))
    centre = CENTRED if centred else Text(zh="", en="")
    return FieldEffect(
        field=half.field,
        control=half.control,
        loss=round(entropy_loss(source[half.field], codes), 6),
        cells_suppressed=nowhere,
        why=Text(
            zh=f"坐标换成所在{level.zh}区划的代码，见列 {column}{centre.zh}；{nowhere} 条不在任何区划内或缺坐标，"
            f"{rare} 条所在区划不足 {half.parameters.get('least')} 条而并入上级（{half.reason.zh}）",
            en=f"coordinates became the code of their {level.en}, in column {column}{centre.en}; {nowhere} records lie "
            f"in no district or have no coordinates, {rare} went to the next larger district, as theirs had fewer than "
            f"{half.parameters.get('least')} ({half.reason.en})",
        ),
    )


def add_districts(treated: TreatedTable, located: Located) -> TreatedTable:
    """`treated` with what became of the coordinates among its effects, and with longitude and latitude (WGS 84) of the
    centre of each district as published, where the policy asks for it. They tell nothing that the codes do not tell."""
    treated = replace(treated, effects=(*located.effects, *treated.effects))
    for column, pair in located.centred:
        if located.boundaries is not None and column in treated.table.column_names:
            treated = _with_centres(treated, column, pair, located.boundaries)
    return treated


def _with_centres(treated: TreatedTable, column: str, pair: Pair, boundaries: Boundaries) -> TreatedTable:
    row_code, codes = distinct_values(treated.table[column])
    texts = codes.to_pylist()
    centre_of = centroids([code for code in texts if code and code.isdigit()], boundaries)
    table, fields = treated.table, list(treated.fields)
    for place, half in enumerate(pair):
        values = [centre_of[code][place] if code in centre_of else None for code in texts]
        centres = pa.array(values, pa.float64()).take(pa.array(row_code))
        table = table.append_column(half.field, pa.chunked_array([centres]))
        fields.append(_centred_field(half, column))
    return replace(treated, table=table, fields=tuple(fields))


def _centred_field(half: DisclosureControl, column: str) -> SchemaField:
    declared = half.declared or SchemaField(name=half.field, title=half.field, description="")
    return declared.model_copy(
        update={
            "type": "number",
            "constraints": {},
            "description": Text(
                zh=f"{column} 所示区划的中心，WGS 84 坐标，不是记录本身的位置",
                en=f"Centre of the district in {column}, WGS 84; not the place of the record itself",
            ),
        }
    )
