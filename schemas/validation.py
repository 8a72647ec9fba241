"""Validation report: what is wrong with a source table, where, why and what to do."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from schemas.text import Text


class TableError(BaseModel):
    """One error or warning.

    type: frictionless's error type (`type-error`, `unique-error`, …) or one of ours (`meaning-error`, `rule-error`, …).
    message: worded by our template; note: frictionless's own note. cell and row_cells hold raw values: for the
    steward alone. `without_values` drops them.
    """

    model_config = ConfigDict(frozen=True)

    type: str
    level: Literal["error", "warning"] = "error"
    row: int | None = None  # 1 = header, as in a spreadsheet
    field: str | None = None
    field_number: int | None = None
    message: Text
    remedy: Text | None = None
    note: str = ""
    cell: str | None = None
    suggestion: str | None = None

    def without_values(self) -> "TableError":
        public = Text(zh=f"{self.type}", en=f"{self.type}")
        return self.model_copy(update={"message": public, "note": "", "cell": None, "suggestion": None, "remedy": None})


class ValidationReport(BaseModel):
    """The verdict on one source. report: frictionless's report form, with values."""

    model_config = ConfigDict(frozen=True)

    valid: bool
    rows: int
    seconds: float
    path: str = "frictionless"  # which way the rows were checked: fast, exact, frictionless
    errors: tuple[TableError, ...] = ()
    warnings: tuple[TableError, ...] = ()
    counts: dict[str, int] = {}  # error type → number
    truncated: bool = False  # more errors exist than are listed
    report: dict[str, Any] = {}
