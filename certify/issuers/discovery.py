"""Fetch an issuer's public keys by OpenID Connect discovery, and keep them.

No request of a caller waits for the network here: keys are fetched in a thread of their own, and callers are told what
to wait for. The keys that were fetched last stay in use while the provider does not answer, for at most a day.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime, timedelta
from http.client import HTTPException
from ipaddress import ip_address
from threading import Lock, Thread
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable
from certify.issuers.trust import KeysAwaited

log = logging.getLogger("certify.issuers")

LIFETIME = timedelta(hours=1)
"""Age at which keys are fetched again. A key that the provider withdrew stops counting after this time."""

RETRY = timedelta(seconds=30)
"""Least time between two fetches, so that tokens with invented key ids make no traffic."""

KEPT = timedelta(hours=24)
"""Longest use of keys while the provider does not answer. After it, a withdrawn key could count without limit."""

_TIMEOUT_S = 3
_MAX_BYTES = 512_000  # the largest document that we know, Google's and Microsoft's keys, has less than 20 kB
_LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost"})


class DiscoveryFailed(Exception):
    """The issuer's documents cannot be fetched or used. The message is one sentence."""


def is_safe_address(url: str) -> bool:
    """Return whether keys may come from an address: over HTTPS, or from this machine."""
    parts = urlsplit(url)
    if not parts.hostname or parts.username or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host in _LOOPBACK_NAMES


def fetch_keys(issuer: str, discovery: str) -> KeySet:
    """Fetch the keys of an issuer: its metadata, and the key set that they name.

    Args:
        issuer: name of the issuer; the metadata must say the same (OpenID Connect Discovery 1.0, section 4.3).
        discovery: address below which ``/.well-known/openid-configuration`` lies.

    Returns:
        The public keys that sign.

    Raises:
        DiscoveryFailed: the documents cannot be fetched, are for another issuer, or have no key that can be used.
    """
    metadata = _fetch(discovery.rstrip("/") + "/.well-known/openid-configuration")
    if metadata.get("issuer") != issuer:
        raise DiscoveryFailed("the metadata is for another issuer")
    address = metadata.get("jwks_uri")
    if not isinstance(address, str) or not is_safe_address(address):
        raise DiscoveryFailed("the metadata names no key set at a safe address")
    keys = _usable(_fetch(address).get("keys"))
    if not keys:
        raise DiscoveryFailed("the key set has no public key that signs")
    return KeySet(keys)


def _usable(entries: Any) -> list[Key]:
    """Return the public keys that sign. Keys that encrypt, shared secrets and unknown kinds are left out."""
    keys: list[Key] = []
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("use", "sig") == "sig" and entry.get("kty") != "oct":
            with suppress(JoseError, ValueError, TypeError, KeyError):
                keys.append(JWKRegistry.import_key(entry))
    return keys


class _NoRedirect(HTTPRedirectHandler):
    """Refuses redirects: they could lead to an address that is not safe."""

    def redirect_request(self, *_: Any) -> None:
        """Do not follow a redirect."""


def _fetch(url: str) -> dict[str, Any]:
    here = _is_loopback(urlsplit(url).hostname or "")
    opener = build_opener(_NoRedirect, *([ProxyHandler({})] if here else []))
    request = Request(url, headers={"Accept": "application/json", "User-Agent": "certify"})  # noqa: S310 - is_safe_address was asked
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            body = answer.read(_MAX_BYTES + 1)
    except HTTPError as error:
        error.close()
        raise DiscoveryFailed(f"{url} answers {error.code}") from error
    except (URLError, OSError, HTTPException, ValueError) as error:
        raise DiscoveryFailed(f"{url} does not answer: {type(error).__name__}") from error
    if len(body) > _MAX_BYTES:
        raise DiscoveryFailed(f"{url} answers with more than {_MAX_BYTES:,} bytes")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DiscoveryFailed(f"{url} does not answer with JSON") from error
    if not isinstance(found, Mapping):
        raise DiscoveryFailed(f"{url} does not answer with a JSON object")
    return dict(found)


def _in_thread(work: Callable[[], None]) -> None:
    Thread(target=work, name="fetch-issuer-keys", daemon=True).start()


class DiscoveredKeys:
    """The keys of one issuer, fetched when they are needed and kept; a ``KeySource``."""

    def __init__(
        self,
        issuer: str,
        discovery: str,
        *,
        fetch: Callable[[str, str], KeySet] = fetch_keys,
        start: Callable[[Callable[[], None]], None] = _in_thread,
    ) -> None:
        """Prepare to fetch; nothing is fetched yet.

        Args:
            issuer: name of the issuer.
            discovery: address of its metadata.
            fetch: how keys are fetched.
            start: how work is done in the background.
        """
        self.issuer = issuer
        self.discovery = discovery
        self._fetch = fetch
        self._start = start
        self._lock = Lock()
        self._keys: KeySet | None = None
        self._version = 0
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._pending: Future[None] | None = None

    @property
    def version(self) -> int:
        """A number that changes when the keys change."""
        return self._version

    def current(self, now: datetime) -> KeySet:
        """Return the keys at once. Keys that are old are fetched again in the background.

        Args:
            now: the present instant.

        Returns:
            The keys that were fetched last.

        Raises:
            KeysAwaited: there are no keys yet, and they are being fetched (``issuer_unreachable``).
            Unavailable: there are no keys, or they are older than a day, and the issuer does not answer
                (``issuer_unreachable``).
        """
        keys, fetched_at = self._keys, self._fetched_at
        if keys is not None and fetched_at is not None and abs(now - fetched_at) <= LIFETIME:
            return keys
        fetched = self.fetch_again(now)
        keys, fetched_at = self._keys, self._fetched_at
        if keys is not None and fetched_at is not None and abs(now - fetched_at) <= KEPT:
            return keys
        if fetched is not None:
            raise KeysAwaited(fetched)
        raise Unavailable(
            "The issuer of the access token does not answer, and its keys are not known.",
            hint="Try again in a minute; the log of the service says what is wrong.",
            code=ErrorCode.ISSUER_UNREACHABLE,
        )

    def fetch_again(self, now: datetime) -> Future[None] | None:
        """Fetch the keys in the background, unless that was tried a moment ago.

        Args:
            now: the present instant.

        Returns:
            What is done when the fetch is; None when nothing is fetched.
        """
        with self._lock:
            if self._pending is not None:
                return self._pending
            if self._tried_at is not None and abs(now - self._tried_at) < RETRY:
                return None
            self._tried_at = now
            pending = self._pending = Future()
        self._start(lambda: self._renew(pending, now))
        return pending

    def _renew(self, pending: Future[None], now: datetime) -> None:
        try:
            keys = self._fetch(self.issuer, self.discovery)
        except DiscoveryFailed as error:
            log.warning("keys of an issuer cannot be fetched", extra={"issuer": self.issuer, "reason": str(error)})
            keys = None
        except Exception:  # the thread must not die with callers waiting for it
            log.exception("keys of an issuer cannot be fetched", extra={"issuer": self.issuer})
            keys = None
        with self._lock:
            if keys is not None:
                changed = self._keys is None or self._keys.as_dict() != keys.as_dict()
                self._keys, self._fetched_at = keys, now
                self._version += changed
            self._pending = None
        pending.set_result(None)
