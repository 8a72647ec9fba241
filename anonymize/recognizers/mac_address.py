"""MAC address: six octets with colons or hyphens, or three groups of four with dots. Source: IEEE 802."""

import re

import numpy as np
import pyarrow as pa

from anonymize.recognizers.bytes_matrix import Flags
from anonymize.recognizers.specification import Pattern, Specification
from schemas.table_schema import Meaning


def plausible(value: str) -> bool:
    """Neither all zeros nor broadcast."""
    return len(set(re.sub("[^0-9a-f]", "", value.lower()))) > 1


def plausible_many(values: pa.StringArray) -> Flags:
    """`plausible` of every value."""
    return np.fromiter((v is not None and plausible(v) for v in values.to_pylist()), bool, len(values))


SPECIFICATION = Specification(
    entity="MAC_ADDRESS",
    meaning=Meaning.MAC_ADDRESS,
    patterns=(
        Pattern(
            "mac",
            r"(?<![0-9A-Za-z:.-])[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})(?![0-9A-Za-z:-])",
            r"(?:[0-9A-Fa-f]{2}[:-]){5}",
            0.7,
        ),
        Pattern(
            "mac-dots",
            r"(?<![0-9A-Za-z.])(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}(?![0-9A-Za-z])(?!\.[0-9])",
            r"(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}",
            0.4,
        ),
    ),
    plausible=plausible,
    plausible_many=plausible_many,
    compact=False,
    context_zh=("mac", "物理地址"),
    context_en=("mac",),
)
