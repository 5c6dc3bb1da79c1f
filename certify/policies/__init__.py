"""Policies as data: the shipped schemes, and how a scheme file is merged with what schemes share."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from certify.domain.codec import digest
from certify.domain.policy import Policy, PolicyInvalid, parse_policy


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A policy with the effective document it was read from; ``sha256`` identifies the rules in every replay."""

    policy: Policy
    document: Mapping[str, Any]
    sha256: str


def document_policy(document: Mapping[str, Any]) -> PolicyDocument:
    """Parse an effective document, say one stored with a determination. Raises PolicyInvalid."""
    return PolicyDocument(parse_policy(document), document, digest(document).hex())


def load_policies(folder: Path | None = None) -> dict[str, PolicyDocument]:
    """Load every scheme of a folder (default: those shipped), keyed by scheme name.

    ``common.toml`` is laid under each scheme file: tables are merged, single adverse and sign
    rules replaced. Raises PolicyInvalid naming the file.
    """
    root = folder if folder is not None else resources.files(__package__)
    texts = {entry.name: entry.read_bytes() for entry in root.iterdir() if entry.name.endswith(".toml")}
    common = _parse("common.toml", texts.pop("common.toml", b""))
    policies: dict[str, PolicyDocument] = {}
    for name, text in sorted(texts.items()):
        try:
            loaded = document_policy(_merge(common, _parse(name, text)))
        except PolicyInvalid as error:
            raise PolicyInvalid(f"{name}: {error}") from error
        if loaded.policy.scheme in policies:
            raise PolicyInvalid(f"{name}: scheme '{loaded.policy.scheme}' is defined twice")
        policies[loaded.policy.scheme] = loaded
    return policies


def load_policy_file(path: Path, folder: Path | None = None) -> PolicyDocument:
    """Load one scheme file on top of what the schemes of a folder (default: those shipped) share.

    For rules that are tried before they are released. Raises PolicyInvalid, also when the file cannot be read.
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
        return tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyInvalid(f"{name}: not TOML: {error}") from error


_REPLACED_WHOLE = frozenset({"adverse", "signs"})
"""Their entries are rules of a few keys that belong together: a scheme restates a rule whole or not at all."""


def _merge(base: Mapping[str, Any], over: Mapping[str, Any], *, deep: bool = True) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = deep and isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value, deep=key not in _REPLACED_WHOLE) if both else value
    return merged
