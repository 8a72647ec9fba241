"""Two files reviewed at the same time: whoever is published last was never compared with the other when it was made."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from governance.release_review.service import reinstate_review, withdraw_review
from pipelines.platform import Platform
from pipelines.preparation import prepare_source
from pipelines.publish import publish
from schemas.dataset import Tier
from schemas.errors import Conflict
from schemas.release import Release
from tests.integration.test_k_choice import NAME, STEWARD, choose, hand_in, sign_all, status_of
from tests.integration.test_k_choice import platform as one_platform

platform = one_platform


def prepared(platform: Platform, folder: Path, rows: int) -> Release:
    return prepare_source(platform, hand_in(platform, folder, rows), STEWARD)


def publish_it(platform: Platform, release: Release) -> None:
    sign_all(platform, release)
    assert publish(platform, NAME, STEWARD, datetime.now(UTC)).release == release.id


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
    publish_it(platform, again)


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
