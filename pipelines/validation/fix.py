"""`--fix`: a corrected copy of a source, with the mechanical slips put right and a list of what was changed.

Mechanical is what has one reading only: surrounding spaces, full-width digits and letters, the order of columns,
columns that the schema lacks, dates written otherwise (2020/3/5), thousands separators. Units, serial dates and days
before months are suggestions for people, and stay.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from pipelines.progress import TellProgress, rows_told
from pipelines.read import SourceTable
from pipelines.read.cell_names import column_letters
from pipelines.validation.conformance import full_width, full_width_matters, surrounded
from pipelines.validation.messages import field_title
from pipelines.validation.raw_cells import cell_text, raw_table
from pipelines.validation.suggest import (
    DATE,
    DATE_COMPACT,
    FULL_WIDTH,
    GROUPED,
    SPACES,
    fits,
    normalised,
    suggest,
)
from schemas.table_schema import TableSchema
from schemas.text import Text

BATCH = 16_384
DATE_TYPES = ("date", "datetime", "yearmonth")
USUAL_DATES = {
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "datetime": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$",
    "yearmonth": r"^[0-9]{4}-[0-9]{2}$",
}
KINDS = {
    "surrounding-spaces": Text(zh="去掉首尾空格", en="removed surrounding spaces"),
    "full-width-characters": Text(zh="全角改为半角", en="made full-width characters half-width"),
    "date-spelling": Text(zh="统一日期写法", en="wrote dates as the schema does"),
    "thousands-separators": Text(zh="去掉千分位分隔符", en="removed thousands separators"),
}


class FixedColumn(BaseModel):
    """cells: how many cells of `field` were changed, by `kind` (a key of KINDS)."""

    model_config = ConfigDict(frozen=True)

    field: str
    kind: str
    cells: int


class FixSummary(BaseModel):
    """What was changed, without values. dropped: 1-based columns of the source that the copy lacks."""

    model_config = ConfigDict(frozen=True)

    rows: int
    columns: tuple[FixedColumn, ...] = ()
    reordered: bool = False
    renamed: int = 0
    dropped: tuple[int, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.columns or self.reordered or self.renamed or self.dropped)

    def lines(self, schema: TableSchema) -> tuple[Text, ...]:
        """One line per change, for people."""
        found = [_column_line(fixed, schema) for fixed in self.columns]
        if self.reordered:
            found.append(Text(zh="各列排成了表结构的顺序", en="put the columns in the schema's order"))
        if self.renamed:
            count = self.renamed
            names = "a column name" if count == 1 else f"{count} column names"
            found.append(Text(zh=f"改正了 {count} 个列名的写法", en=f"corrected the spelling of {names}"))
        if self.dropped:
            letters = [column_letters(place) for place in self.dropped]
            columns = ("column " if len(letters) == 1 else "columns ") + ", ".join(letters)
            found.append(
                Text(
                    zh=f"去掉了表结构没有的列：{'、'.join(letters)}",
                    en=f"dropped {columns}, which the schema lacks",
                )
            )
        return tuple(found)


def fix_file(
    source: SourceTable, schema: TableSchema, out: Path, *, rows_in_all: int = 0, progress: TellProgress | None = None
) -> FixSummary:
    """Write a corrected copy of `source` to `out`, as CSV in UTF-8. The source is left as it is.

    rows_in_all: of the source where that is known, for the share that `progress` is told.

    Columns are matched by name; where names repeat or none is the schema's, only cells are corrected. Rows with too
    many or too few cells keep theirs: they need a person. Raises Refused `unreadable-rows`; then there is no copy.
    """
    try:
        return _write_fixed(source, schema, out, rows_told(progress, "fix", rows_in_all))
    except BaseException:
        out.unlink(missing_ok=True)
        raise


def _write_fixed(source: SourceTable, schema: TableSchema, out: Path, tell: Callable[[int], None]) -> FixSummary:
    counts: Counter[tuple[str, str]] = Counter()
    rows = 0
    with raw_table(source, schema) as table, out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        labels = [_label(label, schema) for label in table.labels]
        order = _order(labels, schema)
        writer.writerow([labels[place] for place in order])
        fields = [_field(labels[place], schema) for place in order]
        for batch in _batches(cells for _, cells in table.rows):
            rows += len(batch)
            writer.writerows(_fixed_rows(batch, len(labels), order, fields, counts))
            tell(rows)
    fixed = [FixedColumn(field=name, kind=kind, cells=n) for (name, kind), n in sorted(counts.items())]
    return FixSummary(
        rows=rows,
        columns=tuple(fixed),
        reordered=order != sorted(order),
        renamed=sum(label != given for label, given in zip(labels, table.labels, strict=True)),
        dropped=tuple(place + 1 for place in range(len(labels)) if place not in order),
    )


def fixed_cell(cell: str, field: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """(the corrected cell, kinds of what was wrong with it)."""
    kinds = []
    plain = cell.strip(SPACES)
    if plain != cell:
        kinds.append("surrounding-spaces")
    if full_width_matters(field) and plain.translate(FULL_WIDTH) != plain and _narrowed(plain, field) != plain:
        plain = _narrowed(plain, field)
        kinds.append("full-width-characters")
    kind = field.get("type", "any")
    if kind in DATE_TYPES and not fits(plain, field) and _one_date(plain, kind) and (day := suggest(plain, field)):
        return day, (*kinds, "date-spelling")
    if kind in ("integer", "number") and GROUPED.search(plain) and not field.get("groupChar"):
        number = GROUPED.sub("", plain)
        if fits(number, field):
            return number, (*kinds, "thousands-separators")
    return plain, tuple(kinds)


def _narrowed(text: str, field: Mapping[str, Any]) -> str:
    """Half-width digits and letters; signs too where the field is not a text, whose punctuation is its own."""
    if field.get("type", "any") in ("string", "any"):
        return re.sub("[０-９Ａ-Ｚａ-ｚ]", lambda found: chr(ord(found.group()) - 0xFEE0), text)
    return text.translate(FULL_WIDTH).strip(SPACES)


def _one_date(text: str, kind: str) -> bool:
    """Whether the text is a date in the order year, month, day, which has one reading."""
    day = re.split(r"[ T]", text, maxsplit=1)[0]
    return kind == "yearmonth" or bool(DATE.match(day) or DATE_COMPACT.match(day))


def _label(given: str, schema: TableSchema) -> str:
    """The name of the schema's field that is meant, else the label without slips. Names may hold full-width signs."""
    names = [f.name for f in schema.fields]
    if given in names:
        return given
    plain = normalised(given)
    return next((name for name in names if normalised(name) == plain), plain)


