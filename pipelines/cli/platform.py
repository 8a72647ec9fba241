"""Open the platform for a command, and name who acts."""

from collections.abc import Iterator
from contextlib import contextmanager

from catalog_config.settings import read_settings
from governance.accounts import load_account
from governance.database.engine import reading
from pipelines.platform import Platform, open_platform
from schemas.actor import Actor, system_actor


@contextmanager
def opened() -> Iterator[Platform]:
    platform = open_platform(read_settings())
    try:
        yield platform
    finally:
        platform.engine.dispose()


def command_actor(platform: Platform, account: str) -> Actor:
    """The account named, or the operator at the keyboard (who has the home folder anyway)."""
    if not account:
        return system_actor("command-line")
    with reading(platform.engine) as connection:
        return load_account(connection, account).actor
