"""How commands speak: language, JSON or tables."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Column, Table

from schemas.text import Language, Text

Json = Annotated[bool, typer.Option("--json", help="JSON instead of text. 输出 JSON。")]
Lang = Annotated[str, typer.Option("--lang", help="zh or en; default from LANG.", callback=lambda v: _set_language(v))]


def _set_language(value: str) -> str:
    if value not in {"", "zh", "en"}:
        raise typer.BadParameter("zh, en")
    if value:
        os.environ["LANGUAGE"] = value
    return value


def language() -> Language:
    """`--lang`, else the environment's LANGUAGE, LC_ALL, LC_MESSAGES or LANG; English where none is Chinese."""
    given = next((os.environ[n] for n in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(n)), "")
    return "zh" if given.startswith("zh") else "en"


def say(text: Text) -> None:
    Console(highlight=False, soft_wrap=True).print(text.to(language()), markup=False)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(orjson.dumps(_plain(value), option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def console() -> Console:
    """Standard output; wide enough to read where it is not a terminal."""
    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=120)


def print_table(columns: Sequence[Text], rows: Sequence[Sequence[object]], title: Text | None = None) -> None:
    # Long Chinese sentences have no spaces to break at: fold them rather than cut them off.
    headers = [Column(c.to(language()), overflow="fold") for c in columns]
    table = Table(*headers, title=title.to(language()) if title else None)
    for row in rows:
        table.add_row(*(cell.to(language()) if isinstance(cell, Text) else str(cell) for cell in row))
    console().print(table)
