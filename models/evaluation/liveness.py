"""Measure the error rates of presentation attack detection on labelled samples (ISO/IEC 30107-3).

:mod:`models.evaluation.liveness_samples` describes the file of samples. Videos get all checks. Single images get only
the passive ones and are reported separately.

APCER is the share of attack presentations judged live, for each PAI species; the worst species counts. BPCER is the
share of bona fide presentations judged an attack. A sample that is asked to try again was neither accepted nor
rejected; the share of these is the abstention.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import ImageRefused, ModelsError
from models.evaluation.film_strip import FilmStrip
from models.evaluation.liveness_cache import FilmCache
from models.evaluation.liveness_groups import Group, Separation, groups_of, separations_of
from models.evaluation.liveness_judged import Judged
from models.evaluation.liveness_samples import ATTACK, LIVE, Sample, parse_prompts, read_samples
from models.liveness.checks import CheckResult
from models.liveness.examined import Examined
from models.liveness.fusion import Fusion, judge
from models.liveness.measures import log_odds
from models.liveness.still import judge_still
from models.pipeline import FaceEngine
from models.states import State
from models.statistics import Rate, rate

Progress = Callable[[int, int], None]
Strips = dict[str, bytes]
"""By path of a sample: some of its pictures side by side, as JPEG."""

METHODS = {
    "apcer": "attacks judged live, by species; 95 % Clopper-Pearson interval; samples taken as independent, so it is "
    "too narrow when clips come from the same people",
    "bpcer": "living people judged an attack; same interval",
    "abstention": "neither: the person is asked to try again, perhaps another way",
    "refused": "files that cannot be read as video or image; they count as not accepted, and as abstention",
    "by_person": "95 % interval by bootstrap over people",
    "framing": "size of the face in the picture: a measure that tells no more has only learned where a film comes from",
    "lost": "share of living films below the value that 5 % of the attacks reach",
}


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
        groups: verdicts of videos by group: living people, families, systems.
        separations: how well each measure of videos tells living people from each family.
        strips: pictures of the samples that were judged wrongly.
    """

    rows: int
    kinds: Mapping[str, KindResult]
    row_failures: Mapping[str, int]
    row_failure_examples: tuple[str, ...]
    models: Mapping[str, str]
    parameters_sha256: str
    judged: tuple[Judged, ...] = field(repr=False)
    groups: tuple[Group, ...] = ()
    separations: tuple[Separation, ...] = ()
    strips: Mapping[str, bytes] = field(default_factory=dict, repr=False)

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
            "groups": [asdict(group) for group in self.groups],
            "separations": [asdict(separation) for separation in self.separations],
            "samples": [sample.to_json() for sample in self.judged],
        }


def evaluate_liveness(
    samples: Path,
    engine: FaceEngine,
    *,
    progress: Progress | None = None,
    cache: Path | None = None,
    self_filmed: Collection[str] = (),
) -> LivenessEvaluation:
    """Judge every sample of a file.

    Args:
        samples: path of the CSV file.
        engine: the loaded models.
        progress: called with the number of samples done and the number of all.
        cache: folder that keeps what was read (:mod:`models.evaluation.liveness_cache`); None keeps nothing.
        self_filmed: sources, or beginnings of the names of persons, of people who filmed themselves.

    Raises:
        ManifestInvalid: it is not a CSV file with the columns ``path`` and ``label`` (``manifest_invalid``).
    """
    count, usable, refused = read_samples(samples, self_filmed=self_filmed)
    kept = None if cache is None else FilmCache(cache, engine.models)
    judged: list[Judged] = []
    failures: Counter[str] = Counter({"bad_row": len(refused)} if refused else {})
    examples = list(refused)
    strips: Strips = {}
    for done, sample in enumerate(usable, 1):
        try:
            judged.append(_judge(sample, engine, kept, strips))
        except OSError as error:
            failures["missing_file"] += 1
            examples.append(f"line {sample.line}: {error}")
        if progress is not None:
            progress(done, len(usable))
    kinds = {
        kind: _rates([sample for sample in judged if sample.kind == kind])
        for kind in ("video", "image")
        if any(sample.kind == kind for sample in judged)
    }
    films = [sample for sample in judged if sample.kind == "video"]
    return LivenessEvaluation(
        count,
        kinds,
        dict(failures),
        tuple(examples[:10]),
        engine.models,
        engine.fusion.sha256,
        tuple(judged),
        tuple(groups_of(films)),
        tuple(separations_of(films, directions_of(engine.fusion))),
        {sample.path: strips[sample.path] for sample in judged if sample.wrong and strips.get(sample.path)},
    )


