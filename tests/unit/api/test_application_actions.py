"""Every command on an application has an address, save those that the platform gives itself."""

from typing import get_args

from api.v1.applications import ACTIONS
from governance.access import commands as c


def test_no_command_is_forgotten() -> None:
    assert set(ACTIONS.values()) == {*get_args(c.Command)} - {c.Lapse, c.Expire}
