"""IP address, versions 4 and 6. Source: RFC 791, RFC 4291; judged by the standard library."""

import ipaddress

import numpy as np
import pyarrow as pa

from anonymize.recognizers.bytes_matrix import Flags
from anonymize.recognizers.specification import Pattern, Specification
from schemas.table_schema import FieldRole, Meaning


def plausible(value: str) -> bool:
    """An address that can stand for a person's device: neither unspecified nor loopback nor a version number's 0.x."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_loopback or (address.version == 4 and value.startswith("0.")))


def plausible_many(values: pa.StringArray) -> Flags:
    """`plausible` of every value."""
    return np.fromiter((v is not None and plausible(v) for v in values.to_pylist()), bool, len(values))


_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

_NO_VERSION = "(?<!版本)(?<!版本[号:： ])(?<!版本号[:： ])(?<!ersion )(?<!固件)"

SPECIFICATION = Specification(
    entity="IP_ADDRESS",
    meaning=Meaning.IP_ADDRESS,
    patterns=(
        Pattern(
            "ipv4",
            rf"(?<![0-9A-Za-z.]){_NO_VERSION}(?:{_OCTET}\.){{3}}{_OCTET}(?![0-9A-Za-z])(?!\.[0-9])",
            r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}",
            0.6,
        ),
        Pattern(
            "ipv6",
            r"(?<![0-9A-Za-z:.])(?=[0-9A-Fa-f:]*::|(?:[0-9A-Fa-f]{1,4}:){7})"
            r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![0-9A-Za-z:])",
            r"(?:[0-9A-Fa-f]{1,4}:){3}|::",
            0.6,
        ),
    ),
    role=FieldRole.DIRECT_IDENTIFIER,
    plausible=plausible,
    plausible_many=plausible_many,
    compact=False,
    context_zh=("ip", "地址"),
    context_en=("ip",),
)
