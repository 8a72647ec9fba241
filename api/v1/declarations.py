"""Declarations of datasets, and the changes of published ones that wait for a reviewer of the publisher."""

from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from api.dependencies import ChangeNumber, Now, SignedIn, ThePlatform
from governance.database.engine import reading
from governance.declaration_changes import (
    decide_change,
    load_change,
    may_decide_change,
    may_see_change,
    waiting_change,
    waiting_changes,
)
from governance.permission import require
from pipelines.datasets import apply_dataset
from schemas.dataset import Dataset

router = APIRouter(prefix="/declarations", tags=["declarations"])


class ChangeDecision(BaseModel):
    """reason: wanted when rejecting."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["approve", "reject"]
    reason: str = ""


@router.post("")
def declare(declaration: Dataset, platform: ThePlatform, actor: SignedIn, now: Now) -> dict[str, Any]:
    """Declare a dataset, or change its declaration. What readers of a published one rely on waits for a reviewer:
    `waiting` then holds the change."""
    dataset = declaration.model_copy(update={"source": None})
    with platform.engine.begin() as connection:
        changed = apply_dataset(connection, dataset, platform.configuration, actor, now)
        change = waiting_change(connection, dataset.name)
    return {"name": dataset.name, "changed": changed, "waiting": asdict(change) if change else None}


@router.get("/changes")
def waiting(platform: ThePlatform, actor: SignedIn) -> list[dict[str, Any]]:
    """Changes that wait for my decision."""
    with reading(platform.engine) as connection:
        return [asdict(c) for c in waiting_changes(connection) if may_decide_change(actor, c).allowed]


@router.get("/changes/{number}")
def one(number: ChangeNumber, platform: ThePlatform, actor: SignedIn) -> dict[str, Any]:
    """A change: what holds (`held`), what is proposed (`declaration`), and where it stands."""
    with reading(platform.engine) as connection:
        change = load_change(connection, number)
    require(may_see_change(actor, change))
    return asdict(change)


@router.post("/changes/{number}/decisions", status_code=201)
def decide(
    number: ChangeNumber, decided: ChangeDecision, platform: ThePlatform, actor: SignedIn, now: Now
) -> dict[str, Any]:
    """Agree to a change, or not. When agreed it holds from now on."""
    with platform.engine.begin() as connection:
        change = decide_change(connection, number, decided.decision, decided.reason, actor=actor, now=now)
    return asdict(change)
