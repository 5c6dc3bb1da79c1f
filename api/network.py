"""Name the network that a connection comes from, for shares of what is scarce."""

from __future__ import annotations

import ipaddress

from starlette.types import Scope


def network_of_scope(scope: Scope) -> str:
    """Return the address of the caller; of IPv6 the /64, which is one connection to the internet."""
    host: str = scope["client"][0] if scope.get("client") else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((int(address), 64), strict=False))
