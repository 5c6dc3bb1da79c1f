"""Keys that are fetched: when, how often, and what counts while the provider does not answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import KeySet

from certify.errors import Unavailable
from certify.issuers import discovery
from certify.issuers.discovery import DiscoveredKeys, DiscoveryFailed, fetch_keys, is_safe_address
from certify.issuers.tokens import KeysAwaited, ed25519_jwk
from tests.conftest import Clock

ISSUER = "https://id.fund.example"


def _key(seed: bytes, **more: str) -> dict[str, Any]:
    return {name: value for name, value in ed25519_jwk(seed * 32).items() if name != "d"} | more


class Provider:
    """Answers with its keys, or fails; counts how often it was asked."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] | None = [_key(b"a")]
        self.asked = 0
        self.work: list[Callable[[], None]] = []

    def fetch(self, _issuer: str, _address: str) -> KeySet:
        self.asked += 1
        if self.keys is None:
            raise DiscoveryFailed("it does not answer")
        return KeySet.import_key_set({"keys": self.keys})

    def finish(self) -> None:
        """Do the work that waits in the background."""
        while self.work:
            self.work.pop(0)()


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def keys(provider: Provider, clock: Clock) -> DiscoveredKeys:
    """Keys that were fetched once."""
    found = DiscoveredKeys(ISSUER, ISSUER, fetch=provider.fetch, start=provider.work.append)
    with pytest.raises(KeysAwaited) as awaited:
        found.current(clock())
    assert not awaited.value.fetched.done()
    provider.finish()
    assert awaited.value.fetched.done()
    return found


def test_keys_are_fetched_once_and_kept(keys: DiscoveredKeys, provider: Provider, clock: Clock) -> None:
    for _ in range(3):
        clock.advance(timedelta(minutes=19))
        assert len(keys.current(clock()).keys) == 1
    assert (provider.asked, keys.version) == (1, 1)


def test_old_keys_are_used_while_they_are_fetched_again(keys: DiscoveredKeys, provider: Provider, clock: Clock) -> None:
    clock.advance(timedelta(hours=2))
    provider.keys = [_key(b"b")]
    before = keys.current(clock())
    assert keys.current(clock()) is before
    provider.finish()
    assert keys.current(clock()) is not before
    assert (provider.asked, keys.version) == (2, 2)


def test_the_same_keys_again_are_no_change(keys: DiscoveredKeys, provider: Provider, clock: Clock) -> None:
    clock.advance(timedelta(hours=2))
    keys.current(clock())
    provider.finish()
    assert (provider.asked, keys.version) == (2, 1)


def test_attack_tokens_with_invented_key_ids_make_no_traffic(
    keys: DiscoveredKeys, provider: Provider, clock: Clock
) -> None:
    clock.advance(timedelta(minutes=1))
    asked = [keys.fetch_again(clock()) for _ in range(100)]
    provider.finish()
    asked += [keys.fetch_again(clock()) for _ in range(100)]
    assert provider.asked == 2
    assert asked[0] is asked[99] is not None
    assert asked[100:] == [None] * 100


def test_a_provider_that_is_down_shuts_no_one_out_for_a_day(
    keys: DiscoveredKeys, provider: Provider, clock: Clock
) -> None:
    provider.keys = None
    for _ in range(23):
        clock.advance(timedelta(hours=1))
        assert keys.current(clock())
        provider.finish()
    clock.advance(timedelta(hours=2))
    with pytest.raises(KeysAwaited):
        keys.current(clock())
    provider.finish()
    with pytest.raises(Unavailable) as refused:
        keys.current(clock())
    assert refused.value.code == "issuer_unreachable"
    provider.keys = [_key(b"c")]
    clock.advance(timedelta(seconds=31))
    with pytest.raises(KeysAwaited):
        keys.current(clock())
    provider.finish()
    assert keys.current(clock())


def test_a_fault_in_the_fetch_does_not_leave_callers_waiting(clock: Clock) -> None:
    def fail(issuer: str, address: str) -> KeySet:
        raise RuntimeError("a fault")

    found = DiscoveredKeys(ISSUER, ISSUER, fetch=fail, start=lambda work: work())
    with pytest.raises(KeysAwaited) as awaited:
        found.current(clock())
    assert awaited.value.fetched.done()


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://id.fund.example/realms/staff", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost:8080", True),
        ("http://id.fund.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://127.0.0.1@evil.example", False),
        ("ftp://127.0.0.1", False),
        ("/keys", False),
        ("", False),
    ],
)
def test_only_https_and_this_machine_are_fetched_from(url: str, safe: bool) -> None:
    assert is_safe_address(url) is safe


META = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}


@pytest.mark.parametrize(
    ("metadata", "keys", "reason"),
    [
        ({**META, "issuer": "https://evil.example"}, {}, "another issuer"),
        ({"issuer": ISSUER}, {}, "safe address"),
        ({**META, "jwks_uri": 5}, {}, "safe address"),
        ({**META, "jwks_uri": "http://169.254.169.254/keys"}, {}, "safe address"),
        ({**META, "jwks_uri": "file:///etc/passwd"}, {}, "safe address"),
        (META, {}, "no public key"),
        (META, {"keys": 5}, "no public key"),
        (
            META,
            {"keys": [5, {}, {"kty": "oct", "k": "c2VjcmV0"}, _key(b"e", use="enc"), {"kty": "new"}]},
            "no public key",
        ),
    ],
)
def test_attack_documents_of_another_issuer_or_with_unsafe_parts_are_refused(
    monkeypatch: pytest.MonkeyPatch, metadata: dict[str, Any], keys: dict[str, Any], reason: str
) -> None:
    monkeypatch.setattr(discovery, "_fetch", lambda url: keys if url == META["jwks_uri"] else metadata)
    with pytest.raises(DiscoveryFailed, match=reason):
        fetch_keys(ISSUER, ISSUER)


def test_keys_that_cannot_be_used_do_not_spoil_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        _key(b"a", use="sig"),
        {"kty": "AKP", "alg": "ML-DSA-44"},
        _key(b"e", use="enc"),
        {"kty": "EC", "crv": "P-256"},
    ]
    monkeypatch.setattr(discovery, "_fetch", lambda url: {"keys": entries} if url == META["jwks_uri"] else META)
    assert [key.kid for key in fetch_keys(ISSUER, ISSUER + "/").keys] == [_key(b"a")["kid"]]
