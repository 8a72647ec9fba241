"""No request is larger than what it is for: counted as it arrives, whatever its headers say.

Forms are read whole before anybody asks who sent them, so the size of an upload is for stewards alone: nobody else can
fill the disk with what will be refused.
"""

import re

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.identity import current_actor
from schemas.actor import Duty
from schemas.errors import GongkaiError

LIMIT = 1 << 20  # bytes
ACTIONS = ("/api/3/", "/api/action/")  # they count for themselves: packages are larger, and CKAN's error form is theirs
UPLOAD = re.compile(r"/[a-z]+/steward/[^/]+/upload")
ENVELOPE = 1 << 16  # bytes of a multipart form around its file


class BodyLimit:
    """Answers 413 as soon as a body is too large."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(ACTIONS):
            await self.app(scope, receive, send)
            return
        received, limit = 0, LIMIT

        async def counted() -> Message:
            nonlocal received, limit
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit == LIMIT and UPLOAD.fullmatch(scope["path"]):
                limit = await run_in_threadpool(_upload_limit, Request(scope))
            if received > limit:
                raise HTTPException(413)
            return message

        await self.app(scope, counted, send)


def _upload_limit(request: Request) -> int:
    """Bytes of an upload: of a file for stewards and operators, of any other request for the rest."""
    try:
        duties = current_actor(request).duties
    except GongkaiError:
        return LIMIT
    if not duties & {Duty.STEWARD, Duty.OPERATOR}:
        return LIMIT
    return int(request.app.state.platform.settings.upload_limit) + ENVELOPE
