"""Findings: what each column seems to hold. Evidence only, never a raw value or a part of one."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from schemas.table_schema import FieldRole, Meaning
from schemas.text import Text


class Finding(BaseModel):
    """One kind of content seen in one field.

    entity: Presidio entity type (`CN_RESIDENT_ID`, …). cells: cells with at least one match; share: of non-null cells.
    whole_cell_share: share of non-null cells that consist of the match alone; verified_share: of the matches,
    those whose checksum holds (None where the kind has none). patterns: names of the patterns that matched.
    shapes: shape of cells → count, such as `18 digits`, `3 Han`, `17 digits + X`.
    """

    model_config = ConfigDict(frozen=True)

    field: str
    entity: str
    meaning: Meaning | None
    cells: int
    share: float
    whole_cell_share: float
    verified_share: float | None = None
    score: float
    by_header: bool = False
    patterns: tuple[str, ...] = ()
    shapes: dict[str, int] = {}
    proposed_role: FieldRole


class FieldProfile(BaseModel):
    """Measured facts of one field, without values."""

    model_config = ConfigDict(frozen=True)

    field: str
    cells: int
    nulls: int
    distinct: int
    unique_share: float  # share of non-null cells whose value occurs once
    shapes: dict[str, int] = {}


class Findings(BaseModel):
    """All findings of a table. unique_sets: k-minimal sets of fields that single out records."""

    model_config = ConfigDict(frozen=True)

    rows: int
    profiles: tuple[FieldProfile, ...]
    findings: tuple[Finding, ...]
    unique_sets: tuple[tuple[str, ...], ...] = ()

    def of(self, field: str) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.field == field)


class SecondOpinion(BaseModel):
    """What Presidio and the column path each find of one kind in a sample of one field.

    looked_at: distinct cells of the sample. here, presidio: those of them in which the path finds the kind.
    """

    model_config = ConfigDict(frozen=True)

    field: str
    entity: str
    looked_at: int
    here: int
    presidio: int

    @property
    def agrees(self) -> bool:
        return self.here == self.presidio


class DetectorFigure(BaseModel):
    """How the detector does on one labelled corpus. names_model: with it or by rule; None where it takes no part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    corpus: Text
    kind: Text
    names_model: bool | None = None
    recall: float = Field(ge=0, le=1)
    precision: float = Field(ge=0, le=1)


class DetectorQuality(BaseModel):
    """Recall and precision of the detector, when they were measured, and by what command."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measured_on: date
    command: str
    figures: tuple[DetectorFigure, ...] = Field(min_length=1)

    def of(self, names_model: bool) -> "DetectorQuality":
        """The figures of the detector as it ran."""
        return self.model_copy(
            update={"figures": tuple(f for f in self.figures if f.names_model in (None, names_model))}
        )
