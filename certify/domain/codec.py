"""Conversion of evidence and determinations to and from plain JSON values, and their hashes.

Ledger entries and certificates hold the hash of the canonical form (sorted keys, no spaces, UTF-8), so that a replay
can prove that it came to the same determination.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from datetime import date, datetime
from enum import Enum, IntEnum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from certify.domain.decide import Determination
from certify.domain.evidence import (
    AdverseRecord,
    Attestation,
    Capture,
    Evidence,
    Finding,
    OfficerRuling,
    SignOfLife,
    Void,
)

_KINDS: dict[str, type[Any]] = {
    "capture": Capture,
    "sign_of_life": SignOfLife,
    "attestation": Attestation,
    "adverse": AdverseRecord,
    "void": Void,
    "ruling": OfficerRuling,
    "finding": Finding,
}
# Resolved once; doing it for every fact would be most of the cost of reading it.
_HINTS = {name: get_type_hints(cls) for name, cls in _KINDS.items()}
_IF_KNOWN = frozenset({"institution", "principal", "country", "event_from"})
"""Fields that earlier releases did not have: left out if they are None, so that the hash of an old fact stays."""
_NAMES = {cls: name for name, cls in _KINDS.items()}


def canonical(value: Any) -> bytes:
    """Encode plain JSON values canonically.

    Args:
        value: plain JSON values.

    Returns:
        UTF-8 bytes, equal for equal values.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: Any) -> bytes:
    """Return the SHA-256 of the canonical form, 32 bytes."""
    return hashlib.sha256(canonical(value)).digest()


def evidence_kind(fact: Evidence) -> str:
    """Return the stable name of the fact's type."""
    return _NAMES[type(fact)]


def evidence_to_json(fact: Evidence) -> dict[str, Any]:
    """Turn a fact into plain values with its kind under ``type``; fields of ``_IF_KNOWN`` only if they are known."""
    known = {name: value for name, value in _record(fact).items() if value is not None or name not in _IF_KNOWN}
    return {"type": evidence_kind(fact), **known}


def evidence_from_json(data: dict[str, Any]) -> Evidence:
    """Rebuild a fact.

    Args:
        data: what ``evidence_to_json`` returned.

    Returns:
        The fact.

    Raises:
        ValueError: a value is impossible, such as an instant without a time zone.
        KeyError: the kind is missing or unknown.
        TypeError: a field is missing or unknown.
    """
    values = dict(data)
    kind = values.pop("type")
    cls, hints = _KINDS[kind], _HINTS[kind]
    return cls(**{name: _revive(value, hints[name]) for name, value in values.items()})  # type: ignore[no-any-return]


def determination_to_json(determination: Determination) -> dict[str, Any]:
    """Turn a determination into plain values; reasons carry code, parameters, facts and the English sentence."""
    data = _record(determination)
    data["timetable"] = _record(determination.timetable)
    data["reasons"] = [
        {"code": r.code.value, "params": dict(r.params), "facts": list(r.facts), "text": r.text}
        for r in determination.reasons
    ]
    return data


def determination_digest(determination: Determination) -> bytes:
    """Hash a determination, 32 bytes; certificates carry this hash. Texts are left out: wording may improve."""
    return verdict_digest(determination_to_json(determination))


def verdict_digest(verdict: dict[str, Any]) -> bytes:
    """Hash a determination that ``determination_to_json`` has turned into plain values already."""
    return digest(wordless(verdict))


def wordless(verdict: dict[str, Any]) -> dict[str, Any]:
    """Return a determination in plain values without the texts of its reasons, as it is hashed."""
    reasons = [{name: value for name, value in entry.items() if name != "text"} for entry in verdict["reasons"]]
    return verdict | {"reasons": reasons}


def _record(value: Any) -> dict[str, Any]:
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _plain(value: Any) -> Any:
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _revive(value: Any, hint: Any) -> Any:
    if get_origin(hint) is tuple:
        return tuple(value)
    if get_origin(hint) in (Union, UnionType):
        return None if value is None else _revive(value, next(a for a in get_args(hint) if a is not type(None)))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return moment
    if hint is date:
        return date.fromisoformat(value)
    return float(value) if hint is float else value
