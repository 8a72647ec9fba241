"""Downloads: `/download/<dataset>/<release>/<tier>.<format>`, the same bytes for ever under one address."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response, StreamingResponse

from api.delivery import Delivery, deliver, parse_tier, record_delivery
from api.platform import platform_of
from api.problems import problem_response
from governance.database.dataset_tables import datasets
from governance.database.engine import reading
from pipelines.rows.delivery_files import CODINGS, SMALLEST_COMPRESSED, ServedFile, encoded_file, served_file
from pipelines.rows.formats import COMPRESSIBLE, MEDIA_TYPES
from schemas.errors import NotFound, Refused
from schemas.text import Text

BLOCK = 256 * 1024  # bytes read at a time
FRESH_SECONDS = 300  # how long caches may serve an open file without asking: a withdrawal has to take effect

router = APIRouter(tags=["downloads"])


@router.head("/download/{dataset}/{release}/{name}", response_class=Response, include_in_schema=False)
@router.get("/download/{dataset}/{release}/{name}", response_class=Response)
def download(request: Request, dataset: str, release: str, name: str) -> Response:
    """One file of one release. `latest` redirects to the address of the current release."""
    tier_name, format = _split_name(name)
    delivery = deliver(request, dataset, parse_tier(tier_name), None if release == "latest" else release)
    if release == "latest":
        target = f"/download/{quote(dataset)}/{delivery.release.id}/{quote(name)}"
        return RedirectResponse(target, status_code=307, headers={"Cache-Control": "no-cache"})
    return _serve(request, delivery, format)


def _split_name(name: str) -> tuple[str, str]:
    tier, _, format = name.partition(".")
    if format not in MEDIA_TYPES:
        listed = ", ".join(MEDIA_TYPES)
        raise NotFound(
            "unknown-format",
            Text(zh="不提供这种格式", en="there is no such format"),
            Text(zh=f"可用的格式：{listed}", en=f"formats are: {listed}"),
            field="format",
        )
    return tier, format


def _serve(request: Request, delivery: Delivery, format: str) -> Response:
    platform = platform_of(request)
    plain = served_file(platform.home, platform.store, delivery.distribution, format)
    coding = choose_coding(request, plain) if format in COMPRESSIBLE else None
    file = encoded_file(platform.home, plain, coding) if coding else plain
    etag = _etag(plain, coding)
    size = file.path.stat().st_size
    headers = {
        "ETag": etag,
        "Cache-Control": f"public, max-age={FRESH_SECONDS}" if delivery.grant is None else "private, no-store",
        "Vary": "Accept-Encoding" if delivery.grant is None else "Accept-Encoding, Authorization, Cookie",
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
    }
    if _matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    headers |= {
        "Content-Type": MEDIA_TYPES[format],
        "Content-Disposition": _disposition(request, delivery, format),
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(file.digest)).decode()}:",
    }
    if coding:
        headers["Content-Encoding"] = coding
    wanted = _wanted_range(request, etag, size)
    if isinstance(wanted, Response):
        return wanted
    if request.method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(size)})
    record_delivery(request, delivery, file.digest, format)
    if wanted is None and "range" not in request.headers:
        return FileResponse(file.path, headers=headers)
    start, end = wanted or (0, size)
    headers["Content-Length"] = str(end - start)
    if wanted is None:
        return StreamingResponse(_read(file.path, start, end), headers=headers)
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return StreamingResponse(_read(file.path, start, end), status_code=206, headers=headers)


def _etag(plain: ServedFile, coding: str | None) -> str:
    """Strong: the digest of the file, and the coding, whose bytes follow from it."""
    return f'"{plain.digest}-{coding}"' if coding else f'"{plain.digest}"'


def choose_coding(request: Request, plain: ServedFile) -> str | None:
    """The content coding to send, None for the bytes as they are (RFC 9110, section 12.5.3).

    A range is taken of the bytes as they are, which is what a client that resumes means; unless `If-Range` names the
    compressed form that it began with.
    """
    if plain.path.stat().st_size < SMALLEST_COMPRESSED:
        return None
    if "range" in request.headers:
        named = request.headers.get("if-range", "")
        return next((coding for coding in CODINGS if named == _etag(plain, coding)), None)
    weights = dict(_weights(request.headers.get("accept-encoding", "")))
    best = max(CODINGS, key=lambda coding: (weights.get(coding, weights.get("*", 0.0)), -CODINGS.index(coding)))
    weight = weights.get(best, weights.get("*", 0.0))
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None


def _weights(header: str) -> Iterator[tuple[str, float]]:
    for part in header.split(","):
        name, _, parameters = part.partition(";")
        found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", parameters)
        if name.strip():
            yield name.strip().lower(), float(found[1]) if found else 1.0


def _matches(header: str, etag: str) -> bool:
    """Whether `If-None-Match` names the entity tag; weak comparison."""
    return header.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in header.split(","))


def _wanted_range(request: Request, etag: str, size: int) -> tuple[int, int] | JSONResponse | None:
    """(first byte, byte after the last) of a single range, None for the whole file, or the refusal.

    What is not a byte range is passed over, as RFC 9110 (section 14.2) has it; several ranges are refused.
    """
    header = request.headers.get("range")
    if_range = request.headers.get("if-range")
    if header is None or (if_range is not None and if_range.strip() != etag):
        return None
    unit, _, ranges = header.partition("=")
    if unit.strip().lower() != "bytes":
        return None
    if "," in ranges:
        return _unsatisfiable(request, size, Text(zh="一次只能请求一个字节范围", en="one byte range at a time, please"))
    match = re.fullmatch(r"\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", ranges)
    if match is None or match[0].strip() == "-":
        return None
    first, last = match[1], match[2]
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        return _unsatisfiable(request, size, Text(zh="请求的范围超出文件", en="the range lies outside the file"))
    return start, end


def _unsatisfiable(request: Request, size: int, message: Text) -> JSONResponse:
    remedy = Text(zh=f"文件共 {size} 字节", en=f"the file has {size} bytes")
    error = Refused("unsatisfiable-range", message, remedy, field="Range")
    return problem_response(request, error, status=416, headers={"Content-Range": f"bytes */{size}"})


def _read(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while start < end and (block := file.read(min(BLOCK, end - start))):
            start += len(block)
            yield block


def _disposition(request: Request, delivery: Delivery, format: str) -> str:
    """A file name in ASCII and, for the dataset's title, in UTF-8 (RFC 6266)."""
    release = delivery.release
    with reading(platform_of(request).engine) as connection:
        statement = sa.select(datasets.c.declaration).where(datasets.c.name == release.dataset)
        title = connection.execute(statement).scalar_one()["title"]
    title_zh = title if isinstance(title, str) else title["zh"]
    ending = f"{delivery.distribution.tier}-{release.id}.{format}"
    readable = re.sub(r'[\x00-\x1f/\\:*?"<>|]+', "_", title_zh)[:80]
    return f"attachment; filename=\"{release.dataset}-{ending}\"; filename*=UTF-8''{quote(f'{readable}-{ending}')}"
