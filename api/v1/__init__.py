"""The JSON API of decisions: applications, grants, reviews, the transparency log, tokens. Errors are RFC 9457."""

from fastapi import APIRouter

from api.v1 import applications, grants, log, reviews, tokens

router = APIRouter(prefix="/api/v1")
for part in (applications, grants, reviews, log, tokens):
    router.include_router(part.router)
