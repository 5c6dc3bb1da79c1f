"""Slow down callers who try too often at the entrance, by device, network and number, without locking anyone out.

Every attempt counts for marks: keyed hashes of the device, of its network, and of the device together with the number
that was entered. Above a free number of attempts the *same mark* waits, each time twice as long, up to a longest
delay. So a stranger slows down only their own device and network; another device asks for the same number without
waiting. The counters are the same for known and unknown numbers, and all processes share them.

An IPv4 address is a soft signal: a mobile carrier puts thousands of people behind one. It never refuses; above its
free number it only makes answers slower. An IPv6 caller has a network of their own (/64, RFC 6177), so that network
waits like a device, and the block of a provider's customer (/48) does with a higher number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from certify.service import Service, Unit
from certify.storage.door_marks import count_marks, forgive_marks, lock_marks

MINUTE_S, HOUR_S = 60.0, 3600.0


class Purpose(StrEnum):
    """What a caller tries. Each is counted for itself."""

    SESSION = "session"  # a capture session without a sign-in
    CODE = "code"  # to have a code sent
    GUESS = "guess"  # to sign in with a code
    LINK = "link"  # to sign in with a link
    VISIT = "visit"  # to wish for a visit without a sign-in
    REPORT = "report"  # to report an agent at the door whom no one knows


@dataclass(frozen=True, slots=True)
class Limit:
    """How many attempts are free, and how the delay grows after them.

    Attributes:
        free: level up to which nothing waits: about the attempts in an hour.
        first_s: seconds of the first delay; each further attempt doubles it.
        longest_s: seconds of the longest delay. There is no lock: after it the next attempt is taken.
        soft: whether answers only become slower; the caller is never refused.
        step: attempts after which a soft delay doubles.
    """

    free: float
    first_s: float
    longest_s: float
    soft: bool = False
    step: float = 1.0

    def delay(self, level: float) -> float:
        """Return the seconds to wait after an attempt that brought the level so high."""
        if level <= self.free:
            return 0.0
        doublings = min((level - self.free - 1) / self.step, 40.0)
        return float(min(self.first_s * 2.0**doublings, self.longest_s))


# Starting values, not measured. A helper or an agent's office may open a session for thirty people an hour on one
# phone; no person needs ten sessions or five wrong codes in an hour. 300 people an hour from one IPv4 address is what
# a carrier's network shows at least (issue figure); twice that is free.
LIMITS: Mapping[tuple[Purpose, str], Limit] = {
    (Purpose.SESSION, "device"): Limit(30, 30, 15 * MINUTE_S),
    (Purpose.SESSION, "number+device"): Limit(10, 30, 15 * MINUTE_S),
    (Purpose.SESSION, "/64"): Limit(300, 1, 5 * MINUTE_S),
    (Purpose.SESSION, "/48"): Limit(3000, 1, MINUTE_S),
    (Purpose.SESSION, "ipv4"): Limit(600, 0.4, 8, soft=True, step=100),
    (Purpose.CODE, "device"): Limit(10, 30, HOUR_S),
    (Purpose.CODE, "number+device"): Limit(5, 60, HOUR_S),
    (Purpose.CODE, "/64"): Limit(60, 5, 15 * MINUTE_S),
    (Purpose.CODE, "/48"): Limit(600, 1, 5 * MINUTE_S),
    (Purpose.CODE, "ipv4"): Limit(600, 0.4, 8, soft=True, step=100),
    (Purpose.GUESS, "device"): Limit(10, 30, HOUR_S),
    (Purpose.GUESS, "number+device"): Limit(5, 30, HOUR_S),
    (Purpose.GUESS, "/64"): Limit(30, 10, 15 * MINUTE_S),
    (Purpose.GUESS, "/48"): Limit(300, 1, 5 * MINUTE_S),
    (Purpose.GUESS, "ipv4"): Limit(100, 0.4, 8, soft=True, step=50),
    (Purpose.LINK, "device"): Limit(20, 30, HOUR_S),
    (Purpose.LINK, "number+device"): Limit(5, 60, HOUR_S),
    (Purpose.LINK, "number+network"): Limit(10, 60, HOUR_S),
    (Purpose.LINK, "/64"): Limit(60, 5, 15 * MINUTE_S),
    (Purpose.LINK, "/48"): Limit(600, 1, 5 * MINUTE_S),
    (Purpose.LINK, "ipv4"): Limit(300, 0.4, 8, soft=True, step=50),
    # One visit a person is enough; a helper may ask for a village. Each report may be read by an officer.
    (Purpose.VISIT, "device"): Limit(10, 60, HOUR_S),
    (Purpose.VISIT, "number+device"): Limit(3, 60, HOUR_S),
    (Purpose.VISIT, "/64"): Limit(30, 10, 15 * MINUTE_S),
    (Purpose.VISIT, "/48"): Limit(300, 1, 5 * MINUTE_S),
    (Purpose.VISIT, "ipv4"): Limit(100, 0.4, 8, soft=True, step=50),
    (Purpose.REPORT, "device"): Limit(3, 60, HOUR_S),
    (Purpose.REPORT, "/64"): Limit(10, 30, HOUR_S),
    (Purpose.REPORT, "/48"): Limit(100, 5, 15 * MINUTE_S),
    (Purpose.REPORT, "ipv4"): Limit(30, 0.4, 8, soft=True, step=10),
}
"""The limits by purpose and kind of mark. In a link's marks the secret stands in place of the number."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A caller who is not recognised.

    Attributes:
        address: network address that the caller comes from, in any spelling.
        device: what the caller's device calls itself; None when it does not say. The service cannot check it.
    """

    address: str
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a caller may try now.

    Attributes:
        wait_s: seconds to wait before the next attempt; 0 when this one is admitted.
        slow_s: seconds by which the answer is held back, because the network tries very often.
        marks: the marks that were counted; ``forgive`` takes them back after a success.
        levels: the new levels, by kind of mark.
    """

    wait_s: float
    slow_s: float
    marks: tuple[bytes, ...] = ()
    levels: Mapping[str, float] = field(default_factory=dict)


