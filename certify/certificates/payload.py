"""The content of a certificate, version 1: the person, the last day, the pensions, and how life was proven.

The payload is the least that a payer needs to recognise the person: name, year of birth, the end of the national
id. The expiry instant is signed itself, because the rules of a time zone may change after the certificate was
issued, and a verifier may have older or newer rules than the issuer had.
"""

from __future__ import annotations

import datetime as dt
import enum
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self
from zoneinfo import ZoneInfo

from certify.certificates.number import is_number

VERSION = 1
MAX_NAME = 120
MAX_ENTITLEMENTS = 12
MAX_SCHEME = 40
MAX_SHORT = 40
MAX_ISSUER = 80
MAX_STATUS_URI = 128
ID_TAIL = 4
# The largest change of UTC offset that legislation is expected to bring to a running certificate.
_ZONE_DRIFT = dt.timedelta(hours=3)


class Method(enum.StrEnum):
    """How it was proven that the person is alive."""

    REMOTE_FACE = "remote_face"
    DATA = "data"
    DOORSTEP = "doorstep"
    OFFICER = "officer"
    ATTESTED = "attested"

    @property
    def label(self) -> str:
        """Return the method in words for people."""
        return _METHOD_LABELS[self]


_METHOD_LABELS = {
    Method.REMOTE_FACE: "Face check from the person's own device",
    Method.DATA: "Comparison with government registries",
    Method.DOORSTEP: "Visit by an agent",
    Method.OFFICER: "Decision of an officer",
    Method.ATTESTED: "Seen in person by an institution that attests it",
}


@dataclass(frozen=True, slots=True)
class CertifiedEntitlement:
    """A pension that the certificate covers: code of the scheme (ASCII) and last day (inclusive, scheme time zone)."""

    scheme: str
    valid_until: dt.date


@dataclass(frozen=True, slots=True)
class StatusReference:
    """Where to ask for revocation: the place in an IETF Token Status List, and the https address of the list."""

    index: int
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A statement that a person was proven alive and is certified until a day. Build it with `issue`.

    Attributes:
        number: certificate number as issued.
        issuer: name of the fund.
        key_id: id of the signing key; it is in the COSE header and not among the claims.
        name: name of the person, in Unicode NFC.
        birth_year: year of birth; None if the register does not know it.
        id_tail: the last characters of the national id.
        entitlements: the pensions that it covers.
        method: how life was proven.
        assurance: what the proof rests on.
        issued_at: when it was issued, in whole seconds, UTC.
        valid_from: first moment of validity, in whole seconds, UTC.
        valid_until: last day, inclusive, in ``time_zone``.
        time_zone: IANA name of the time zone.
        expires_at: the instant at which that day ends, in whole seconds, UTC; from then on it must not be accepted.
        determination: SHA-256 of the determination that it rests on.
        status: where to ask whether it was revoked.

    Raises:
        ValueError: a value that the format does not allow.
    """

    number: str
    issuer: str
    key_id: str
    name: str
    birth_year: int | None
    id_tail: str
    entitlements: tuple[CertifiedEntitlement, ...]
    method: Method
    assurance: str
    issued_at: dt.datetime
    valid_from: dt.datetime
    valid_until: dt.date
    time_zone: str
    expires_at: dt.datetime
    determination: bytes
    status: StatusReference | None = None

    def __post_init__(self) -> None:
        for moment in (self.issued_at, self.valid_from, self.expires_at):
            if moment.tzinfo is not dt.UTC or moment.microsecond:
                raise ValueError("times of a certificate are whole seconds in UTC")
        if not is_number(self.number):
            raise ValueError("not a certificate number")
        _require_text("issuer", self.issuer, MAX_ISSUER)
        _require_text("name", self.name, MAX_NAME)
        _require_text("assurance", self.assurance, MAX_SHORT)
        _require_text("id_tail", self.id_tail, ID_TAIL)
        if self.birth_year is not None and not 1850 <= self.birth_year <= 9999:
            raise ValueError("birth_year has four digits")
        if len(self.determination) != 32:
            raise ValueError("determination is a SHA-256 hash of 32 bytes")
        self._check_entitlements()
        self._check_times()
        if self.status is not None:
            _require_text("status uri", self.status.uri, MAX_STATUS_URI)
            if not self.status.uri.startswith("https://") or not 0 <= self.status.index < 2**32:
                raise ValueError("a status reference is an index and an https address")

    def _check_entitlements(self) -> None:
        if not 1 <= len(self.entitlements) <= MAX_ENTITLEMENTS:
            raise ValueError(f"a certificate covers 1 to {MAX_ENTITLEMENTS} entitlements")
        for entitlement in self.entitlements:
            _require_text("scheme", entitlement.scheme, MAX_SCHEME)
            if not entitlement.scheme.isascii():
                raise ValueError("a scheme is named by its code, in ASCII")
        if max(entitlement.valid_until for entitlement in self.entitlements) > self.valid_until:
            raise ValueError("no entitlement can outlast its certificate")

    def _check_times(self) -> None:
        if self.valid_from >= self.expires_at:
            raise ValueError("a certificate that ends before it begins")
        if abs(self.expires_at - end_of_day(self.valid_until, self.time_zone)) > _ZONE_DRIFT:
            raise ValueError("expires_at is not the end of valid_until in time_zone")

    @classmethod
    def issue(
        cls,
        *,
        number: str,
        issuer: str,
        key_id: str,
        name: str,
        birth_year: int | None,
        national_id: str,
        entitlements: Sequence[CertifiedEntitlement],
        method: Method,
        assurance: str,
        issued_at: dt.datetime,
        valid_from: dt.datetime,
        valid_until: dt.date,
        time_zone: str,
        determination: bytes,
        status: StatusReference | None = None,
    ) -> Self:
        """Build a certificate that is ready to be signed.

        The name is converted to Unicode NFC, runs of white space become one space, and invisible characters that
        registers leave in are removed.

        Args:
            number: certificate number as issued.
            issuer: name of the fund.
            key_id: id of the key that will sign.
            name: name of the person, as registered.
            birth_year: year of birth; None if it is not known.
            national_id: the national id, of which only the last four characters are kept.
            entitlements: the pensions that it covers.
            method: how life was proven.
            assurance: what the proof rests on.
            issued_at: when it is issued; any time zone, cut to whole seconds.
            valid_from: first moment of validity; any time zone, cut to whole seconds.
            valid_until: last day, inclusive.
            time_zone: IANA name of the time zone of ``valid_until``.
            determination: SHA-256 of the determination.
            status: where to ask whether it was revoked.

        Returns:
            The certificate.

        Raises:
            ValueError: a time has no time zone, the zone is unknown, or a value is out of its bounds.
        """
        return cls(
            number=number,
            issuer=issuer,
            key_id=key_id,
            name=_tidy(name),
            birth_year=birth_year,
            id_tail=national_id[-ID_TAIL:],
            entitlements=tuple(entitlements),
            method=method,
            assurance=assurance,
            issued_at=_whole_second(issued_at),
            valid_from=_whole_second(valid_from),
            valid_until=valid_until,
            time_zone=time_zone,
            expires_at=end_of_day(valid_until, time_zone),
            determination=determination,
            status=status,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the content as JSON values, each with a label, for people and screens.

        These fields prove nothing; only the signed bytes do.
        """
        fields: list[tuple[str, str, Any]] = [
            ("number", "Number", self.number),
            ("name", "Name", self.name),
            ("birth_year", "Year of birth", self.birth_year),
            ("id_tail", "National id ends with", self.id_tail),
            ("valid_until", "Certified until (last day)", self.valid_until.isoformat()),
            ("time_zone", "Time zone", self.time_zone),
            ("expires_at", "Expires at", self.expires_at.isoformat()),
            ("valid_from", "Valid from", self.valid_from.isoformat()),
            ("issued_at", "Issued at", self.issued_at.isoformat()),
            ("method", "How it was proven", self.method.value),
            ("assurance", "Assurance", self.assurance),
            ("issuer", "Issuer", self.issuer),
            ("key_id", "Signing key", self.key_id),
            ("determination", "Determination (SHA-256)", self.determination.hex()),
        ]
        if self.status is not None:
            fields.append(("status_uri", "Revocation list", self.status.uri))
            fields.append(("status_index", "Place in the revocation list", self.status.index))
        return {
            "version": VERSION,
            **{key: {"label": label, "value": value} for key, label, value in fields},
            "entitlements": [
                {"scheme": item.scheme, "valid_until": item.valid_until.isoformat()} for item in self.entitlements
            ],
        }


