"""Sign one step of a release review; the last approval queues publication in the same transaction."""

from datetime import datetime

from governance.outbox import enqueue
from governance.release_review.service import decide_step
from pipelines.platform import Platform
from pipelines.side_by_side import require_compared
from pipelines.sources import load_release
from schemas.actor import Actor

SIGNING_KEY = "review-signing"


def sign_step(
    platform: Platform,
    release_id: str,
    step: str,
    decision: str,
    reason: str,
    descriptor_digest: str,
    actor: Actor,
    now: datetime,
) -> str:
    """Decide `step` on the evidence with `descriptor_digest`; returns the release's new status.

    Raises NotPermitted, Conflict (not this step's turn, other evidence, `published-meanwhile`), Refused (a reason is
    wanted).
    """
    with platform.engine.begin() as connection:
        review = decide_step(
            connection,
            release_id,
            step,
            decision,
            reason,
            descriptor_digest,
            actor=actor,
            now=now,
            signing_key=platform.home.key(SIGNING_KEY),
        )
        if decision == "approve":
            require_compared(platform, connection, load_release(connection, release_id))
        if review.status == "approved":
            dataset = load_release(connection, release_id).dataset
            # A reinstated release is approved a second time, and published a second time.
            key = f"publish:{release_id}:{review.version}"
            enqueue(connection, "publish", key, {"dataset": dataset}, actor.id, now)
    return str(review.status)