def networks_of(address: str) -> dict[str, str]:
    """Return the networks of an address in their normal spelling, by kind; the narrowest comes first.

    IPv4 addresses inside IPv6 (``::ffff:192.0.2.1``) are IPv4. Text that is no address stands for itself.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return {"ipv4": address}
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if isinstance(found, IPv4Address):
        return {"ipv4": str(found)}
    return {f"/{bits}": str(ip_network((found, bits), strict=False)) for bits in (64, 48)}


def network_of_address(address: str) -> str:
    """Return the narrowest network of an address: one caller with many IPv6 addresses has one."""
    return next(iter(networks_of(address).values()))


def admit(
    service: Service, visitor: Visitor, purpose: Purpose, asked: Callable[[Unit], bytes | None] | None = None
) -> Admission:
    """Count an attempt of a caller who is not recognised, in a short transaction of its own.

    It is called before any other work for the request, so that a caller who must wait costs next to nothing. A refused
    attempt is not counted.

    Args:
        service: the running service.
        visitor: who asks.
        purpose: what they try.
        asked: returns the keyed hash of the number that was entered, or of the secret of a link; None when there is
            none.

    Returns:
        Whether the caller is admitted now.
    """
    with service.database.transaction() as db:
        unit = Unit(service, db, service.clock())
        mark = asked(unit) if asked is not None else None
        marks = {_hash(unit, purpose, kind, value): kind for kind, value in _values(visitor, mark).items()}
        limits = {found: LIMITS[purpose, kind] for found, kind in marks.items() if (purpose, kind) in LIMITS}
        hard = sorted(found for found, limit in limits.items() if not limit.soft)
        now = unit.now
        wait = max(
            (
                limits[found].delay(level) - (now - at).total_seconds()
                for found, (level, at) in lock_marks(db, hard, now).items()
            ),
            default=0.0,
        )
        if wait > 0:
            return Admission(wait, 0.0)
        levels = count_marks(db, sorted(limits), now)
        slow = max((limits[found].delay(level) for found, level in levels.items() if limits[found].soft), default=0.0)
        return Admission(0.0, slow, tuple(limits), {marks[found]: level for found, level in levels.items()})


def forgive(unit: Unit, admission: Admission) -> None:
    """Take back the attempt of an admission, because it succeeded: only failures slow a caller down."""
    if admission.marks:
        forgive_marks(unit.db, admission.marks)


def _values(visitor: Visitor, asked: bytes | None) -> dict[str, str]:
    """Return what is counted, by kind of mark."""
    networks = networks_of(visitor.address)
    values = dict(networks)
    if visitor.device is not None:
        values["device"] = visitor.device
    if asked is not None:
        values["number+network"] = f"{asked.hex()}|{next(iter(networks.values()))}"
        if visitor.device is not None:
            values["number+device"] = f"{asked.hex()}|{visitor.device}"
    return values


def _hash(unit: Unit, purpose: Purpose, kind: str, value: str) -> bytes:
    return unit.service.vault.lookup_hash(unit.db, "door", f"{purpose}|{kind}|{value}")
