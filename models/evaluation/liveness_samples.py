"""Read the labelled samples of a liveness evaluation, and say what each belongs to.

The input is a CSV file with the header ``path,label`` and optionally ``species``, ``person``, ``source``, ``coding``
and ``prompts``. Paths are relative to the file; ``label`` is ``live`` (bona fide presentation) or ``attack``.

* ``species`` names the attack, and after the first hyphen its system: ``puppet-edtalk``, ``swap-deepfacelive``.
* ``person`` is who is seen. Without it each file counts as a person of its own, and intervals are too narrow.
* ``source`` says where a film comes from. The people of sources that are named webcam, phone or selfie filmed
  themselves; further ones can be named.
* ``prompts`` names what the person was asked to do: ``turn_left@2.0-5.5;smile@5.5-9.0`` (seconds). Without times, the
  window is the whole video.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from models.errors import ManifestInvalid
from models.liveness.plan import Plan, Profile, Prompt, Step

LIVE, ATTACK = "live", "attack"
IMAGES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif"}
_PROMPT = re.compile(r"(?P<name>[a-z_]+)(@(?P<from>[\d.]+)-(?P<to>[\d.]+))?")
_SELF_FILMED = re.compile(r"web-?cam|phone|selfie|self-?filmed", re.IGNORECASE)
_FAMILIES = {"lipsync": "lip-sync", "lip": "lip-sync", "faceswap": "swap"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One row.

    Attributes:
        line: line number in the file.
        path: path as in the file.
        file: where it is.
        label: ``live`` or ``attack``.
        species: species of the attack with its system; empty for bona fide presentations.
        person: the person who is seen; the path if the file does not say.
        source: where the film comes from; empty if the file does not say.
        coding: how it was coded, likewise.
        self_filmed: whether living people filmed themselves.
        prompts: what was asked, as in the file.
    """

    line: int
    path: str
    file: Path
    label: str
    species: str
    person: str
    source: str
    coding: str
    self_filmed: bool
    prompts: str

    @property
    def family(self) -> str:
        """Return the family of the attack: its species without the system. Empty for bona fide presentations."""
        return family_of(self.species)

    @property
    def image(self) -> bool:
        """Return whether it is a single image."""
        return self.file.suffix.lower() in IMAGES


def family_of(species: str) -> str:
    """Return the family of a species: what stands before its first hyphen, with one name for each family."""
    first = "lip-sync" if species.startswith("lip-sync") else species.split("-", 1)[0]
    return _FAMILIES.get(first, first)


def read_samples(path: Path, *, self_filmed: Collection[str] = ()) -> tuple[int, list[Sample], list[str]]:
    """Read a samples file.

    Args:
        path: the file.
        self_filmed: sources, or beginnings of the names of persons, of people who filmed themselves.

    Returns:
        The number of rows, the usable ones, and for each other one a sentence with its line.

    Raises:
        ManifestInvalid: it is not a CSV file with the columns ``path`` and ``label`` (``manifest_invalid``).
    """
    samples, refused = [], []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if not {"path", "label"} <= set(reader.fieldnames or ()):
                raise ManifestInvalid(f"{path} needs the columns path and label")
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ManifestInvalid(f"{path} cannot be read: {error}") from error
    for line, row in rows:
        try:
            samples.append(_sample(path.parent, line, row, self_filmed))
        except ValueError as error:
            refused.append(f"line {line}: {error}")
    return len(rows), samples, refused


def parse_prompts(text: str, seconds: float) -> Plan | None:
    """Read the column ``prompts``.

    Args:
        text: the content of the column.
        seconds: end of the window of prompts without times.

    Returns:
        The plan; None if the column is empty.

    Raises:
        ValueError: a prompt is unknown, or its window is empty.
    """
    steps = []
    for part in filter(None, (word.strip() for word in re.split(r"[;|\s]+", text))):
        match = _PROMPT.fullmatch(part)
        if match is None:
            raise ValueError(f"no prompt: {part!r}")
        start, end = float(match["from"] or 0.0), float(match["to"] or seconds)
        if not 0 <= start < end:
            raise ValueError(f"the window of {part!r} is empty")
        steps.append(Step(Prompt(match["name"]), start, end))
    return Plan(Profile.STANDARD, tuple(steps), (), seconds) if steps else None


def _sample(folder: Path, line: int, row: Mapping[str, str | None], self_filmed: Collection[str]) -> Sample:
    values = {
        name: (row.get(name) or "").strip() for name in ("path", "species", "person", "source", "coding", "prompts")
    }
    label = (row.get("label") or "").strip().lower()
    if label not in (LIVE, ATTACK):
        raise ValueError(f"the label is {label!r}, not live or attack")
    if not values["path"]:
        raise ValueError("the path is empty")
    parse_prompts(values["prompts"], 1.0)
    person, source = values["person"] or values["path"], values["source"]
    own = bool(_SELF_FILMED.search(source)) or source in self_filmed or person.startswith(tuple(self_filmed))
    return Sample(
        line=line,
        path=values["path"],
        file=folder / values["path"],
        label=label,
        species=(values["species"] or "unnamed") if label == ATTACK else "",
        person=person,
        source=source,
        coding=values["coding"],
        self_filmed=label == LIVE and own,
        prompts=values["prompts"],
    )
