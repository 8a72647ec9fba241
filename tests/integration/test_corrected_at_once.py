"""The corrected copy of a file is handed in once, however many ask for it at the same moment."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from catalog_config.settings import Settings
from governance.database.dataset_tables import outbox, sources
from pipelines import source_files
from pipelines.datasets import apply_dataset, read_declaration
from pipelines.demo import CITY
from pipelines.platform import Platform, open_platform
from pipelines.preparation import prepare_source
from pipelines.prepare import InvalidSource
from pipelines.source_files import CORRECTED, file_path, request_file, use_corrected
from pipelines.source_reports import make_file
from pipelines.sources import accept_source
from schemas.actor import Actor, Duty
from tests.databases import database_address

NAME = "administrative-penalties"
AT_ONCE = 6


@pytest.fixture(params=["sqlite", "postgres"])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    with database_address(request) as address:
        opened = open_platform(Settings(home=tmp_path / "home", database_url=address))
        yield opened
        opened.engine.dispose()


def test_many_who_hand_in_the_corrected_copy_at_once_make_one_source(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Barrier(AT_ONCE)

    def accept_together(*arguments: Any, **options: Any) -> str:
        start.wait(30)  # all have looked, and found nothing, before the first hands in
        return accept_source(*arguments, **options)

    monkeypatch.setattr(source_files, "accept_source", accept_together)
    now = datetime.now(UTC)
    dataset = read_declaration(CITY / "datasets" / f"{NAME}.yaml")
    steward = Actor(id="li", duties=frozenset({Duty.STEWARD}), organisation=dataset.publisher)
    with platform.engine.begin() as connection:
        apply_dataset(connection, dataset, platform.configuration, steward, now)
    with (CITY / "sources" / f"{NAME}-with-errors.csv").open("rb") as content:
        refused = accept_source(platform, NAME, content, "a.csv", steward, now)
    with pytest.raises(InvalidSource):
        prepare_source(platform, refused, steward)
    request_file(platform, refused, CORRECTED, steward, now)
    make_file(platform, refused, CORRECTED)

    def hand_in(_: int) -> str:
        return use_corrected(platform, refused, steward, datetime.now(UTC))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        given = list(pool.map(hand_in, range(AT_ONCE)))
    assert len(set(given)) == 1
    with platform.engine.connect() as connection:
        assert set(connection.execute(sa.select(sources.c.id)).scalars()) == {refused, given[0]}
        queued = connection.execute(sa.select(outbox.c.key).where(outbox.c.kind == "prepare")).scalars().all()
    assert sorted(queued) == sorted([f"prepare:{refused}", f"prepare:{given[0]}"])
    assert {p.name for p in (platform.home / "sources").iterdir()} == {refused, given[0]}
    taken_in = platform.home / "sources" / given[0] / "source.csv"
    assert taken_in.read_bytes() == file_path(platform.home, refused, CORRECTED).read_bytes()
