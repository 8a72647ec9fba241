"""Dataset: what an agency declares."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from schemas.errors import NotFound
from schemas.statistics import StatisticalTable
from schemas.text import Text

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{1,98}[a-z0-9]$")]


class Openness(StrEnum):
    """Openness of a dataset (开放属性)."""

    OPEN = "open"  # 无条件开放
    CONDITIONAL = "conditional"  # 有条件开放
    CLOSED = "closed"  # 不予开放


class Tier(StrEnum):
    """Tier of a distribution: for whom it was treated."""

    OPEN = "open"
    RESTRICTED = "restricted"
    STATISTICAL = "statistical"


class UpdateFrequency(StrEnum):
    """Codes of the EU frequency vocabulary, as DCAT-AP uses them (dct:accrualPeriodicity)."""

    CONTINUOUS = "CONT"
    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    ANNUAL = "ANNUAL"
    IRREGULAR = "IRREG"
    NEVER = "NEVER"


TIERS_BY_OPENNESS: dict[Openness, tuple[Tier, ...]] = {
    Openness.OPEN: (Tier.OPEN,),
    Openness.CONDITIONAL: (Tier.RESTRICTED,),
    Openness.CLOSED: (),
}
TIERS_ALLOWED: dict[Openness, frozenset[Tier]] = {
    Openness.OPEN: frozenset({Tier.OPEN, Tier.STATISTICAL}),
    Openness.CONDITIONAL: frozenset({Tier.RESTRICTED, Tier.STATISTICAL}),
    Openness.CLOSED: frozenset(),
}


# What a steward may change of a published dataset without a review: it describes the data and promises nothing.
# Everything else waits until a reviewer of the publisher has agreed. By the names of the declaration.
CHANGED_AT_ONCE = frozenset({"notes", "tags", "contact"})


class Dataset(BaseModel):
    """What an agency declares (DCAT dcat:Dataset, CKAN package).

    table_schema: `name@version` of a published table schema, absent for closed datasets only.
    source: path or address of the source file, relative to the declaration; may be given later.
    negative_list_item: id of the item of the negative list a closed dataset rests on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: Name
    title: Text
    notes: Text
    publisher: Name
    openness: Openness
    table_schema: str | None = Field(default=None, alias="schema", pattern=r"^[a-z0-9_-]+@\d+\.\d+\.\d+$")
    policy: Name = "standard"
    tiers: tuple[Tier, ...] = ()
    statistics: StatisticalTable | None = None
    source: str | None = None
    licence: str = "cc-by-4.0"
    themes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    update_frequency: UpdateFrequency = UpdateFrequency.IRREGULAR
    legal_basis: Text
    negative_list_item: str | None = None
    access_conditions: Text | None = None
    contact: str | None = None
    spatial: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.openness is Openness.CLOSED:
            if not self.negative_list_item:
                raise ValueError(
                    "a closed dataset names the item of the negative list it rests on (negative_list_item)"
                )
            if self.source or self.tiers:
                raise ValueError("a closed dataset has neither source nor tiers")
            return self
        if self.table_schema is None:
            raise ValueError("a dataset that is not closed names its schema (schema: name@version)")
        unfit = set(self.tiers) - TIERS_ALLOWED[self.openness]
        if unfit:
            raise ValueError(f"a dataset that is {self.openness} has no tier {', '.join(sorted(unfit))}")
        if Tier.STATISTICAL in self.tiers and self.statistics is None:
            raise ValueError("the statistical tier needs `statistics` (by, measures)")
        if self.openness is Openness.CONDITIONAL and self.access_conditions is None:
            raise ValueError("a conditional dataset states its access_conditions")
        return self

    @property
    def published_tiers(self) -> tuple[Tier, ...]:
        return self.tiers or TIERS_BY_OPENNESS[self.openness]


def unknown_dataset() -> NotFound:
    """For a name that no declaration bears, or none that the asker may know of."""
    return NotFound(
        "unknown-dataset",
        Text(zh="没有这个数据集", en="there is no such dataset"),
        Text(
            zh="请在目录中搜索，或用 gongkai dataset list 查看",
            en="search the catalogue, or see gongkai dataset list",
        ),
        field="dataset",
    )