def _order(labels: Sequence[str], schema: TableSchema) -> list[int]:
    """Places of the source's columns in the order of the copy: the schema's, without what it lacks."""
    if len(set(labels)) < len(labels) or not set(labels) & {f.name for f in schema.fields}:
        return list(range(len(labels)))
    return [labels.index(f.name) for f in schema.fields if f.name in labels]


def _field(label: str, schema: TableSchema) -> Mapping[str, Any]:
    named = (f for f in schema.descriptor["fields"] if f["name"] == label)
    return next(named, {"name": label, "type": "any"})


def _batches(rows: Iterable[list[Any]]) -> Iterator[list[list[str]]]:
    texts = ([cell if type(cell) is str else cell_text(cell) for cell in cells] for cells in rows)
    while batch := list(islice(texts, BATCH)):
        yield batch


def _fixed_rows(
    batch: list[list[str]],
    width: int,
    order: Sequence[int],
    fields: Sequence[Mapping[str, Any]],
    counts: Counter[tuple[str, str]],
) -> list[list[str]]:
    regular = [cells for cells in batch if len(cells) == width]
    columns = list(zip(*regular, strict=True)) or [()] * width
    fixed = [_fixed_column(columns[place], field, counts) for place, field in zip(order, fields, strict=True)]
    right = iter(zip(*fixed, strict=True)) if fixed else iter(() for _ in regular)
    return [list(next(right)) if len(cells) == width else cells for cells in batch]


def _fixed_column(cells: Sequence[str], field: Mapping[str, Any], counts: Counter[tuple[str, str]]) -> list[str]:
    """Correct the cells that may need it, each distinct one once."""
    fixed = list(cells)
    known: dict[str, tuple[str, tuple[str, ...]]] = {}
    for place in np.flatnonzero(_suspect(pa.array(cells, pa.string()), field)).tolist():
        cell = fixed[place]
        if cell not in known:
            known[cell] = fixed_cell(cell, field)
        fixed[place], kinds = known[cell]
        for kind in kinds:
            counts[str(field["name"]), kind] += 1
    return fixed


def _suspect(cells: pa.StringArray, field: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    """Which cells `fixed_cell` may change."""
    kind = field.get("type", "any")
    flags = surrounded(cells)
    if kind in ("string", "any"):
        return flags | full_width(cells) if full_width_matters(field) else flags
    flags |= ~np.asarray(pc.string_is_ascii(cells))
    if kind in DATE_TYPES:
        usual = USUAL_DATES.get(kind) if field.get("format", "default") == "default" else None
        return flags | (~np.asarray(pc.match_substring_regex(cells, usual)) if usual else True)
    if kind in ("integer", "number"):
        flags |= np.asarray(pc.match_substring_regex(cells, "[, ]"))
    return flags


def _column_line(fixed: FixedColumn, schema: TableSchema) -> Text:
    field = _field(fixed.field, schema)
    kind = KINDS[fixed.kind]
    return Text(
        zh=f"列{field_title(field, 'zh')}：{kind.zh}，{fixed.cells} 个单元格",
        en=f"column {field_title(field, 'en')}: {kind.en} in {fixed.cells} {'cell' if fixed.cells == 1 else 'cells'}",
    )
