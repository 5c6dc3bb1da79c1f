"""Load policies: the rules of each pension scheme, as TOML files.

``load_policies`` reads all schemes of a folder, by default the shipped ones; ``load_policy_file`` reads one file that
is to be tried. Both merge a scheme's file with ``common.toml``, which holds the rules that schemes share.
``document_policy`` parses a stored document, for replays. The meaning of the rules is in ``certify.domain.policy``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

from certify.domain.policy import PolicyInvalid
from certify.policies.in_force import PoliciesInForce, PolicyDocument, document_policy, utc_now

__all__ = ["PoliciesInForce", "PolicyDocument", "document_policy", "load_policies", "load_policy_file"]


def load_policies(folder: Path | None = None) -> PoliciesInForce:
    """Load every scheme of a folder, by name of the scheme.

    A scheme may have several files if they come into force on different days (``in_force_from``); one of them may have
    no day.

    Each scheme file is merged over ``common.toml``: tables are merged key by key, but a single rule for an adverse
    record or a sign of life replaces the common one as a whole.

    Args:
        folder: folder of the policy files; by default the shipped ones.

    Raises:
        PolicyInvalid: a file is not valid, or two files define the same scheme from the same day. The message names the
            file.
    """
    root = folder if folder is not None else resources.files(__package__)
    texts = {entry.name: entry.read_bytes() for entry in root.iterdir() if entry.name.endswith(".toml")}
    common = _parse("common.toml", texts.pop("common.toml", b""))
    versions: dict[str, list[PolicyDocument]] = {}
    for name, text in sorted(texts.items()):
        try:
            loaded = document_policy(_merge(common, _parse(name, text)))
        except PolicyInvalid as error:
            raise PolicyInvalid(f"{name}: {error}") from error
        known = versions.setdefault(loaded.policy.scheme, [])
        first = loaded.policy.in_force_from
        if first in {one.policy.in_force_from for one in known}:
            since = f"from {first.isoformat()}" if first else "without 'in_force_from'"
            raise PolicyInvalid(f"{name}: scheme '{loaded.policy.scheme}' is defined twice {since}")
        known.append(loaded)
    return PoliciesInForce(versions, utc_now)


def load_policy_file(path: Path, folder: Path | None = None) -> PolicyDocument:
    """Load one scheme file, merged over the ``common.toml`` of a folder, to try rules before they are released.

    Args:
        path: the scheme file.
        folder: folder whose ``common.toml`` is used; by default the shipped one.

    Raises:
        PolicyInvalid: the file cannot be read or is not valid. The message names the file.
    """
    root = folder if folder is not None else resources.files(__package__)
    common = root.joinpath("common.toml")
    try:
        text = path.read_bytes()
    except OSError as error:
        raise PolicyInvalid(f"{path}: {error.strerror}") from error
    shared = _parse("common.toml", common.read_bytes() if common.is_file() else b"")
    try:
        return document_policy(_merge(shared, _parse(path.name, text)))
    except PolicyInvalid as error:
        raise PolicyInvalid(f"{path.name}: {error}") from error


def _parse(name: str, text: bytes) -> dict[str, Any]:
    try:
        found = tomllib.loads(text.decode())
        # Documents are stored as JSON, which has no days.
        return {key: value.isoformat() if type(value) is date else value for key, value in found.items()}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyInvalid(f"{name}: not TOML: {error}") from error


_REPLACED_WHOLE = frozenset({"adverse", "signs"})
"""Tables whose entries are rules of a few keys that belong together. A scheme replaces such a rule as a whole."""


def _merge(base: Mapping[str, Any], over: Mapping[str, Any], *, deep: bool = True) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = deep and isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value, deep=key not in _REPLACED_WHOLE) if both else value
    return merged
