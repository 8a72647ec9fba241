"""Pages of one file that a steward handed in: how far it is, what is wrong with it, what may be taken away."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from api.identity import signed_in_actor
from api.platform import platform_of
from api.portal.k_choices import choices_of, read_choice
from api.portal.public_pages import field_titles
from api.portal.rendering import redirect, render
from api.portal.steward_pages import steward
from api.portal.translation import negotiated_language
from api.problems import status_of
from governance.database.engine import reading
from governance.release_review.service import find_review
from pipelines.datasets import load_dataset, require_steward
from pipelines.k_choice import choose_k
from pipelines.progress import STAGES, Pace, Progress
from pipelines.progress_words import duration, told
from pipelines.source_files import (
    CORRECTED,
    SUMMARY,
    WITHOUT_CELLS,
    SourceFile,
    list_files,
    ready_file,
    request_file,
    require_cells,
    sees_cells,
    use_corrected,
)
from pipelines.sources import SourceRecord, load_source
from schemas.dataset import Dataset
from schemas.errors import GongkaiError, Refused
from schemas.registry import load_published
from schemas.text import Language, Text

router = APIRouter(include_in_schema=False)

WORKING = ("received", "preparing")
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
FILE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


@router.get("/steward/sources/{source_id}")
def source(request: Request, source_id: str) -> HTMLResponse:
    """Progress, then the validation report (offending cells are for the publisher's stewards alone) or the release."""
    return _page(request, source_id)


def _page(request: Request, source_id: str, status: int = 200, error: GongkaiError | None = None) -> HTMLResponse:
    actor, platform = steward(request), platform_of(request)
    found = load_source(platform, source_id)
    release = (found.outcome or {}).get("release")
    root = platform.configuration.schemas
    with reading(platform.engine) as connection:
        dataset = load_dataset(connection, found.dataset)
        require_steward(dataset, actor)
        review = find_review(connection, release) if release else None
        choices = choices_of(connection, dataset, found, platform.configuration)
    return render(
        request,
        "source.html",
        status,
        dataset=dataset,
        review=review,
        titles=field_titles(load_published(dataset.table_schema, root) if dataset.table_schema else None),
        own=sees_cells(dataset, actor),
        choices=choices,
        error=error,
        **_parts(request, found, sees_cells(dataset, actor)),
    )


@router.post("/steward/sources/{source_id}/k")
def choose(
    request: Request, source_id: str, tier: Annotated[str, Form()] = "", k: Annotated[str, Form()] = ""
) -> Response:
    """Choose k for the dataset, and have the file prepared again under it."""
    actor = steward(request)
    try:
        choose_k(platform_of(request), source_id, read_choice(tier, k), actor, datetime.now(UTC))
    except Refused as error:
        return _page(request, source_id, status_of(error), error)
    return redirect(request, f"/steward/sources/{source_id}")


@router.get("/steward/sources/{source_id}/progress")
def progress(request: Request, source_id: str) -> HTMLResponse:
    """The part of the page that renews itself while the worker is at work; without it there is nothing to wait for."""
    found, dataset = _source_of(request, source_id)
    return render(request, "source_part.html", **_parts(request, found, sees_cells(dataset, steward(request))))


@router.post("/steward/sources/{source_id}/files/{name}")
def ask_for_file(request: Request, source_id: str, name: str) -> Response:
    """Have the worker make a file; the page shows how far it is."""
    actor = steward(request)
    request_file(platform_of(request), source_id, name, actor, datetime.now(UTC))
    return redirect(request, f"/steward/sources/{source_id}#files")


@router.get("/steward/sources/{source_id}/files/{name}")
def file(request: Request, source_id: str, name: str) -> Response:
    """A file as it was made. Files with raw cells are for the publisher's stewards alone, and kept by no cache."""
    found, dataset = _source_of(request, source_id)
    if name not in WITHOUT_CELLS:
        require_cells(dataset, signed_in_actor(request))
    path = ready_file(platform_of(request), found, name)
    kind, _, suffix = name.rpartition(".")
    told_name = f"{kind}-{source_id[:8]}.{suffix}"
    return FileResponse(path, media_type=MEDIA_TYPES[suffix], filename=told_name, headers=FILE_HEADERS)


@router.post("/steward/sources/{source_id}/use-corrected")
def hand_in_corrected(request: Request, source_id: str) -> Response:
    """Hand the corrected copy in as a new source, the way any upload goes."""
    actor = steward(request)
    new = use_corrected(platform_of(request), source_id, actor, datetime.now(UTC))
    return redirect(request, f"/steward/sources/{new}")


def _source_of(request: Request, source_id: str) -> tuple[SourceRecord, Dataset]:
    """The source, its outcome unread, and its dataset. Raises what a person who may not see it deserves."""
    actor, platform = steward(request), platform_of(request)
    found = load_source(platform, source_id, outcome=False)
    with reading(platform.engine) as connection:
        dataset = load_dataset(connection, found.dataset)
    require_steward(dataset, actor)
    return found, dataset


def _parts(request: Request, found: SourceRecord, cells: bool) -> dict[str, Any]:
    """What the renewing parts show."""
    language = negotiated_language(request)
    files = {} if found.status in WORKING else list_files(platform_of(request), found.id)
    return {
        "source": found,
        "working": found.status in WORKING,
        "stages": STAGES,
        "figures": _figures(found.progress, language),
        "files": files,
        "making": cells and any(f.status == "making" for f in files.values()),
        "file_figures": {name: _file_figures(f, language) for name, f in files.items()},
        "names": {
            "marked": f"report.{language}.xlsx",
            "page": f"report.{language}.html",
            "places": f"places.{language}.html",
            "report": "report.json",
            "summary": SUMMARY,
            "corrected": CORRECTED,
        },
        "cells": cells,
    }


def _figures(kept: dict[str, Any] | None, language: Language) -> str:
    """Rows, speed and time left of a step; how long it takes so far where nothing else is known."""
    if not kept:
        return ""
    now = Progress(kept["stage"], kept["share"], rows=kept["rows"])
    pace = Pace(kept["bytes_per_second"], kept["rows_per_second"], kept["seconds_left"])
    words = told(now, pace, language)
    if words:
        return words
    seconds = (datetime.now(UTC) - datetime.fromisoformat(kept["began"])).total_seconds()
    taken = duration(seconds)
    return Text(zh=f"已用 {taken.zh}", en=f"{taken.en} so far").to(language) if seconds >= 1 else ""


def _file_figures(file: SourceFile, language: Language) -> str:
    return _figures(file.progress, language)
