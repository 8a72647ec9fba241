"""Which longitude belongs to which latitude: coordinates are treated in pairs."""

from collections.abc import Sequence

from schemas.disclosure import Control, DisclosureControl
from schemas.errors import Refused
from schemas.table_schema import Meaning
from schemas.text import Text

LOCATED = "located"  # a parameter no policy can state: this column holds the districts found for a pair
Pair = tuple[DisclosureControl, DisclosureControl]


def coordinate_pairs(controls: Sequence[DisclosureControl]) -> list[Pair]:
    """The coarsened fields as (longitude, latitude), in the table's order; a district's code is no coordinate any more.

    Raises Refused `untreatable-field` where a half is missing, is no coordinate, or goes elsewhere than its other half.
    """
    listed = [c for c in controls if c.control is Control.COARSEN and not is_located(c)]
    longitudes = [c for c in listed if c.meaning is Meaning.LONGITUDE]
    latitudes = [c for c in listed if c.meaning is Meaning.LATITUDE]
    if len(longitudes) != len(latitudes) or len(longitudes) + len(latitudes) != len(listed):
        raise untreatable(listed[0])
    pairs = list(zip(longitudes, latitudes, strict=True))
    for east, north in pairs:
        if to_district(east) != to_district(north):
            raise untreatable(north)
    return pairs


def to_district(control: DisclosureControl) -> bool:
    """Whether a coordinate becomes the district it lies in, not the centre of a grid cell."""
    return "district" in control.parameters


def is_located(control: DisclosureControl) -> bool:
    """Whether the field already holds districts, found for a pair of coordinates."""
    return LOCATED in control.parameters


def untreatable(control: DisclosureControl) -> Refused:
    """The field cannot be treated as its control says."""
    return Refused(
        "untreatable-field",
        Text(
            zh=f"字段 {control.field} 的类型或参数不适用披露控制 {control.control}",
            en=f"field {control.field}: its type or the parameters do not fit control {control.control}",
        ),
        Text(
            zh="请在策略中为该字段的角色或含义改用其他披露控制",
            en="give its role or meaning another control in the policy",
        ),
        field=control.field,
    )
