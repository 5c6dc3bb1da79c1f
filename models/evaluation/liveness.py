"""Measure the error rates of presentation attack detection on labelled samples (ISO/IEC 30107-3).

The input is a CSV file with the header ``path,label`` and optionally ``species`` and ``prompts``. Paths are relative
to the file; ``label`` is ``live`` (bona fide presentation) or ``attack``. Videos get all checks. Single images get only
the passive ones and are reported separately. ``prompts`` names what the person was asked to do:
``turn_left@2.0-5.5;smile@5.5-9.0`` (seconds). Without times, the window is the whole video.

APCER is the share of attack presentations judged live, for each PAI species; the worst species counts. BPCER is the
share of bona fide presentations judged an attack. A sample that is asked to try again was neither accepted nor
rejected; the share of these is the abstention.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from models.errors import ImageRefused, ManifestInvalid, ModelsError
from models.liveness.plan import Plan, Profile, Prompt, Step
from models.liveness.still import judge_still
from models.pipeline import FaceEngine
from models.states import State
from models.statistics import Rate, rate

Progress = Callable[[int, int], None]

LIVE, ATTACK = "live", "attack"
IMAGES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif"}
_PROMPT = re.compile(r"(?P<name>[a-z_]+)(@(?P<from>[\d.]+)-(?P<to>[\d.]+))?")

METHODS = {
    "apcer": "attacks judged live, by species; 95 % Clopper-Pearson interval; samples taken as independent, so it is "
    "too narrow when clips come from the same people",
    "bpcer": "living people judged an attack; same interval",
    "abstention": "neither: the person is asked to try again, perhaps another way",
    "refused": "files that cannot be read as video or image; they count as not accepted, and as abstention",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict of one sample.

    Attributes:
        path: path as in the file.
        label: ``live`` or ``attack``.
        species: PAI species of the attack; empty for bona fide presentations.
        kind: ``video`` or ``image``.
        state: the verdict.
        llr: smallest log10 likelihood ratio; None if it could not be measured.
        reasons: reason codes.
        milliseconds: duration for one frame (video), or for the picture.
    """

    path: str
    label: str
    species: str
    kind: str
    state: State
    llr: float | None
    reasons: tuple[str, ...]
    milliseconds: float


@dataclass(frozen=True, slots=True)
class KindResult:
    """The rates of videos, or of single images.

    Attributes:
        samples: number of samples.
        apcer: APCER by species.
        worst_species: the one with the highest APCER; None without attacks.
        bpcer: BPCER.
        abstention_live: share of bona fide presentations asked to try again.
        abstention_attack: share of attacks asked to try again, by species.
        milliseconds: median duration for one frame.
    """

    samples: int
    apcer: Mapping[str, Rate]
    worst_species: str | None
    bpcer: Rate
    abstention_live: Rate
    abstention_attack: Mapping[str, Rate]
    milliseconds: float | None


