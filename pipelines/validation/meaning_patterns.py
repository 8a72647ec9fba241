"""Meanings that are checked by their form alone: one regular expression each, which RE2 reads in linear time.

The forms are wider than those by which detection finds such numbers in texts: what a header has named already need not
be told from other digits.
"""

from anonymize.recognizers.plate import PROVINCES
from schemas.table_schema import Meaning

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_GROUP = "[0-9A-Fa-f]{1,4}"
# RFC 4291, 2.2: eight groups, or `::` for one or more of them; the last two may be written as IPv4.
_IPV6 = "|".join(
    [
        f"(?:{_GROUP}:){{7}}{_GROUP}",
        f"(?:{_GROUP}:){{1,7}}:",
        *(f"(?:{_GROUP}:){{1,{7 - after}}}(?::{_GROUP}){{1,{after}}}" for after in range(1, 7)),
        f":(?:(?::{_GROUP}){{1,7}}|:)",
        f"(?:{_GROUP}:){{6}}{_IPV4}",
        f"::(?:{_GROUP}:){{0,5}}{_IPV4}",
        *(f"(?:{_GROUP}:){{{before}}}:(?:{_GROUP}:){{0,{5 - before}}}{_IPV4}" for before in range(1, 6)),
    ]
)
_HEX = "[0-9A-Fa-f]{2}"

PATTERNS = {
    Meaning.MOBILE: r"^1[3-9][0-9]{9}$",
    # Area code and number, or a 400 or 800 number; an extension may follow.
    Meaning.LANDLINE: r"^(?:0(?:10|2[0-9])-?[2-8][0-9]{7}|0[3-9][0-9]{2}-?[2-8][0-9]{6,7}|[48]00-?[0-9]{3}-?[0-9]{4})"
    r"(?:-[0-9]{1,6})?$",
    # GA 36-2018, with new-energy plates; 使 and 领 are diplomatic and consular.
    Meaning.PLATE: rf"^(?:[{PROVINCES}][A-HJ-NP-Z]"
    r"(?:[DF][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[DF]|[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳领])|使[0-9]{6})$",
    Meaning.EMAIL: r"^[0-9A-Za-z._%+'-]+@(?:[0-9A-Za-z](?:[0-9A-Za-z-]*[0-9A-Za-z])?\.)+[A-Za-z]{2,63}$",
    # ICAO Doc 9303: up to nine letters and digits. Of any country: registers of foreigners hold theirs.
    Meaning.PASSPORT: "^[0-9A-Z]{6,9}$",
    # National Immigration Administration: home-return permit, exit-entry permits to Hong Kong, Macao and Taiwan,
    # permit of Taiwan residents.
    Meaning.TRAVEL_PERMIT: "^(?:[HM][0-9]{8}(?:[0-9]{2})?|[CLTW][0-9]{8}|[CL][A-HJ-NP-Z][0-9]{7}"
    r"|[0-9]{8}|[0-9]{10}(?:\([A-Z]\))?)$",
    Meaning.MILITARY_ID: r"^(?:[\x{4e00}-\x{9fff}]{1,3}字)?第?[0-9]{6,8}号?$",
    # Accounts are numbered by each city's fund.
    Meaning.PROVIDENT_FUND_NUMBER: "^[A-Z]{0,2}[0-9]{6,20}$",
    Meaning.IP_ADDRESS: f"^(?:{_IPV4}|{_IPV6})$",
    # IEEE 802: six octets with colons, hyphens or nothing between them, or three groups with dots.
    Meaning.MAC_ADDRESS: rf"^(?:{_HEX}(?::{_HEX}){{5}}|{_HEX}(?:-{_HEX}){{5}}|(?:{_HEX}){{6}}"
    rf"|(?:{_HEX}){{2}}(?:\.(?:{_HEX}){{2}}){{2}})$",
    # An account's name as Tencent allows it, or the mobile or QQ number that finds it.
    Meaning.WECHAT: "^(?:[A-Za-z][0-9A-Za-z_-]{5,19}|1[3-9][0-9]{9}|[1-9][0-9]{4,10})$",
    Meaning.QQ: "^[1-9][0-9]{4,10}$",
}
