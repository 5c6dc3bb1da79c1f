"""Policies under which a still photo certifies, which no shipped policy allows (decision 23).

They are for tests that are about something else than proof of life, such as transactions, tokens or erasure: a film
that answers its plan costs seconds of a core, a photo a fifth of one. Such a test carries the mark ``photos_certify``.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from certify.policies import PolicyDocument, document_policy, load_policies


@cache
def photo_policies() -> dict[str, PolicyDocument]:
    """Return the shipped policies, with liveness advisory in remote sessions too. Do not change them."""
    return {name: document_policy(_advisory(dict(one.document))) for name, one in load_policies().items()}


def _advisory(document: dict[str, Any]) -> dict[str, Any]:
    remote = {**document["capture"]["remote"], "liveness": "advisory"}
    return {**document, "capture": {**document["capture"], "remote": remote}}


def write_photo_policies(folder: Path) -> Path:
    """Write the same policies as files into a new folder, for processes of their own; return the folder."""
    folder.mkdir()
    for entry in resources.files("certify.policies").iterdir():
        if entry.name.endswith(".toml"):
            text = entry.read_text("utf-8").replace('liveness = "required"', 'liveness = "advisory"')
            (folder / entry.name).write_text(text, "utf-8")
    return folder
