"""Disclosure policy, disclosure controls and the disclosure report."""

from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.dataset import Tier
from schemas.district import DistrictLevel
from schemas.findings import Finding
from schemas.hierarchy import Hierarchy
from schemas.table_schema import FieldRole, Meaning, SchemaField
from schemas.text import Text


class Control(StrEnum):
    """Kinds of disclosure control."""

    KEEP = "keep"
    DROP = "drop"
    MASK = "mask"
    REDACT = "redact"  # spans in free text
    PSEUDONYM = "pseudonym"
    GENERALISE = "generalise"  # by hierarchy, level chosen by the k-anonymity model
    ROUND = "round"
    TOP_BOTTOM_CODE = "top-bottom-code"
    DATE_SHIFT = "date-shift"
    COARSEN = "coarsen"  # coordinates
    MICROAGGREGATE = "microaggregate"


class MaskStyle(StrEnum):
    """What a mask leaves readable."""

    FULL = "full"
    NAME = "name"
    RESIDENT_ID = "resident-id"
    MOBILE = "mobile"
    EMAIL = "email"
    ENDS = "ends"
    ADDRESS = "address"


DISTRICT_COLUMN = "district_code"  # where coordinates become districts, unless the policy names another


# Parameters each control understands, and those it cannot do without.
CONTROL_PARAMETERS: dict[Control, frozenset[str]] = {
    Control.KEEP: frozenset(),
    Control.DROP: frozenset(),
    Control.MASK: frozenset({"style", "filler", "keep_organisations", "keep_first", "keep_last"}),
    Control.REDACT: frozenset({"organisations"}),
    Control.PSEUDONYM: frozenset({"domain"}),
    Control.GENERALISE: frozenset({"lowest"}),
    Control.ROUND: frozenset({"base"}),
    Control.TOP_BOTTOM_CODE: frozenset({"top", "bottom", "share"}),
    Control.DATE_SHIFT: frozenset({"days", "subject"}),
    Control.COARSEN: frozenset({"metres", "district", "datum", "least", "centroid", "column"}),
    Control.MICROAGGREGATE: frozenset({"k"}),
}
REQUIRED_PARAMETERS: dict[Control, frozenset[str]] = {
    Control.ROUND: frozenset({"base"}),
    Control.DATE_SHIFT: frozenset({"days", "subject"}),
    Control.MICROAGGREGATE: frozenset({"k"}),
}


class ControlSpec(BaseModel):
    """A control with its parameters, as a policy states it. A parameter the control does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    control: Control
    parameters: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known_parameters(self) -> Self:
        known = CONTROL_PARAMETERS[self.control]
        missing = REQUIRED_PARAMETERS.get(self.control, frozenset()) - set(self.parameters)
        if unknown := set(self.parameters) - known:
            raise ValueError(f"{self.control} has no parameter {', '.join(sorted(unknown))}; known: {sorted(known)}")
        if missing:
            raise ValueError(f"{self.control} needs the parameter {', '.join(sorted(missing))}")
        if "style" in self.parameters:
            MaskStyle(self.parameters["style"])
        if self.parameters.get("organisations", "keep") not in ("keep", "hide"):
            raise ValueError(f"organisations: {self.parameters['organisations']!r}; known: keep, hide")
        if self.control is Control.COARSEN:
            _check_coarsening(self.parameters)
        return self

    @property
    def to_district(self) -> bool:
        """Whether a pair of coordinates becomes the district it lies in."""
        return self.control is Control.COARSEN and "district" in self.parameters


def _check_coarsening(parameters: dict[str, Any]) -> None:
    if ("metres" in parameters) == ("district" in parameters):
        raise ValueError("coarsen goes to a grid or to districts: state one of metres, district")
    if "metres" in parameters:
        if for_districts := sorted({"least", "centroid", "column"} & set(parameters)):
            raise ValueError(f"{', '.join(for_districts)} goes with district, not with metres")
        return
    DistrictLevel(parameters["district"])
    least, column = parameters.get("least", 1), parameters.get("column", DISTRICT_COLUMN)
    if not isinstance(least, int) or isinstance(least, bool) or least < 1:
        raise ValueError("least is a number of records, 1 or more")
    if not isinstance(parameters.get("centroid", False), bool):
        raise ValueError("centroid is true or false")
    if not isinstance(column, str) or not column.strip():
        raise ValueError("column is the name of a column")


class Concentration(BaseModel):
    """(n,k) rule: a sum is withheld where its `contributors` largest contributors have more than `share` of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    contributors: int = Field(ge=1, le=10)
    share: float = Field(gt=0, lt=1)


