"""Words for what real files with real schemas get wrong."""

import json
import re

from pipelines.read import read_source
from pipelines.validation.messages import templates
from pipelines.validation.report_summary import summarise
from pipelines.validation.validate import validate_table
from schemas.errors import GongkaiError
from schemas.table_schema import table_schema_from_descriptor
from schemas.validation import ValidationReport
from tests.shared_data import shared

SMALL = 1 << 20


def _reports():
    root = shared("validation")
    verdicts = json.loads((root / "verdicts.json").read_text("utf-8"))["verdicts"]
    for verdict in verdicts:
        schema = verdict["schema"] or ""
        path = root / verdict["file"]
        if verdict["valid"] or not schema.endswith(".json") or path.stat().st_size > SMALL:
            continue
        descriptor = json.loads((root / schema).read_text("utf-8"))
        if "fields" not in descriptor:
            continue
        try:
            parsed = table_schema_from_descriptor(descriptor, path.stem, "1.0.0")
            outcome = validate_table(read_source(path), parsed, limit_errors=50)
        except (GongkaiError, ValueError, TypeError, KeyError):
            continue  # files and schemas that are refused before any row is looked at
        if isinstance(outcome, ValidationReport):
            yield parsed, outcome


def test_every_error_has_words_without_its_cell():
    seen: set[str] = set()
    files = 0
    for schema, report in _reports():
        files += 1
        said = json.dumps(schema.descriptor, ensure_ascii=False)
        dumped = summarise(report, schema).model_dump_json()
        for error in report.errors:
            seen.add(error.type)
            words = [error.message.zh, error.message.en, error.remedy.zh, error.remedy.en]
            assert all(words), error.type
            assert not re.search(r"[{}]", "".join(words)) or "{" in said
            cell = error.cell or ""
            # short cells and words of the schema occur in any text
            if len(cell) >= 6 and cell not in said and cell not in _own_words():
                assert all(cell not in text for text in words), error.type
                assert cell not in dumped
    assert files >= 20
    assert {"type-error", "constraint-error", "missing-label"} <= seen


def _own_words() -> str:
    return json.dumps(templates(), ensure_ascii=False, default=str)
