"""Hierarchies that need no table: codes by their digits, dates by the calendar, numbers by their range."""

from math import floor, log10

import pyarrow as pa
import pyarrow.compute as pc

from schemas.hierarchy import DateUnit, Hierarchy, Level
from schemas.text import Text

FINEST_BANDS = 50  # a number column starts with about this many bands

BUILT_IN: dict[str, Hierarchy] = {
    hierarchy.name: hierarchy
    for hierarchy in (
        Hierarchy(
            name="flat",
            title=Text(zh="不分层", en="Flat"),
            source=Text(zh="原值或全部归并", en="the value, or everything as one"),
        ),
        Hierarchy(
            name="division-code",
            title=Text(zh="行政区划代码", en="Administrative division code"),
            source=Text(
                zh="GB/T 2260：前 2 位省级、前 4 位地级、前 6 位县级；GB/T 10114：其后 3 位乡级",
                en="GB/T 2260: 2 digits province, 4 prefecture, 6 county; GB/T 10114: 3 more digits township",
            ),
            values=r"\d{6}(\d{3}(\d{3})?)?",
            levels=(
                Level(prefix=9, fill="0", title=Text(zh="只到乡级", en="by township")),
                Level(prefix=6, fill="0", title=Text(zh="只到县级", en="by county")),
                Level(prefix=4, fill="0", title=Text(zh="只到地级", en="by prefecture")),
                Level(prefix=2, fill="0", title=Text(zh="只到省级", en="by province")),
            ),
        ),
        Hierarchy(
            name="postcode",
            title=Text(zh="邮政编码", en="Postcode"),
            source=Text(
                zh="GB/T 18521 前 2 位省、前 3 位邮区、前 4 位县市",
                en="the first 2 digits are the province, 3 the postal zone, 4 the county",
            ),
            values=r"\d{6}",
            levels=(
                Level(prefix=4, fill="0", title=Text(zh="只到县市", en="by county")),
                Level(prefix=3, fill="0", title=Text(zh="只到邮区", en="by postal zone")),
                Level(prefix=2, fill="0", title=Text(zh="只到省级", en="by province")),
            ),
        ),
        Hierarchy(
            name="date",
            title=Text(zh="日期", en="Date"),
            source=Text(zh="公历", en="the calendar"),
            levels=tuple(
                Level(date=unit) for unit in (DateUnit.MONTH, DateUnit.QUARTER, DateUnit.YEAR, DateUnit.FIVE_YEARS)
            ),
        ),
        Hierarchy(
            name="date-of-birth",
            title=Text(zh="出生日期", en="Date of birth"),
            source=Text(zh="公历", en="the calendar"),
            levels=tuple(
                Level(date=unit) for unit in (DateUnit.MONTH, DateUnit.YEAR, DateUnit.FIVE_YEARS, DateUnit.TEN_YEARS)
            ),
        ),
        Hierarchy(
            name="age",
            title=Text(zh="年龄", en="Age"),
            source=Text(
                zh="人口普查五岁组；90 岁以上合并依 45 CFR 164.514(b)(2)(i)(C)",
                en="five-year groups of the census; 90 and over as one after 45 CFR 164.514(b)(2)(i)(C)",
            ),
            levels=(Level(band=5, top=90), Level(band=10, top=90), Level(band=30, top=90)),
        ),
        Hierarchy(
            name="address",
            title=Text(zh="地址", en="Address"),
            source=Text(zh="按县级、地级、省级截取", en="cut after the county, the prefecture, the province"),
            levels=(
                Level(
                    pattern=r"(?:[^省市区县旗州盟]{2,7}(?:省|自治区|特别行政区))?(?:[^省市区县旗]{1,8}(?:市|自治州|地区|盟))?"
                    r"(?:[^省市区县旗]{1,8}(?:区|县|旗|市))?",
                    title=Text(zh="只到县级", en="by county"),
                ),
                Level(
                    pattern=r"(?:[^省市区县旗州盟]{2,7}(?:省|自治区|特别行政区))?(?:[^省市区县旗]{1,8}(?:市|自治州|地区|盟))?",
                    title=Text(zh="只到地级", en="by prefecture"),
                ),
            ),
        ),
        Hierarchy(
            name="number",
            title=Text(zh="数值分段", en="Number in bands"),
            source=Text(zh="按数值范围取整的段宽", en="round band widths from the range of the column"),
        ),
    )
}


def number_levels(values: pa.Array) -> tuple[Level, ...]:
    """Four band widths of 1, 2 or 5 times a power of ten for the range of `values`; none for texts or one value."""
    try:
        numbers = values.cast(pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return ()
    low, high = pc.min(numbers).as_py(), pc.max(numbers).as_py()
    if low is None or not high - low > 0 or high - low == float("inf"):
        return ()
    finest = _round_width((high - low) / FINEST_BANDS)
    if pa.types.is_integer(values.type):
        finest = max(finest, 2)
    widths: list[float] = [finest]
    for factor in (5, 2, 5):  # 2 → 10 → 20 → 100 keeps every band within one band above
        widths.append(widths[-1] * factor)
    return tuple(Level(band=width) for width in widths if width < high - low)


def _round_width(width: float) -> float:
    power = 10.0 ** floor(log10(width))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= width * (1 - 1e-9))