def directions_of(fusion: Fusion) -> dict[str, int]:
    """Return by measure whether living people have more of it (1) or less (-1), as the parameters say."""
    found = {
        name: 1 if term.weight > 0 else -1
        for terms in fusion.terms.values()
        for name, term in terms.items()
        if name != "light"
    }
    return found | {"turned": 1}


def examine_film(data: bytes, engine: FaceEngine, cache: FilmCache | None = None) -> tuple[Examined, bytes]:
    """Read a film, or take what was read from the cache.

    Args:
        data: the film.
        engine: the loaded models.
        cache: where to look first, and to keep what was read.

    Returns:
        What was read, and a strip of its pictures (JPEG).

    Raises:
        VideoRefused: the bytes cannot be used as a video; its code is one of :mod:`models.media.video`.
    """
    film = hashlib.sha256(data).hexdigest()
    found = None if cache is None else cache.examined(film)
    if found is not None:
        return found
    pictures = FilmStrip()
    examined = engine.examine(data, each=pictures.see)
    strip = pictures.jpeg()
    if cache is not None:
        cache.keep_examined(film, examined, strip)
    return examined, strip


def _judge(sample: Sample, engine: FaceEngine, cache: FilmCache | None, strips: Strips) -> Judged:
    data = sample.file.read_bytes()
    if sample.image:
        return _judge_image(sample, data, engine)
    film = hashlib.sha256(data).hexdigest()
    found = None if cache is None else cache.measured(film, sample.prompts)
    if found is None:
        found, strip = _measure_film(sample, data, engine, cache)
        strips[sample.path] = strip
        if cache is not None:
            cache.keep_measured(film, sample.prompts, found | {"milliseconds": 0.0})
    elif cache is not None:
        strips[sample.path] = cache.strip(film)
    if found["refused"] is not None:
        return _judged(sample, State.NOT_ASSESSED, None, (found["refused"],), {})
    checks = tuple(
        CheckResult(one["name"], State(one["state"]), one["values"], one["reason"]) for one in found["checks"]
    )
    report = judge(engine.fusion, found["measures"], checks)
    return _judged(
        sample,
        report.state,
        report.llr,
        report.reasons,
        found["measures"],
        checks=checks,
        framing=found["framing"],
        milliseconds=found["milliseconds"],
    )


def _judge_image(sample: Sample, data: bytes, engine: FaceEngine) -> Judged:
    try:
        still = judge_still(engine, data)
    except (ImageRefused, ModelsError) as refused:
        return _judged(sample, State.NOT_ASSESSED, None, (str(refused.code),), {})
    measures = {
        "passive": None if still.live is None else log_odds(still.live),
        "grid": None if still.grid is None else math.log10(still.grid),
    }
    return _judged(sample, still.state, still.llr, still.reasons, measures, milliseconds=still.milliseconds)


def _judged(
    sample: Sample,
    state: State,
    llr: float | None,
    reasons: tuple[str, ...],
    measures: Mapping[str, float | None],
    *,
    checks: tuple[CheckResult, ...] = (),
    framing: float | None = None,
    milliseconds: float = 0.0,
) -> Judged:
    return Judged(
        path=sample.path,
        label=sample.label,
        species=sample.species,
        family=sample.family,
        person=sample.person,
        source=sample.source,
        coding=sample.coding,
        self_filmed=sample.self_filmed,
        kind="image" if sample.image else "video",
        state=state,
        llr=llr,
        reasons=reasons,
        measures=measures,
        checks=checks,
        framing=framing,
        milliseconds=milliseconds,
    )


def _measure_film(
    sample: Sample, data: bytes, engine: FaceEngine, cache: FilmCache | None
) -> tuple[dict[str, Any], bytes]:
    start = time.perf_counter()
    try:
        examined, strip = examine_film(data, engine, cache)
    except ModelsError as refused:
        return {"refused": str(refused.code)}, b""
    report = engine.judge(examined, parse_prompts(sample.prompts, 3600.0))
    spent = (time.perf_counter() - start) * 1e3 / max(len(examined.readings.glances), 1)
    sizes = [mesh.box[2] for detail in examined.readings.details if (mesh := detail.mesh) is not None]
    side = min(examined.width, examined.height)
    return {
        "refused": None,
        "measures": dict(report.measures),
        "checks": [check.to_json() | {"values": dict(check.values)} for check in report.checks],
        "framing": float(np.median(sizes)) / side if sizes and side else None,
        "milliseconds": spent,
    }, strip


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
