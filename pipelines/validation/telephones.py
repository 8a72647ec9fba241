"""Telephone numbers of any country: international ones by their country code, national ones by their form.

Sources: ITU-T E.164 (2010) with its list of assigned country codes, fifteen digits at most; ITU-T E.123 for how numbers
are written. Numbering plans change by the week, so what a country assigns within its code is not judged.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.validation.buffers import bytes_of, offsets

Flags = npt.NDArray[np.bool_]

COUNTRY_CODES = (
    "1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
    "|21[12368]|2[2346][0-9]|25[0-8]|29[01789]|35[0-9]|37[0-9]|38[0-35-79]|42[013]|5[09][0-9]"
    "|67[02-9]|68[0-35-9]|69[0-2]|80[08]|85[02356]|87[08]|88[0-368]|96[0-8]|97[0-79]|99[2-68]"
)
_SEPARATOR = r"(?: ?[-./] ?| )"
_GROUPS = rf"[0-9]+(?:{_SEPARATOR}[0-9]+)*"
_AREA = rf"\([0-9]{{1,6}}(?:[ -][0-9]{{1,4}})?\){_SEPARATOR}?"
INTERNATIONAL = rf"^(?:\+|00) ?(?:{COUNTRY_CODES}){_SEPARATOR}?(?:{_AREA})?{_GROUPS}$"
NATIONAL = rf"^(?:[0-9]{{1,4}}{_SEPARATOR}?)?(?:{_AREA})?{_GROUPS}$"
EXTENSION = r"(?i)(?: ?[,;])? ?(?:extension|ext\.?|x|poste|内线|分机|转|#):? ?[0-9]{1,7}$"
MARKS_OF_EXTENSION = "(?i)[xe,;#内分转p]"
# Digits of a number, its extension aside. National ones include short numbers such as 110 and 12345.
SHORTEST, SHORTEST_ABROAD, LONGEST = 3, 7, 15


def telephones(values: pa.StringArray) -> Flags:
    """Which values are one telephone number, perhaps with an extension; False for missing ones."""
    text = _without_extension(values)
    shaped = np.asarray(pc.fill_null(pc.match_substring_regex(text, NATIONAL), False))
    plus = np.asarray(pc.fill_null(pc.starts_with(text, "+"), False))
    zeros = np.asarray(pc.fill_null(pc.starts_with(text, "00"), False))
    digits = _digit_counts(text) - 2 * zeros
    abroad = np.flatnonzero(plus | zeros)
    if len(abroad):
        shaped[abroad] = np.asarray(
            pc.fill_null(pc.match_substring_regex(text.take(pa.array(abroad)), INTERNATIONAL), False)
        )
    shortest = np.where(plus | zeros, SHORTEST_ABROAD, SHORTEST)
    return shaped & (digits >= shortest) & (digits <= LONGEST)


def _without_extension(values: pa.StringArray) -> pa.StringArray:
    marked = pc.match_substring_regex(values, MARKS_OF_EXTENSION)
    if not pc.any(marked).as_py():
        return values
    return pc.if_else(marked, pc.replace_substring_regex(values, EXTENSION, ""), values)


def _digit_counts(values: pa.StringArray) -> npt.NDArray[np.int64]:
    """ASCII digits of each value."""
    places = offsets(values)
    before = np.concatenate(([0], np.cumsum(bytes_of(values) - np.uint8(ord("0")) < 10, dtype=np.int64)))
    return np.diff(before[places - places[0]])
