"""`gongkai detect --engine presidio`: the reference engine on a sample of every column."""

import json
import random
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from tests.factories.personal_data import MAKERS

SAMPLE_CITY = Path(__file__).resolve().parents[2] / "examples" / "city" / "sources"


def test_presidio_confirms_columns_of_every_kind() -> None:
    second_opinion = pytest.importorskip("anonymize.second_opinion")
    rng = random.Random(5)
    columns = {name: [make(rng) for _ in range(40)] for name, make in MAKERS.items()}
    opinions = second_opinion.ask_presidio(pa.table(columns))
    assert {o.entity for o in opinions if o.here} >= {"CN_RESIDENT_ID", "CN_MOBILE", "BANK_CARD", "CN_USCC"}
    assert [o for o in opinions if o.here > o.presidio] == []


def test_presidios_own_kinds_are_told() -> None:
    second_opinion = pytest.importorskip("anonymize.second_opinion")
    table = pa.table({"homepage": ["https://example.org/a", "https://example.org/b", None], "nothing": [1, 2, 3]})
    (found,) = second_opinion.ask_presidio(table)
    assert (found.field, found.entity, found.looked_at, found.here, found.presidio) == ("homepage", "URL", 2, 0, 2)
    assert not found.agrees


def test_the_command_shows_counts_and_no_value() -> None:
    from pipelines.cli.main import app

    source = SAMPLE_CITY / "hotline-tickets.csv"
    arguments = ["detect", str(source), "--engine", "presidio", "--json"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    opinions = json.loads(result.stdout)
    assert any(o["entity"] == "CN_MOBILE" and o["here"] == o["presidio"] > 0 for o in opinions)
    table = CliRunner().invoke(app, ["detect", str(source), "--engine", "presidio", "--lang", "en"])
    cells = {c for line in source.read_text("utf-8").splitlines()[1:] for c in line.split(",") if len(c) > 8}
    assert not [c for c in cells if c in result.stdout + table.stdout]
