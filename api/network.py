"""Name the network that a connection comes from, for rate limits and for shares of what is scarce."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import Scope

from certify.people.door import network_of_address


def address_of(connection: HTTPConnection) -> str:
    """Return the network address of a caller."""
    return connection.client.host if connection.client else "unknown"


def network_of(connection: HTTPConnection) -> str:
    """Return the network of a caller: an IPv4 address, or the /64 of an IPv6 address, which is one connection."""
    return network_of_address(address_of(connection))


def network_of_scope(scope: Scope) -> str:
    """Return the network of a caller of whom only the ASGI scope is known."""
    return network_of_address(scope["client"][0] if scope.get("client") else "unknown")