@dataclass(frozen=True, slots=True)
class LivenessEvaluation:
    """The result of :func:`evaluate_liveness`.

    Attributes:
        rows: number of rows of the file.
        kinds: rates of ``video`` and ``image``, if there are such samples.
        row_failures: rows that could not be used, by reason.
        row_failure_examples: the first ones, with line number.
        models: sha256 of the models, by name.
        parameters_sha256: hash of the parameters of the fusion.
        judged: every sample, for plots and error analysis.
    """

    rows: int
    kinds: Mapping[str, KindResult]
    row_failures: Mapping[str, int]
    row_failure_examples: tuple[str, ...]
    models: Mapping[str, str]
    parameters_sha256: str
    judged: tuple[Judged, ...] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return plain data, every sample included."""
        return {
            "rows": self.rows,
            "kinds": {name: asdict(result) for name, result in self.kinds.items()},
            "row_failures": dict(self.row_failures),
            "row_failure_examples": list(self.row_failure_examples),
            "models": dict(self.models),
            "parameters_sha256": self.parameters_sha256,
            "methods": METHODS,
            "samples": [asdict(sample) | {"state": sample.state.value} for sample in self.judged],
        }


def evaluate_liveness(samples: Path, engine: FaceEngine, *, progress: Progress | None = None) -> LivenessEvaluation:
    """Judge every sample of a file.

    Args:
        samples: path of the CSV file.
        engine: the loaded models.
        progress: called with the number of samples done and the number of all.

    Raises:
        ManifestInvalid: it is not a CSV file with the columns ``path`` and ``label`` (``manifest_invalid``).
    """
    rows = _read(samples)
    judged: list[Judged] = []
    failures: Counter[str] = Counter()
    examples: list[str] = []
    for done, (line, row) in enumerate(rows, 1):
        try:
            judged.append(_judge(samples.parent, row, engine))
        except (OSError, ValueError) as error:
            reason = "missing_file" if isinstance(error, OSError) else "bad_row"
            failures[reason] += 1
            if len(examples) < 10:
                examples.append(f"line {line}: {error}")
        if progress is not None:
            progress(done, len(rows))
    kinds = {
        kind: _rates([sample for sample in judged if sample.kind == kind])
        for kind in ("video", "image")
        if any(sample.kind == kind for sample in judged)
    }
    return LivenessEvaluation(
        len(rows), kinds, dict(failures), tuple(examples), engine.models, engine.fusion.sha256, tuple(judged)
    )


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


def _judge(folder: Path, row: Mapping[str, str], engine: FaceEngine) -> Judged:
    path, label = folder / row["path"], row["label"].strip().lower()
    if label not in (LIVE, ATTACK):
        raise ValueError(f"the label is {label!r}, not live or attack")
    species = (row.get("species") or "unnamed").strip() if label == ATTACK else ""
    data = path.read_bytes()
    image = path.suffix.lower() in IMAGES
    kind = "image" if image else "video"
    try:
        if image:
            still = judge_still(engine, data)
            return Judged(row["path"], label, species, kind, still.state, still.llr, still.reasons, still.milliseconds)
        plan = parse_prompts(row.get("prompts") or "", 3600.0)
        watched = engine.watch(data, plan)
    except (ImageRefused, ModelsError) as refused:
        code = getattr(refused, "code", "refused")
        return Judged(row["path"], label, species, kind, State.NOT_ASSESSED, None, (str(code),), 0.0)
    report = watched.liveness
    frames = max(
        (int(check.values.get("frames") or 0) for check in report.checks if check.name == "presence"), default=0
    )
    spent = watched.measurement.timings_ms["total"] / max(frames, 1)
    return Judged(row["path"], label, species, kind, report.state, report.llr, report.reasons, spent)


def _rates(samples: Sequence[Judged]) -> KindResult:
    live = [sample for sample in samples if sample.label == LIVE]
    species: dict[str, list[Judged]] = defaultdict(list)
    for sample in samples:
        if sample.label == ATTACK:
            species[sample.species].append(sample)
    apcer = {name: _share(group, State.PASS) for name, group in sorted(species.items())}
    times = sorted(sample.milliseconds for sample in samples if sample.milliseconds)
    return KindResult(
        samples=len(samples),
        apcer=apcer,
        worst_species=max(apcer, key=lambda name: apcer[name].value or 0.0, default=None),
        bpcer=_share(live, State.FAIL),
        abstention_live=_share(live, State.NOT_ASSESSED),
        abstention_attack={name: _share(group, State.NOT_ASSESSED) for name, group in sorted(species.items())},
        milliseconds=times[len(times) // 2] if times else None,
    )


def _share(samples: Sequence[Judged], state: State) -> Rate:
    return rate(sum(sample.state is state for sample in samples), len(samples))


def _read(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if not {"path", "label"} <= set(reader.fieldnames or ()):
                raise ManifestInvalid(f"{path} needs the columns path and label")
            return [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ManifestInvalid(f"{path} cannot be read: {error}") from error
