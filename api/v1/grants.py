"""Grants: mine, their uses, a new token, revocation."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Response

from api.dependencies import Now, SignedIn, ThePlatform
from governance.access import commands as c
from governance.access.grants import Grant, list_grants, list_uses, load_grant
from governance.access.service import act, show_application
from governance.database.engine import reading

router = APIRouter(prefix="/grants", tags=["grants"])


@router.get("")
def mine(platform: ThePlatform, actor: SignedIn) -> list[Grant]:
    """My grants, the newest first."""
    with reading(platform.engine) as connection:
        return list_grants(connection, holder=actor.id)


@router.get("/{grant_id}")
def one(grant_id: str, platform: ThePlatform, actor: SignedIn) -> dict[str, Any]:
    """A grant and every use made of it, for whoever may see its application."""
    with reading(platform.engine) as connection:
        grant = load_grant(connection, grant_id)
        show_application(connection, grant.application_id, actor)
        return {**asdict(grant), "uses": list_uses(connection, grant_id)}


@router.post("/{grant_id}/token")
def reissue(grant_id: str, platform: ThePlatform, actor: SignedIn, now: Now, response: Response) -> dict[str, str]:
    """A token for the holder; the one before stops. It is shown this once."""
    with platform.engine.begin() as connection:
        grant = load_grant(connection, grant_id)
        show_application(connection, grant.application_id, actor)
        outcome = act(connection, grant.application_id, c.ReissueToken(), actor=actor, now=now)
    response.headers["Cache-Control"] = "no-store"
    return {"grant": grant_id, "token": outcome.token or ""}


@router.post("/{grant_id}/revocation")
def revoke(grant_id: str, command: c.Revoke, platform: ThePlatform, actor: SignedIn, now: Now) -> Grant:
    """End a grant at once, with a reason."""
    with platform.engine.begin() as connection:
        grant = load_grant(connection, grant_id)
        act(connection, grant.application_id, command, actor=actor, now=now)
        return load_grant(connection, grant_id)
