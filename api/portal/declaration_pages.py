"""The page of a proposed change of a declaration: what holds beside what is proposed, and the reviewer's decision."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from api.dependencies import ChangeNumber
from api.identity import signed_in_actor
from api.platform import platform_of
from api.portal.rendering import redirect, render
from api.problems import status_of
from governance.database.engine import reading
from governance.declaration_changes import ChangeStatus, decide_change, load_change, may_decide_change, may_see_change
from governance.permission import require
from pipelines.datasets import load_dataset
from schemas.errors import GongkaiError, Refused

router = APIRouter(include_in_schema=False)


@router.get("/reviews/declarations/{number}")
def change_page(request: Request, number: ChangeNumber) -> HTMLResponse:
    """What holds, what is proposed, and where it stands."""
    return _page(request, number)


def _page(
    request: Request, number: int, status: int = 200, error: GongkaiError | None = None, reason: str = ""
) -> HTMLResponse:
    actor, platform = signed_in_actor(request), platform_of(request)
    with reading(platform.engine) as connection:
        change = load_change(connection, number)
        require(may_see_change(actor, change))
        dataset = load_dataset(connection, change.dataset)
    return render(
        request,
        "declaration_change.html",
        status,
        change=change,
        dataset=dataset,
        rows=[(name, as_text(change.held.get(name)), as_text(change.declaration.get(name))) for name in change.fields],
        permission=may_decide_change(actor, change) if change.status is ChangeStatus.WAITING else None,
        reason=reason,
        error=error,
    )


def as_text(value: Any) -> str:
    """A value of a declaration for people: both languages of a text, the items of a list."""
    if value is None or value in ("", []):
        return "—"
    if isinstance(value, dict):
        values = value.values() if value.keys() == {"zh", "en"} else (f"{k}: {as_text(v)}" for k, v in value.items())
        return " / ".join(dict.fromkeys(map(str, values)))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@router.post("/reviews/declarations/{number}")
def decide(
    request: Request,
    number: ChangeNumber,
    decision: Annotated[str, Form()],
    reason: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Agree to the change, or not."""
    actor, platform = signed_in_actor(request), platform_of(request)
    try:
        with platform.engine.begin() as connection:
            decide_change(connection, number, decision, reason, actor=actor, now=datetime.now(UTC))
    except Refused as error:
        return _page(request, number, status_of(error), error, reason)
    return redirect(request, f"/reviews/declarations/{number}")
