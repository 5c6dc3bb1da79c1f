"""Folders of policies for tests."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def folder(tmp_path: Path, **files: str) -> Path:
    """Write the shipped common rules and these files, by name, and return the folder."""
    common = (resources.files("certify.policies") / "common.toml").read_text("utf-8")
    for name, text in {"common": common, **files}.items():
        (tmp_path / f"{name}.toml").write_text(text, "utf-8")
    return tmp_path
