"""A pair of coordinates within China in one text, such as `116.397,39.908`. Lone columns are known by header."""

from anonymize.recognizers.specification import Pattern, Specification
from schemas.table_schema import FieldRole

_LONGITUDE = r"(?:7[3-9]|[89][0-9]|1[0-2][0-9]|13[0-5])\.[0-9]{4,15}"
_LATITUDE = r"(?:[3-9]|[1-4][0-9]|5[0-4])\.[0-9]{4,15}"
_LEFT, _RIGHT = r"(?<![0-9A-Za-z.])", r"(?![0-9A-Za-z.])"
_BETWEEN = r"[°EN东北经纬]{0,3} ?[,，; ] ?"

SPECIFICATION = Specification(
    entity="COORDINATES",
    meaning=None,
    patterns=(
        Pattern(
            "longitude-latitude",
            f"{_LEFT}{_LONGITUDE}{_BETWEEN}{_LATITUDE}{_RIGHT}",
            r"[0-9]{2,3}\.[0-9]{4,15}[°EN东北经纬]{0,3} ?[,，; ] ?[0-9]{1,2}\.[0-9]{4}",
            0.7,
        ),
        Pattern(
            "latitude-longitude",
            f"{_LEFT}{_LATITUDE}{_BETWEEN}{_LONGITUDE}{_RIGHT}",
            r"[0-9]{1,2}\.[0-9]{4,15}[°EN东北经纬]{0,3} ?[,，; ] ?[0-9]{2,3}\.[0-9]{4}",
            0.7,
        ),
    ),
    role=FieldRole.QUASI_IDENTIFIER,
    compact=False,
    context_zh=("坐标", "经纬度", "位置"),
    context_en=("coordinates", "location"),
)
