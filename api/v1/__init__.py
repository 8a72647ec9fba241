"""The JSON API of decisions: applications, grants, reviews, the transparency log, tokens. Errors are RFC 9457."""

from fastapi import APIRouter, Depends, Response

from api.v1 import applications, declarations, grants, log, reviews, tokens

router = APIRouter(prefix="/api/v1")


def _not_kept(response: Response) -> None:
    """What a person may see is kept by no cache."""
    response.headers["Cache-Control"] = "no-store"


for part in (applications, declarations, grants, reviews, tokens):
    router.include_router(part.router, dependencies=[Depends(_not_kept)])
router.include_router(log.router)
