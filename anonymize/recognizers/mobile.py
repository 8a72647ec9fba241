"""Mobile number of mainland China. Source: MIIT numbering plan (YD/T 2011); 11 digits from 13 to 19.

Numbers inside longer runs of digits or letters (codes, orders, tickets, amounts, coordinates) are not mobiles.
"""

from anonymize.recognizers.specification import SIX_DIGITS, Pattern, Specification
from schemas.table_schema import Meaning

_PREFIX = r"(?:\+?86[- ]?|0086[- ]?)?"
# Not after a letter, digit or underscore; not in the decimals of a number; not joined by a hyphen to a code,
# except to another mobile ("138…-139…").
_LEFT = r"(?<![0-9A-Za-z_])(?<![0-9][0-9]\.)(?<!0\.)(?:(?<![0-9A-Za-z]-)|(?<=1[3-9][0-9]{9}-))"
_RIGHT = r"(?![0-9A-Za-z_])(?!\.(?!0(?![0-9.]))[0-9])(?!-(?!1[3-9][0-9]{9}(?![0-9]))[0-9A-Za-z])"

SPECIFICATION = Specification(
    entity="CN_MOBILE",
    meaning=Meaning.MOBILE,
    patterns=(
        Pattern("mobile", rf"{_LEFT}{_PREFIX}1[3-9][0-9]{{9}}{_RIGHT}", r"1[3-9][0-9]{9}", 0.85),
        Pattern(
            "mobile-split",
            rf"{_LEFT}(?<![0-9] ){_PREFIX}1[3-9][0-9](?:[ -][0-9]{{4}}[ -]?[0-9]{{4}}|[0-9]{{4}}[ -][0-9]{{4}}"
            rf"|[0-9][ -][0-9]{{3}}[ -][0-9]{{4}}|[ -][0-9]{{3}}[ -][0-9]{{5}}){_RIGHT}(?! [0-9])",
            r"1[3-9][0-9](?:[0-9]{4})?[0-9]?[ -][0-9]{3}",
            0.75,
        ),
        Pattern(
            "mobile-parted",
            rf"{_LEFT}{_PREFIX}(?:1[3-9][0-9]([._/·、])[0-9]{{4}}\1[0-9]{{4}}"
            rf"|\(1[3-9][0-9]\) ?[0-9]{{4}}[ -]?[0-9]{{4}}){_RIGHT}",
            r"1[3-9][0-9][._/·、)] ?[0-9]{4}",
            0.75,
        ),
        Pattern(
            "mobile-digit-by-digit",
            rf"{_LEFT}(?<![0-9] )1([ -])[3-9](?:\1[0-9]){{9}}{_RIGHT}(?! [0-9])(?!-[0-9])",
            r"1[ -][3-9](?:[ -][0-9]){9}",
            0.75,
        ),
        Pattern(
            "mobile-exponent", rf"{_LEFT}1\.[3-9][0-9]{{7,9}}[Ee]\+?10{_RIGHT}", r"1\.[3-9][0-9]{7,9}[Ee]\+?10", 0.6
        ),
    ),
    context_zh=("手机", "电话", "联系方式", "移动电话"),
    context_en=("mobile", "phone", "tel", "cell"),
    column_pattern=r"(?:\+?86[- ]?|0086[- ]?)?1[3-9][0-9](?:[ -]?[0-9]{4}){2}",
    coincidence=0.8,
    holds=SIX_DIGITS,
)
