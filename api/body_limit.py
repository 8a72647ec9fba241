"""No request to the JSON API is larger than one mebibyte: counted as it arrives, whatever its headers say."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LIMIT = 1 << 20  # bytes
PREFIX = "/api/v1/"


class BodyLimit:
    """Answers 413 as soon as a body under PREFIX is too large."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self.app(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > LIMIT:
                raise HTTPException(413)
            return message

        await self.app(scope, counted, send)