def end_of_day(day: dt.date, time_zone: str) -> dt.datetime:
    """Return the instant, in UTC, at which a calendar day ends in a time zone: the start of the next day.

    If the clock skips midnight, that is the moment of the jump (PEP 495, fold 0).

    Args:
        day: the calendar day.
        time_zone: IANA name of the time zone.

    Returns:
        The instant.

    Raises:
        ValueError: the zone is unknown, or the day is the last of the calendar.
    """
    try:
        zone = ZoneInfo(time_zone)
        midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=zone)
        return midnight.astimezone(dt.UTC)
    except (KeyError, OSError, OverflowError, ValueError) as error:  # ZoneInfo raises any of these for a bad name
        raise ValueError("unknown time zone, or a day out of range") from error


def _whole_second(moment: dt.datetime) -> dt.datetime:
    if moment.utcoffset() is None:
        raise ValueError("times of a certificate are aware")
    return moment.astimezone(dt.UTC).replace(microsecond=0)


def _tidy(name: str) -> str:
    spaced = " ".join(unicodedata.normalize("NFC", name).split())
    visible = "".join(c for c in spaced if c in _JOINERS or unicodedata.category(c) not in _UNPRINTABLE)
    return unicodedata.normalize("NFC", visible).strip()


def _require_text(field: str, text: str, limit: int) -> None:
    """Refuse empty, too long or unprintable text: control and bidirectional-override characters can disguise it."""
    if not 1 <= len(text) <= limit or text != text.strip():
        raise ValueError(f"{field} has 1 to {limit} characters, without spaces around")
    if not unicodedata.is_normalized("NFC", text):
        raise ValueError(f"{field} is not in Unicode normal form C")
    if any(unicodedata.category(character) in _UNPRINTABLE for character in text if character not in _JOINERS):
        raise ValueError(f"{field} holds characters that cannot be shown")


# Private-use and unassigned code points stay allowed: registers hold rare Han characters that this program's
# Unicode tables do not know yet.
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"  # zero width (non-)joiner: part of correct spelling in Persian and Indic names
