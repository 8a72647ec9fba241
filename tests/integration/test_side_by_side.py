"""Two files reviewed at the same time: whoever is published last was never compared with the other when it was made."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from catalog_config.settings import Settings
from governance.database.dataset_tables import sources
from governance.database.engine import reading
from governance.release_review.service import reinstate_review, withdraw_review
from pipelines import publish as publishing
from pipelines.catalogs.ckan_mapping import desired_package
from pipelines.datasets import apply_dataset, load_dataset, read_declaration
from pipelines.demo import CITY
from pipelines.platform import Platform, open_platform
from pipelines.preparation import prepare_source
from pipelines.publish import publish
from pipelines.side_by_side import COMPARED, published_ids, require_compared
from schemas.dataset import Tier
from schemas.errors import Conflict
from schemas.release import Release
from tests.databases import database_address
from tests.integration.test_k_choice import NAME, OPERATOR, STEWARD, choose, hand_in, sign_all, status_of
from tests.integration.test_k_choice import platform as one_platform

platform = one_platform


def prepared(platform: Platform, folder: Path, rows: int) -> Release:
    return prepare_source(platform, hand_in(platform, folder, rows), STEWARD)


def publish_it(platform: Platform, release: Release) -> None:
    sign_all(platform, release)
    assert publish(platform, NAME, STEWARD, datetime.now(UTC)).release == release.id


def compared_with(platform: Platform, release: Release) -> list[str]:
    with reading(platform.engine) as connection:
        outcomes = connection.execute(sa.select(sources.c.outcome)).scalars().all()
    return next(outcome[COMPARED] for outcome in outcomes if outcome["release"] == release.id)


def rows_of(release: Release) -> int:
    return release.distribution(Tier.RESTRICTED).rows


def test_a_record_more_is_not_signed_beside_what_was_published_meanwhile(platform: Platform, tmp_path: Path) -> None:
    first, second = (prepared(platform, tmp_path, rows) for rows in (600, 601))
    assert rows_of(second) == rows_of(first) + 1  # whoever holds both sees the newcomer
    publish_it(platform, first)
    with pytest.raises(Conflict, match="published-meanwhile"):
        sign_all(platform, second)
    assert status_of(platform, second) == "awaiting-agency"
    again = prepared(platform, tmp_path, 601)
    assert again.id != second.id
    assert rows_of(again) == rows_of(first)
    assert [compared_with(platform, release) for release in (first, second, again)] == [[], [], [first.id]]
    publish_it(platform, again)


def test_what_is_prepared_while_another_is_being_published_is_compared_with_it(
    platform: Platform, tmp_path: Path
) -> None:
    """Publishing begins, the other file is prepared and sees nothing public yet, publishing ends."""
    first = prepared(platform, tmp_path, 600)
    sign_all(platform, first)
    began = datetime.now(UTC)
    second = prepared(platform, tmp_path, 601)
    assert publish(platform, NAME, STEWARD, began).release == first.id
    with pytest.raises(Conflict, match="published-meanwhile"):
        sign_all(platform, second)
    prepared(platform, tmp_path, 600)
    assert publish(platform, NAME, STEWARD, datetime.now(UTC)).writes == ()  # what is public stays so


@pytest.mark.parametrize(("rows", "refused"), [(301, False), (303, True)])
def test_of_two_that_are_published_at_the_same_time_the_second_sees_the_first(
    platform: Platform, tmp_path: Path, rows: int, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are signed and set beside what is public before either is recorded."""
    first, second = (prepared(platform, tmp_path, number) for number in (300, rows))
    for release in (first, second):
        sign_all(platform, release)
    with reading(platform.engine) as connection:
        dataset = load_dataset(connection, NAME)
    build = publishing._build_rows

    def slowly(platform: Platform, release: Release) -> None:
        build(platform, release)
        record, reconciled = publishing._record_publication, publishing.reconcile
        package = desired_package(dataset, first, platform.configuration, platform.settings.site_url)
        reconciled(platform.catalog, package, STEWARD)
        record(platform, dataset, first, frozenset(), ("meanwhile",), STEWARD, datetime.now(UTC))

    monkeypatch.setattr(publishing, "_build_rows", slowly)
    assert (rows_of(second) != rows_of(first)) is refused
    if not refused:
        assert publish(platform, NAME, STEWARD, datetime.now(UTC)).release == second.id
        return
    with pytest.raises(Conflict, match="published-meanwhile"):
        publish(platform, NAME, STEWARD, datetime.now(UTC))
    assert published(platform) == {first.id}
    package = desired_package(dataset, first, platform.configuration, platform.settings.site_url)
    assert publishing.reconcile(platform.catalog, package, STEWARD) == []  # the catalogue tells of the first again


