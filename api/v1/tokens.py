"""Sign-in for programs that keep a cookie, and API tokens for those that do not."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.client_address import client_address
from api.dependencies import Now, SignedIn, ThePlatform
from api.identity import SESSION_COOKIE, refuse_other_origin, set_session_cookie
from governance.accounts import (
    api_token_id,
    create_api_token,
    end_session,
    list_api_tokens,
    revoke_api_token,
    sign_in,
)
from governance.database.engine import reading
from schemas.actor import ANONYMOUS, Actor

router = APIRouter(tags=["tokens"])


class Credentials(BaseModel):
    model_config = ConfigDict(extra="forbid")

    account: Annotated[str, Field(max_length=200)]
    password: Annotated[str, Field(max_length=1000)]


class NewToken(BaseModel):
    """days: how long it is valid."""

    model_config = ConfigDict(extra="forbid")

    name: str
    days: int = 90


@router.post("/session", status_code=201)
def start_session(
    credentials: Credentials, request: Request, platform: ThePlatform, now: Now, response: Response
) -> Actor:
    """Sign in: sets the session cookie. The answer to a wrong name and to a wrong password is the same; 429 with
    Retry-After where it was tried too often."""
    refuse_other_origin(request)
    session = sign_in(
        platform.engine,
        account=credentials.account,
        password=credentials.password,
        actor=ANONYMOUS,
        now=now,
        session_hours=platform.settings.session_hours,
        client=client_address(request),
    )
    set_session_cookie(response, session, platform.settings)
    return session.actor


@router.delete("/session", status_code=204)
def stop_session(request: Request, platform: ThePlatform, actor: SignedIn, now: Now, response: Response) -> None:
    """Sign out."""
    if token := request.cookies.get(SESSION_COOKIE):
        with platform.engine.begin() as connection:
            end_session(connection, token=token, actor=actor, now=now)
    response.delete_cookie(SESSION_COOKIE)


@router.get("/tokens")
def mine(platform: ThePlatform, actor: SignedIn) -> list[dict[str, Any]]:
    """My tokens, without their secrets."""
    with reading(platform.engine) as connection:
        return list_api_tokens(connection, actor.id)


@router.post("/tokens", status_code=201)
def create(new: NewToken, platform: ThePlatform, actor: SignedIn, now: Now, response: Response) -> dict[str, str]:
    """A new token. It is shown this once."""
    with platform.engine.begin() as connection:
        token = create_api_token(connection, account=actor.id, name=new.name, days=new.days, actor=actor, now=now)
    response.headers["Cache-Control"] = "no-store"
    return {"id": api_token_id(token), "token": token}


@router.delete("/tokens/{token_id}", status_code=204)
def revoke(token_id: str, platform: ThePlatform, actor: SignedIn, now: Now) -> None:
    """Revoke one of my tokens. Doing it again changes nothing."""
    with platform.engine.begin() as connection:
        revoke_api_token(connection, token_id=token_id, actor=actor, now=now)
