"""Open the platform for a command, and name who acts. Heavy libraries load inside, so that commands on files and
`--help` are quick."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from catalog_config.settings import read_settings
from schemas.actor import Actor, system_actor

if TYPE_CHECKING:
    from pipelines.platform import Platform


@contextmanager
def opened() -> "Iterator[Platform]":
    from pipelines.platform import open_platform

    platform = open_platform(read_settings())
    try:
        yield platform
    finally:
        platform.engine.dispose()


def command_actor(platform: "Platform", account: str) -> Actor:
    """The account named, or the operator at the keyboard (who has the home folder anyway)."""
    from governance.accounts import load_account
    from governance.database.engine import reading

    if not account:
        return system_actor("command-line")
    with reading(platform.engine) as connection:
        return load_account(connection, account).actor
