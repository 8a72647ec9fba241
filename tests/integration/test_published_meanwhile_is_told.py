"""A release that was approved and not published: its steward and its reviewers see why, and what to do."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from governance.accounts import create_account
from governance.database.dataset_tables import outbox
from governance.database.engine import reading
from governance.release_review.service import withdraw_review
from pipelines.platform import Platform
from pipelines.preparation import prepare_source
from pipelines.publish import publish
from pipelines.unpublished import Unpublished, unpublished_release
from pipelines.worker import run_until_idle
from schemas.actor import Duty
from schemas.release import Release
from schemas.text import LANGUAGES, Text
from tests.integration.test_k_choice import NAME, OPERATOR, STEWARD, hand_in, sign_all
from tests.integration.test_k_choice import platform as one_platform

platform = one_platform
PASSWORD = "a password for tests"
SITE = "http://127.0.0.1:8000"
TITLE = {"zh": "已通过审核，但未能发布", "en": "Approved, but not published"}
MESSAGE = {"zh": "本数据集已公布了另一个版本", "en": "nother release of this dataset was published"}
REMEDY = {"zh": "请重新提交文件", "en": "and the file in again"}


def prepared(platform: Platform, folder: Path, rows: int) -> Release:
    return prepare_source(platform, hand_in(platform, folder, rows), STEWARD)


def told(platform: Platform) -> Unpublished | None:
    with reading(platform.engine) as connection:
        return unpublished_release(connection, NAME)


@pytest.fixture
def unpublished(platform: Platform, tmp_path: Path) -> Release:
    """Signed before another one was published, and the worker came to it after."""
    first, second = (prepared(platform, tmp_path, rows) for rows in (303, 301))
    sign_all(platform, first)
    sign_all(platform, second)
    assert publish(platform, NAME, STEWARD, datetime.now(UTC)).release == second.id
    with platform.engine.begin() as connection:
        withdraw_review(connection, second.id, "x", actor=STEWARD, now=datetime.now(UTC))
    assert told(platform) is None
    run_until_idle(platform)
    return first


@pytest.fixture
def browse(platform: Platform) -> Callable[[Duty], TestClient]:
    application = create_app(platform)

    def client_of(duty: Duty) -> TestClient:
        with platform.engine.begin() as connection:
            create_account(
                connection,
                account=f"a-{duty}",
                name=Text(zh="某人", en="somebody"),
                password=PASSWORD,
                duties=frozenset({duty}),
                organisation=STEWARD.organisation,
                actor=OPERATOR,
                now=datetime.now(UTC),
            )
        client = TestClient(application, base_url=SITE, headers={"Origin": SITE}, follow_redirects=False)
        assert client.post("/en/sign-in", data={"account": f"a-{duty}", "password": PASSWORD}).status_code == 303
        return client

    return client_of


def test_the_steward_and_the_reviewers_see_it(
    platform: Platform, unpublished: Release, browse: Callable[[Duty], TestClient]
) -> None:
    steward, reviewer = browse(Duty.STEWARD), browse(Duty.SECRECY_REVIEWER)
    for language in LANGUAGES:
        for page in (
            steward.get(f"/{language}/steward/{NAME}"),
            steward.get(f"/{language}/reviews/{unpublished.id}"),
            reviewer.get(f"/{language}/reviews/{unpublished.id}"),
        ):
            assert page.status_code == 200
            assert all(words[language] in page.text for words in (TITLE, MESSAGE, REMEDY)), page.url
            assert "published-meanwhile" in page.text
    assert f'href="/en/reviews/{unpublished.id}"' in steward.get(f"/en/steward/{NAME}").text


def test_it_is_told_of_no_other_release_and_no_longer_than_it_holds(
    platform: Platform, unpublished: Release, tmp_path: Path, browse: Callable[[Duty], TestClient]
) -> None:
    found = told(platform)
    assert found is not None
    assert (found.release, found.error.code) == (unpublished.id, "published-meanwhile")
    again = prepared(platform, tmp_path, 600)
    page = browse(Duty.AGENCY_REVIEWER).get(f"/en/reviews/{again.id}")
    assert (page.status_code, TITLE["en"] in page.text) == (200, False)
    sign_all(platform, again)
    assert told(platform) is None  # its publication is queued
    publish(platform, NAME, STEWARD, datetime.now(UTC))
    assert told(platform) is None


@pytest.mark.parametrize(("done", "code"), [(True, "publication-failed"), (False, "publication-delayed")])
def test_other_failures_are_told_by_their_code(platform: Platform, tmp_path: Path, done: bool, code: str) -> None:
    release = prepared(platform, tmp_path, 303)
    sign_all(platform, release)
    now = datetime.now(UTC)
    values = {"error": "catalogue-failed", "done_at": now if done else None, "due_at": now + timedelta(hours=1)}
    with platform.engine.begin() as connection:
        connection.execute(sa.update(outbox).where(outbox.c.kind == "publish").values(**values))
    found = told(platform)
    assert found is not None
    assert (found.release, found.error.code) == (release.id, code)
    assert "catalogue-failed" in found.error.message.zh
    assert found.error.remedy is not None
    publish(platform, NAME, STEWARD, datetime.now(UTC))
    assert told(platform) is None
