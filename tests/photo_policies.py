"""Policies under which a still photo certifies; no shipped policy does (docs/decisions/0023-life-is-required.md).

They are for tests that are about something else than proof of life, such as transactions, tokens or erasure: a film
that answers its plan costs ten seconds of a core, a photo a fifth of one. Such a test carries the mark
``photos_certify``.
"""

from __future__ import annotations

from typing import Any

from certify.policies import PolicyDocument, document_policy, load_policies


def photo_policies() -> dict[str, PolicyDocument]:
    """Return the shipped policies, with liveness advisory in remote sessions too."""
    return {name: document_policy(_advisory(dict(one.document))) for name, one in load_policies().items()}


def _advisory(document: dict[str, Any]) -> dict[str, Any]:
    remote = {**document["capture"]["remote"], "liveness": "advisory"}
    return {**document, "capture": {**document["capture"], "remote": remote}}
