"""Pages of data stewards: own datasets, declare one, hand in a file. `source_pages` has the page of a file."""

from datetime import UTC, datetime
from typing import Annotated

import yaml
from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from api.identity import signed_in_actor
from api.platform import platform_of
from api.portal.rendering import redirect, render
from api.problems import status_of
from governance.database.engine import reading
from governance.declaration_changes import waiting_change
from governance.release_review.service import list_reviews
from pipelines.current_release import current_release
from pipelines.datasets import apply_dataset, list_datasets, load_dataset, require_steward
from pipelines.publish import withdraw
from pipelines.reinstate import last_withdrawn, reinstate
from pipelines.sources import accept_source, list_sources
from pipelines.unpublished import unpublished_release
from schemas.actor import Actor, Duty
from schemas.dataset import Dataset, Openness
from schemas.errors import GongkaiError, NotPermitted, Refused
from schemas.text import Text
from schemas.yaml_text import read_yaml

router = APIRouter(include_in_schema=False)

TEMPLATE = """\
name: my-dataset
title: {zh: 数据集名称, en: Title}
notes: {zh: 内容说明, en: What it holds}
publisher: AGENCY
openness: open
schema: bus-stops@1.0.0
update_frequency: MONTHLY
legal_basis:
  zh: 《中华人民共和国政府信息公开条例》第十九条
  en: Regulations on Open Government Information, article 19
"""


def steward(request: Request) -> Actor:
    """Who is signed in. Raises NotAuthenticated, and NotPermitted for anyone who is neither steward nor operator."""
    actor = signed_in_actor(request)
    if not actor.duties & {Duty.STEWARD, Duty.OPERATOR}:
        raise NotPermitted(
            "not-steward",
            Text(zh="这里供数据专员使用", en="this is for data stewards"),
            Text(zh="请用数据专员账号登录", en="sign in with a steward's account"),
        )
    return actor


@router.get("/steward")
def overview(request: Request) -> HTMLResponse:
    actor, platform = steward(request), platform_of(request)
    with reading(platform.engine) as connection:
        own = [d for d in list_datasets(connection) if _is_own(d, actor)]
        reviews = {r.dataset: r for r in reversed(list_reviews(connection))}
    latest = {d.name: next(iter(list_sources(platform, d.name, 1)), None) for d in own}
    return render(request, "steward.html", datasets=own, latest=latest, reviews=reviews)


def _is_own(dataset: Dataset, actor: Actor) -> bool:
    return Duty.OPERATOR in actor.duties or dataset.publisher == actor.organisation


@router.get("/steward/declare")
def declare_form(request: Request) -> HTMLResponse:
    actor = steward(request)
    text = TEMPLATE.replace("AGENCY", actor.organisation or "agency")
    return render(request, "declare.html", declaration=text, error=None)


@router.post("/steward/declare")
def declare(request: Request, declaration: Annotated[str, Form(max_length=100_000)]) -> Response:
    """Apply a declaration; what is wrong is shown beside the text, which is not lost."""
    actor, platform = steward(request), platform_of(request)
    try:
        dataset = _parsed(declaration)
        with platform.engine.begin() as connection:
            apply_dataset(connection, dataset, platform.configuration, actor, datetime.now(UTC))
    except GongkaiError as error:
        return render(request, "declare.html", 422, declaration=declaration, error=error)
    return redirect(request, f"/steward/{dataset.name}")


def _parsed(text: str) -> Dataset:
    try:
        return Dataset.model_validate(read_yaml(text)).model_copy(update={"source": None})
    except (ValidationError, ValueError, yaml.YAMLError) as error:
        listed = (
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            if isinstance(error, ValidationError)
            else str(error)
        )
        raise Refused(
            "invalid-declaration",
            Text(zh=f"声明有误：{listed}", en=f"the declaration is wrong: {listed}"),
            Text(zh="请对照说明改正", en="correct it; the reference lists every field"),
            field="declaration",
        ) from None


@router.get("/steward/{name}")
def dataset_desk(request: Request, name: str) -> HTMLResponse:
    return _desk(request, name)


def _desk(request: Request, name: str, status: int = 200, error: GongkaiError | None = None) -> HTMLResponse:
    actor, platform = steward(request), platform_of(request)
    with reading(platform.engine) as connection:
        dataset = load_dataset(connection, name)
        require_steward(dataset, actor)
        reviews = list_reviews(connection, dataset=name)
        published = current_release(connection, name) is not None
        withdrawn = last_withdrawn(connection, name)
        change = waiting_change(connection, name)
        unpublished = unpublished_release(connection, name)
    return render(
        request,
        "steward_dataset.html",
        status,
        dataset=dataset,
        sources=list_sources(platform, name),
        reviews={r.release_id: r for r in reviews},
        policy=platform.configuration.policies.get(dataset.policy),
        published=published,
        withdrawn=withdrawn,
        change=change,
        unpublished=unpublished,
        closed=dataset.openness is Openness.CLOSED,
        limit=platform.settings.upload_limit,
        error=error,
    )


@router.post("/steward/{name}/upload")
def upload(request: Request, name: str, file: Annotated[UploadFile, File()]) -> Response:
    """Take a file in; from here the worker carries on, whatever happens to this page."""
    actor, platform = steward(request), platform_of(request)
    try:
        source = accept_source(platform, name, file.file, file.filename or "", actor, datetime.now(UTC))
    except Refused as error:
        return _desk(request, name, 422, error)
    return redirect(request, f"/steward/sources/{source}")


@router.post("/steward/{name}/withdraw")
def take_back(request: Request, name: str, reason: Annotated[str, Form(max_length=500)] = "") -> Response:
    """Take the publication back; the public reads the reason."""
    actor = steward(request)
    try:
        withdraw(platform_of(request), name, reason, actor, datetime.now(UTC))
    except Refused as error:
        return _desk(request, name, 422, error)
    return redirect(request, f"/steward/{name}")


@router.post("/steward/{name}/reinstate")
def bring_back(
    request: Request, name: str, release: Annotated[str, Form(max_length=64)], reason: Annotated[str, Form()] = ""
) -> Response:
    """Put a release that was withdrawn by mistake before the three reviewers anew."""
    actor = steward(request)
    try:
        reinstate(platform_of(request), name, reason, actor, datetime.now(UTC), release)
    except Refused as error:
        return _desk(request, name, status_of(error), error)
    return redirect(request, f"/steward/{name}")
