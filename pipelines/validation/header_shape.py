"""Headers that are not where they should be: a title line above, or two header rows."""

from collections.abc import Sequence
from typing import Any

from schemas.errors import Refused
from schemas.table_schema import TableSchema
from schemas.text import Text

LOOKED_AT = 5  # records after the first
SHARE = 0.5  # of the schema's fields that a row must name to be the header


def refuse_misplaced_header(labels: Sequence[str], sample: Sequence[Sequence[Any]], schema: TableSchema) -> None:
    """Raise Refused `title-line` or `two-header-rows` where a later record is the header.

    labels: of the record taken for the header. sample: the first records of the file. Names and titles count.
    """
    known = {text for f in schema.fields for text in (f.name, f.title.zh, f.title.en)}
    enough = max(1, SHARE * len(schema.fields))
    named = sum(label in known for label in labels)
    at = next((i for i, record in enumerate(sample) if _texts(record) == list(labels)), 0)
    for later, record in enumerate(sample[at + 1 : at + 1 + LOOKED_AT], start=at + 1):
        texts = _texts(record)
        if sum(text in known for text in texts) < enough:
            continue
        if named >= enough:
            if later == at + 1 and len(schema.fields) > 1:
                raise _two_rows(at + 1, later + 1)
            return
        if sum(bool(label) for label in labels) > 1:
            raise _two_rows(at + 1, later + 1)
        raise _title_line(later + 1)


def _texts(record: Sequence[Any]) -> list[str]:
    return ["" if cell is None else str(cell).strip() for cell in record]


def _two_rows(first: int, second: int) -> Refused:
    return Refused(
        "two-header-rows",
        Text(
            zh=f"表头占了多行：第 {first} 行和第 {second} 行都是列名",
            en=f"the header takes several rows: rows {first} and {second} both name columns",
        ),
        Text(
            zh="请只保留一行表头，每列一个名称，与表结构中的字段名一致",
            en="keep one header row with one name per column, as the fields are named in the table schema",
        ),
        field="file",
    )


def _title_line(row: int) -> Refused:
    return Refused(
        "title-line",
        Text(
            zh=f"表头不在第一行：第 {row} 行才是列名，上面是标题或说明",
            en=f"the header is not the first row: row {row} names the columns, a title or remark stands above",
        ),
        Text(
            zh=f"请删除第 {row} 行上面的内容，让列名成为第一行",
            en=f"delete what stands above row {row}, so that the column names are the first row",
        ),
        field="file",
    )
