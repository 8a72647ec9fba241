"""The release review desk: the queue, and the evidence that must be opened before a step can be signed."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from api.identity import signed_in_actor
from api.platform import platform_of
from api.portal.public_pages import field_titles, preview_rows
from api.portal.rendering import redirect, render
from api.problems import status_of
from governance.clocks import local_day
from governance.database.engine import reading
from governance.declaration_changes import may_see_change, waiting_changes
from governance.permission import require
from governance.release_review.events import Decision, Step
from governance.release_review.permissions import DUTY_OF_STEP, may_decide, may_see
from governance.release_review.service import list_reviews, load_review
from governance.release_review.state import Review
from pipelines.datasets import load_dataset
from pipelines.k_choice import find_choice
from pipelines.reviewing import sign_step
from pipelines.sources import load_release
from pipelines.unpublished import unpublished_release
from schemas.actor import Actor, Duty
from schemas.errors import GongkaiError, NotPermitted, Refused
from schemas.registry import load_published
from schemas.text import Text

router = APIRouter(include_in_schema=False)
MOST_OTHERS = 100


def _reader(request: Request, review: Review | None = None) -> Actor:
    """Who may look at reviews, or at this one. Raises NotAuthenticated, NotPermitted."""
    actor = signed_in_actor(request)
    if review is not None:
        require(may_see(actor, review))
    elif not actor.duties & {*DUTY_OF_STEP.values(), Duty.OPERATOR, Duty.AUDITOR}:
        raise NotPermitted(
            "not-reviewer",
            Text(zh="这里供审核人员使用", en="this is for reviewers"),
            Text(zh="请用审核账号登录", en="sign in with a reviewer's account"),
        )
    return actor


@router.get("/reviews")
def queue(request: Request) -> HTMLResponse:
    """What waits for me, by deadline; then everything else."""
    actor = _reader(request)
    platform = platform_of(request)
    with reading(platform.engine) as connection:
        mine = list_reviews(connection, actor=actor)
        known = {m.release_id for m in mine}
        others = [r for r in list_reviews(connection) if r.release_id not in known and may_see(actor, r).allowed]
        titles = {r.dataset: load_dataset(connection, r.dataset).title for r in (*mine, *others)}
        changes = [c for c in waiting_changes(connection) if may_see_change(actor, c).allowed]
        change_titles = {c.dataset: load_dataset(connection, c.dataset).title for c in changes}
    return render(
        request,
        "reviews.html",
        mine=mine,
        others=others[:MOST_OTHERS],
        titles=titles,
        changes=changes,
        change_titles=change_titles,
        today=local_day(datetime.now(UTC)),
    )


@router.get("/reviews/{release_id}")
def evidence(request: Request, release_id: str) -> HTMLResponse:
    return _evidence(request, release_id)


def _evidence(
    request: Request, release_id: str, status: int = 200, error: GongkaiError | None = None, reason: str = ""
) -> HTMLResponse:
    """All that is signed for: figures, the first rows and the digests of every tier."""
    signed_in_actor(request)
    platform = platform_of(request)
    with reading(platform.engine) as connection:
        review = load_review(connection, release_id)
        actor = _reader(request, review)
        dataset = load_dataset(connection, review.dataset)
        release = load_release(connection, release_id)
        chosen = find_choice(connection, release.choice.number) if release.choice else None
        unpublished = unpublished_release(connection, review.dataset)
    schema = load_published(release.table_schema, platform.configuration.schemas)
    return render(
        request,
        "review.html",
        status,
        review=review,
        dataset=dataset,
        release=release,
        schema=schema,
        titles=field_titles(schema),
        policy=platform.configuration.policies.get(release.policy),
        chosen=chosen,
        unpublished=unpublished if unpublished and unpublished.release == release_id else None,
        steps=list(Step),
        signed={d.step for d in review.round if d.decision is Decision.APPROVE},
        previews={d.tier: preview_rows(platform, d) for d in release.distributions},
        permission=may_decide(actor, review, review.step) if review.step else None,
        reason=reason,
        error=error,
    )


@router.post("/reviews/{release_id}")
def decide(
    request: Request,
    release_id: str,
    step: Annotated[str, Form()],
    decision: Annotated[str, Form()],
    descriptor_digest: Annotated[str, Form()],
    reason: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Sign the step on the evidence that this page showed."""
    actor = _reader(request)
    platform = platform_of(request)
    try:
        sign_step(platform, release_id, step, decision, reason.strip(), descriptor_digest, actor, datetime.now(UTC))
    except Refused as error:
        return _evidence(request, release_id, status_of(error), error, reason)
    return redirect(request, f"/reviews/{release_id}")
