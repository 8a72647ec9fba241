"""`gongkai account`: accounts made, listed, changed, switched off, given another password."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog_config.settings import read_settings
from governance.accounts import sign_in
from pipelines.cli.main import app
from pipelines.platform import open_platform
from schemas.actor import ANONYMOUS
from schemas.errors import NotAuthenticated

FIRST, SECOND = "a long password", "another password"


def gongkai(*arguments: str, stdin: str = "") -> str:
    result = CliRunner().invoke(app, ["account", *arguments], input=stdin, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def opens(password: str) -> bool:
    platform = open_platform(read_settings())
    try:
        sign_in(platform.engine, account="liu", password=password, actor=ANONYMOUS, now=datetime.now(UTC))
    except NotAuthenticated:
        return False
    finally:
        platform.engine.dispose()
    return True


@pytest.mark.usefixtures("home")
def test_an_account_over_its_life() -> None:
    steward = ("--duty", "steward", "--organisation", "transport-bureau")
    gongkai("create", "liu", "--name-zh", "刘", *steward, stdin=f"{FIRST}\n")
    assert opens(FIRST)
    gongkai("password", "liu", stdin=f"{SECOND}\n")
    assert (opens(FIRST), opens(SECOND)) == (False, True)
    gongkai("change", "liu", "--duty", "steward", "--duty", "auditor")
    (listed,) = json.loads(gongkai("list", "--json"))
    assert listed == {
        "account": "liu",
        "name": {"zh": "刘", "en": "刘"},
        "duties": ["auditor", "steward"],
        "organisation": "transport-bureau",
        "active": True,
    }
    gongkai("change", "liu", "--off")
    assert not opens(SECOND)
    assert "liu" in gongkai("list", "--lang", "en")
    gongkai("change", "liu", "--on")
    assert opens(SECOND)


@pytest.mark.usefixtures("home")
def test_the_list_of_a_new_installation_is_empty(home: Path) -> None:
    assert json.loads(gongkai("list", "--json")) == []
