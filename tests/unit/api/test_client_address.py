"""Whose word counts about where a request comes from: the peer's, and trusted proxies'."""

from types import SimpleNamespace

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from api.client_address import client_address
from catalog_config.settings import Settings, read_settings
from schemas.errors import ConfigurationError


def asked(peer: str | None, forwarded: list[str], trusted: str = "") -> str:
    platform = SimpleNamespace(settings=Settings(trusted_proxies=trusted))
    scope = {
        "type": "http",
        "client": None if peer is None else (peer, 1234),
        "headers": [(b"x-forwarded-for", line.encode("latin1", "replace")) for line in forwarded],
        "app": SimpleNamespace(state=SimpleNamespace(platform=platform)),
    }
    return client_address(Request(scope))


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "address"),
    [
        ("203.0.113.7", [], "", "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.4"], "", "203.0.113.7"),  # by default nobody is believed
        ("127.0.0.1", ["198.51.100.4"], "", "127.0.0.1"),
        ("203.0.113.7", ["198.51.100.4"], "127.0.0.1", "203.0.113.7"),
        ("127.0.0.1", ["198.51.100.4"], "127.0.0.1", "198.51.100.4"),
        ("127.0.0.1", ["6.6.6.6, 198.51.100.4"], "127.0.0.1", "198.51.100.4"),  # what the client wrote itself
        ("10.0.0.1", ["6.6.6.6, 198.51.100.4, 10.0.0.2"], "10.0.0.0/8", "198.51.100.4"),
        ("10.0.0.1", ["6.6.6.6", "198.51.100.4"], "10.0.0.0/8, ::1", "198.51.100.4"),
        ("10.0.0.1", ["6.6.6.6, not an address"], "10.0.0.0/8", "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.3"], "10.0.0.0/8", "10.0.0.1"),
        ("::1", ["2001:db8::5"], "::1", "2001:db8::5"),
        (None, ["198.51.100.4"], "127.0.0.1", "unknown"),
        ("testclient", [], "127.0.0.1", "testclient"),
    ],
)
def test_addresses(peer: str | None, forwarded: list[str], trusted: str, address: str) -> None:
    assert asked(peer, forwarded, trusted) == address


@given(st.lists(st.text(max_size=30), max_size=4))
def test_nothing_a_stranger_writes_changes_his_address(forwarded: list[str]) -> None:
    assert asked("203.0.113.7", forwarded, "10.0.0.0/8") == "203.0.113.7"


def test_a_proxy_that_is_no_network_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="unknown-setting") as caught:
        read_settings({"GONGKAI_TRUSTED_PROXIES": "127.0.0.1, proxy.example"})
    assert "TRUSTED_PROXIES" in caught.value.message.en
