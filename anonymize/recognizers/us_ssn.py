"""Social security number of the United States, in texts without Han characters. Source: SSA, POMS RM 10201.035."""

import numpy as np
import pyarrow as pa

from anonymize.recognizers.bytes_matrix import Flags
from anonymize.recognizers.specification import LEFT_SPLIT, RIGHT_SPLIT, SIX_DIGITS, Pattern, Specification


def plausible(value: str) -> bool:
    """No group is all zeros; the area is neither 666 nor from 900."""
    area, group, serial = value[:3], value[3:5], value[5:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000" and len(set(value)) > 1


def plausible_many(values: pa.StringArray) -> Flags:
    """`plausible` of every value."""
    return np.fromiter((v is not None and plausible(v) for v in values.to_pylist()), bool, len(values))


SPECIFICATION = Specification(
    entity="US_SSN",
    meaning=None,
    patterns=(
        Pattern(
            "us-ssn",
            rf"{LEFT_SPLIT}[0-9]{{3}}([- ])[0-9]{{2}}\1[0-9]{{4}}{RIGHT_SPLIT}",
            r"[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}",
            0.5,
        ),
    ),
    plausible=plausible,
    plausible_many=plausible_many,
    context_en=("ssn", "social security"),
    latin_only=True,
    holds=SIX_DIGITS,
)