@pytest.fixture(params=["sqlite", "postgres"])
def either_platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    with database_address(request) as address:
        opened = open_platform(Settings(home=tmp_path / "home", database_url=address))
        declared = read_declaration(CITY / "datasets" / f"{NAME}.yaml")
        with opened.engine.begin() as connection:
            apply_dataset(connection, declared, opened.configuration, OPERATOR, datetime.now(UTC))
        yield opened
        opened.engine.dispose()


def test_two_publications_of_a_dataset_do_not_miss_each_other(
    either_platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both transactions are open at once; the one that comes first is seen by the other."""
    both = [prepared(either_platform, tmp_path, rows) for rows in (300, 303)]
    with reading(either_platform.engine) as connection:
        dataset = load_dataset(connection, NAME)

    def at_leisure(*given: Any) -> frozenset[str]:
        compared = require_compared(*given)
        time.sleep(0.5)
        return compared

    def record(release: Release) -> str:
        try:
            now = datetime.now(UTC)
            publishing._record_publication(either_platform, dataset, release, frozenset(), (), STEWARD, now)
        except Conflict as conflict:
            return conflict.code
        return "published"

    monkeypatch.setattr(publishing, "require_compared", at_leisure)
    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(record, both)) == ["published", "published-meanwhile"]
    assert len(published(either_platform)) == 1


def published(platform: Platform) -> frozenset[str]:
    with reading(platform.engine) as connection:
        return published_ids(connection, NAME)


def test_signed_before_it_is_not_published_after(platform: Platform, tmp_path: Path) -> None:
    first, second = (prepared(platform, tmp_path, rows) for rows in (303, 301))
    sign_all(platform, first)
    publish_it(platform, second)  # the newest of both
    with platform.engine.begin() as connection:
        now = datetime.now(UTC)
        withdraw_review(connection, second.id, "x", actor=STEWARD, now=now)
    with pytest.raises(Conflict, match="published-meanwhile"):
        publish(platform, NAME, STEWARD, datetime.now(UTC))


def test_a_release_that_was_superseded_by_another_k_does_not_come_back_beside_it(
    platform: Platform, tmp_path: Path
) -> None:
    source = hand_in(platform, tmp_path)
    first = prepare_source(platform, source, STEWARD)
    choose(platform, source, 20)
    second = prepare_source(platform, source, STEWARD)
    publish_it(platform, second)
    with platform.engine.begin() as connection:
        reinstate_review(connection, first.id, "x", actor=STEWARD, now=datetime.now(UTC))
    with pytest.raises(Conflict, match="published-meanwhile"):
        sign_all(platform, first)


def test_what_is_the_same_beside_it_is_signed(platform: Platform, tmp_path: Path) -> None:
    first, second = (prepared(platform, tmp_path, rows) for rows in (300, 301))
    assert rows_of(second) == rows_of(first)  # the newcomer is left out of both
    publish_it(platform, first)
    publish_it(platform, second)
    assert publish(platform, NAME, STEWARD, datetime.now(UTC)).writes == ()


@pytest.mark.slow
def test_a_file_handed_in_again_gives_its_release_beside_all_others(platform: Platform, tmp_path: Path) -> None:
    releases = []
    for rows in (300, 600):  # the second is made coarser than it would be alone
        releases.append(prepared(platform, tmp_path, rows))
        publish_it(platform, releases[-1])
    assert any("no finer" in reason.en for reason in releases[1].distribution(Tier.RESTRICTED).report.reasons)
    assert [prepared(platform, tmp_path, rows).id for rows in (300, 600)] == [release.id for release in releases]
