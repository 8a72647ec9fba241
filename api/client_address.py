"""From which address a request comes. Whoever connects is believed for himself; forwarders only where trusted."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from fastapi import Request

from api.platform import platform_of

Network = IPv4Network | IPv6Network
NOBODY = "unknown"  # a socket without an address; all such are one


def client_address(request: Request) -> str:
    """The peer's address. Where the peer is one of GONGKAI_TRUSTED_PROXIES: the last address in X-Forwarded-For that is
    not one of them, since a client can write into the header what it likes before the proxies add theirs."""
    peer = request.client.host if request.client else NOBODY
    trusted = _networks(platform_of(request).settings.trusted_proxies)
    if not _within(peer, trusted):
        return peer
    forwarded = [part.strip() for line in request.headers.getlist("x-forwarded-for") for part in line.split(",")]
    for address in reversed(forwarded):
        if not _is_address(address):
            return peer
        if not _within(address, trusted):
            return address
    return peer


@lru_cache(maxsize=8)
def _networks(listed: str) -> tuple[Network, ...]:
    return tuple(ip_network(part.strip(), strict=False) for part in listed.split(",") if part.strip())


def _within(address: str, networks: tuple[Network, ...]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def _is_address(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return True