class Thresholds(BaseModel):
    """What a release must meet in one tier. None: not required.

    epsilon: what one statistical table spends, all its figures together; epsilon_total: what a dataset may spend over
    all its releases. Noise then takes the place of the rules for small and dominated cells.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    k: int | None = Field(default=None, ge=2)
    l: int | None = Field(default=None, ge=2)  # noqa: E741 - the field's standard name
    t: float | None = Field(default=None, gt=0, le=1)
    suppression_limit: float = Field(default=0.05, ge=0, le=1)  # share of records
    highest_risk: float | None = Field(default=None, gt=0, le=1)
    records_at_risk: float | None = Field(default=None, ge=0, le=1)  # share of records above highest_risk
    smallest_cell: int | None = Field(default=None, ge=2)
    dominance: float | None = Field(default=None, gt=0, le=1)  # p% rule for sums: a rival's estimate must miss by more
    concentration: Concentration | None = None
    epsilon: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    epsilon_total: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    source: Text  # where the figures come from

    @model_validator(mode="after")
    def _whole_budget(self) -> Self:
        if self.epsilon is None and self.epsilon_total is None:
            return self
        if self.epsilon is None or self.epsilon_total is None:
            raise ValueError("epsilon (of one release) and epsilon_total (of the dataset) are stated together")
        if self.epsilon > self.epsilon_total:
            raise ValueError("epsilon_total does not suffice for one release: it is below epsilon")
        if (self.smallest_cell, self.dominance, self.concentration) != (None, None, None):
            raise ValueError(
                "with epsilon, noise protects the cells: state neither smallest_cell nor dominance nor concentration"
            )
        return self


class Recoding(StrEnum):
    """How k-anonymity is reached."""

    SUPPRESS = "suppress"
    FULL_DOMAIN = "full-domain"
    LOCAL = "local"  # Mondrian


class TierPolicy(BaseModel):
    """Controls of one tier. A control by meaning goes before the control by role.

    population: number of people the records are drawn from, for the estimates of population uniqueness.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    by_role: dict[FieldRole, ControlSpec]
    by_meaning: dict[Meaning, ControlSpec] = Field(default_factory=dict)
    recoding: Recoding = Recoding.FULL_DOMAIN
    thresholds: Thresholds
    population: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _has_a_k(self) -> Self:
        spec = self.by_role.get(FieldRole.QUASI_IDENTIFIER)
        if spec is not None and spec.control is Control.GENERALISE and self.thresholds.k is None:
            raise ValueError("quasi-identifiers are generalised until k holds: state k in thresholds")
        return self

    @model_validator(mode="after")
    def _least_of_districts(self) -> Self:
        districts = [s for s in (*self.by_role.values(), *self.by_meaning.values()) if s.to_district]
        if self.thresholds.k is None and any("least" not in s.parameters for s in districts):
            raise ValueError("coarsen to district needs least, the fewest records of a district, or k in thresholds")
        return self


class DisclosurePolicy(BaseModel):
    """Which control each role gets in each tier, and the thresholds a release must meet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: Text
    description: Text
    tiers: dict[Tier, TierPolicy]

    @model_validator(mode="after")
    def _noise_in_statistics_only(self) -> Self:
        noisy = [t for t, p in self.tiers.items() if p.thresholds.epsilon is not None and t is not Tier.STATISTICAL]
        if noisy:
            raise ValueError(f"epsilon is for the statistical tier, not for {', '.join(noisy)}")
        return self


class DisclosureControl(BaseModel):
    """One planned treatment of one field in one tier, and why.

    declared: the field as its schema states it. levels: the hierarchy a generalised field follows.
    """

    model_config = ConfigDict(frozen=True)

    field: str
    role: FieldRole
    meaning: Meaning | None
    control: Control
    parameters: dict[str, Any] = Field(default_factory=dict)
    hierarchy: str | None = None
    levels: Hierarchy | None = None
    declared: SchemaField | None = None
    reason: Text


class Outcome(StrEnum):
    PASS = "pass"
    REVIEW = "review"
    FAIL = "fail"


class FieldEffect(BaseModel):
    """What a treatment did to one field. loss: 0 (unchanged) to 1 (gone). why: one sentence."""

    model_config = ConfigDict(frozen=True)

    field: str
    control: Control
    loss: float
    cells_suppressed: int = 0
    why: Text


class RiskFigures(BaseModel):
    """Measured on the treated table over its quasi-identifiers. None where it does not apply."""

    model_config = ConfigDict(frozen=True)

    records: int
    equivalence_classes: int
    k: int | None = None
    l: int | None = None  # noqa: E741
    t: float | None = None
    prosecutor_risk: float | None = None  # highest
    journalist_risk: float | None = None
    marketer_risk: float | None = None  # average
    sample_uniqueness: float | None = None
    population_uniqueness: float | None = None
    share_above: dict[str, float] = {}  # "0.2", "0.09", "0.05" → share of records
    class_sizes: dict[str, int] = {}  # size band → number of records, for the histogram


class KChoice(BaseModel):
    """What a steward chose for a dataset: tier → k, at least the policy's. number: of the record of the choice."""

    model_config = ConfigDict(frozen=True)

    number: int
    k: dict[Tier, int]


class TradeoffPoint(BaseModel):
    """What one k would cost. loss: ARX Loss metric over the quasi-identifiers, 0 (unchanged) to 1 (gone).

    published: field → how it would be published, in words. risk: measured on the records that would stay, l and t left
    out. sentence: all of it in one. note: why the k is out of reach.
    """

    model_config = ConfigDict(frozen=True)

    k: int
    feasible: bool
    loss: float | None = None
    records_suppressed: int = 0
    share_suppressed: float = 0.0
    highest_risk: float | None = None
    losses: dict[str, float] = {}  # field → its loss
    levels: dict[str, int] = {}  # field → level of its hierarchy, -1 where it differs between records
    published: dict[str, Text] = {}
    risk: RiskFigures | None = None
    sentence: Text | None = None
    note: Text | None = None


class DisclosureReport(BaseModel):
    """Measured risk and loss of one tier of one release. Holds no raw value."""

    model_config = ConfigDict(frozen=True)

    tier: Tier
    outcome: Outcome
    reasons: tuple[Text, ...] = ()  # why the outcome is not `pass`
    quasi_identifiers: tuple[str, ...] = ()
    before: RiskFigures | None = None
    after: RiskFigures | None = None
    records_suppressed: int = 0
    effects: tuple[FieldEffect, ...] = ()
    residual: tuple[Finding, ...] = ()  # what the detector still sees in the output
    thresholds: Thresholds | None = None
    extra: dict[str, Any] = Field(default_factory=dict)
