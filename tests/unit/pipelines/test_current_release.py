"""Which release is served after publishing, superseding, withdrawing and closing."""

from pathlib import Path

import pyarrow as pa
import pytest

from governance.database.dataset_tables import publications
from governance.database.engine import reading
from pipelines.current_release import (
    Withdrawn,
    current_release,
    published_release,
    served_release,
    tier_of,
    verified_path,
)
from pipelines.platform import Platform
from schemas.dataset import Tier
from schemas.errors import DependencyFailed, NotFound
from schemas.release import Release
from tests.factories.releases import NOW, packaged_release, published, small_platform, withdraw_release


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return small_platform(tmp_path)


def release(platform: Platform, value: int) -> Release:
    return packaged_release(platform, "stops", {Tier.OPEN: pa.table({"a": [value]})})


def test_the_newest_that_is_not_withdrawn(platform: Platform) -> None:
    one, two = release(platform, 1), release(platform, 2)
    with reading(platform.engine) as connection:
        assert current_release(connection, "stops") is None
        with pytest.raises(NotFound):
            served_release(connection, "stops")
    published(platform, one)
    published(platform, two)
    with reading(platform.engine) as connection:
        assert served_release(connection, "stops") == two
        assert published_release(connection, "stops", one.id) == one
    withdraw_release(platform, two)
    with reading(platform.engine) as connection:
        assert current_release(connection, "stops") == one
        with pytest.raises(Withdrawn):
            published_release(connection, "stops", two.id)
    published(platform, two)
    with reading(platform.engine) as connection:
        assert published_release(connection, "stops", two.id) == two


def test_all_withdrawn(platform: Platform) -> None:
    one = published(platform, release(platform, 1))
    withdraw_release(platform, one)
    with reading(platform.engine) as connection:
        assert current_release(connection, "stops") is None
        with pytest.raises(Withdrawn):
            served_release(connection, "stops")


def test_a_dataset_that_was_closed_serves_nothing(platform: Platform) -> None:
    one = published(platform, release(platform, 1))
    with platform.engine.begin() as connection:
        connection.execute(
            publications.insert().values(dataset="stops", writes=[], published_at=NOW, published_by="test")
        )
    with reading(platform.engine) as connection:
        assert current_release(connection, "stops") is None
        for ask in (
            lambda: served_release(connection, "stops"),
            lambda: published_release(connection, "stops", one.id),
        ):
            with pytest.raises(Withdrawn):
                ask()


def test_tiers(platform: Platform) -> None:
    one = release(platform, 1)
    assert tier_of(one, Tier.OPEN) == one.distributions[0]
    with pytest.raises(NotFound) as caught:
        tier_of(one, Tier.RESTRICTED)
    assert caught.value.remedy is not None
    assert "open" in caught.value.remedy.en


def test_missing_and_changed_files(platform: Platform) -> None:
    digest = release(platform, 1).distributions[0].file("csv").digest
    path = verified_path(platform.store, digest)
    path.write_bytes(b"a\n2\n")
    with pytest.raises(DependencyFailed) as caught:
        verified_path(platform.store, digest)
    assert caught.value.code == "digest-mismatch"
    path.unlink()
    with pytest.raises(DependencyFailed) as caught:
        verified_path(platform.store, digest)
    assert caught.value.code == "missing-file"
