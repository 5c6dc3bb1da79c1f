"""Compare the face of a capture with what the fund knows of the person, and say by which references it was judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from certify.capture.analysis import Analysis, compare, in_zone
from certify.capture.pooling import Earlier, pool
from certify.domain.states import FaceZone
from certify.people.sittings import anchors_of, by_sitting, day_of, sittings_of
from certify.storage.tables.people import ReferenceRow

if TYPE_CHECKING:  # the HTTP process never loads the face models; only workers do
    from models.calibrate import Calibration
    from models.face.matcher import Comparison, Templates
    from models.pipeline import FaceEngine


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison, and what it rests on.

    Attributes:
        comparison: None if nothing could be compared.
        calibration: the calibration that judged it.
        models: SHA-256 of the weights that were compared, by name.
        sittings: ids of the references, by sitting.
        earlier: the earlier capture whose faces were pooled with those of this one; None if none was.
        foreign: whether only templates of another system were there to compare with.
        mirrored: whether the mirror images of the faces were averaged with them, as they match only so.
        drifted: whether the face matches references of later proofs, and is far from the enrolled ones.
        reference_on: day of the reference that the face is nearest to.
    """

    comparison: Comparison | None
    calibration: Calibration
    models: Mapping[str, str]
    sittings: Sequence[Sequence[UUID]] = ()
    earlier: Earlier | None = None
    foreign: bool = False
    mirrored: bool = False
    drifted: bool = False
    reference_on: date | None = None

    def to_json(self) -> dict[str, Any] | None:
        """Return what a replay needs: the scores, the numbers that judged them, and what was compared."""
        if self.comparison is None:
            return None
        return {
            "scores": dict(self.comparison.scores),
            "llr": self.comparison.llr,
            "calibration_sha256": self.calibration.sha256,
            "references": self.comparison.references,
            "reference_ids": [str(reference_id) for sitting in self.sittings for reference_id in sitting],
            # Since templates are averaged. Comparisons without it averaged scores.
            "sittings": [[str(reference_id) for reference_id in sitting] for sitting in self.sittings],
            "pooled_with": str(self.earlier.session_id) if self.earlier else None,
            "foreign": self.foreign,
            "mirrored": self.mirrored,
            "drifted": self.drifted,
            "models": {name: self.models[name] for name in self.comparison.scores},
        }


def compare_foreign(
    engine: FaceEngine, analysis: Analysis, rows: Sequence[ReferenceRow], references: Mapping[UUID, Templates]
) -> Compared:
    """Compare the faces of a capture with templates that another system made.

    Args:
        engine: the face models. Without the network of these templates nothing is compared.
        analysis: of the capture.
        rows: all references of the person.
        references: the templates of another system by reference.
    """
    network, order = engine.foreign, sorted(references)
    if network is None:
        return Compared(None, engine.calibration, {}, foreign=True)
    comparison = network.compare(analysis.aligned, [references[one] for one in order])
    each = [network.compare(analysis.aligned, [references[one]]) for one in order] if comparison else []
    return Compared(
        comparison,
        network.calibration,
        network.models,
        [[one] for one in order],
        foreign=True,
        reference_on=_nearest_day(rows, [[one] for one in order], each),
    )


def compare_own(
    engine: FaceEngine,
    analysis: Analysis,
    rows: Sequence[ReferenceRow],
    references: Mapping[UUID, Templates],
    *,
    earlier: Callable[[], Earlier | None],
) -> Compared:
    """Compare the faces of a capture with the references of a person.

    If they are near, their mirror images are averaged with them. If they are still near, those of an earlier capture
    are averaged with them instead.

    References that later proofs gave may lie a little off the enrolled ones each, and all of them to one side. So a
    match counts only if the face is at least near the references that were enrolled.

    Args:
        engine: the face models.
        analysis: of the capture.
        rows: all references of the person.
        references: the templates by reference.
        earlier: returns the capture that asked for this one; called only if the face is near.
    """
    sittings = sittings_of(rows, references)
    faces = by_sitting(references, sittings)
    comparison, pooled_with, mirrored = compare(engine, analysis.probes, faces), None, False
    if in_zone(comparison, FaceZone.NEAR):
        both = compare(engine, (*analysis.probes, *engine.mirrors(analysis.aligned)), faces)
        mirrored = in_zone(both, FaceZone.MATCH)
        before = None if mirrored else earlier()
        pooled = None if before is None else pool(engine, analysis, before, faces)
        if mirrored:
            comparison = both
        elif pooled is not None:
            comparison, pooled_with = pooled, before
    each = [compare(engine, analysis.probes, [face]) for face in faces] if comparison else []
    return Compared(
        comparison,
        engine.calibration,
        engine.models,
        sittings,
        pooled_with,
        mirrored=mirrored,
        drifted=_drifted(engine, analysis, rows, references, comparison),
        reference_on=_nearest_day(rows, sittings, each),
    )


def _drifted(
    engine: FaceEngine,
    analysis: Analysis,
    rows: Sequence[ReferenceRow],
    references: Mapping[UUID, Templates],
    comparison: Comparison | None,
) -> bool:
    anchors = anchors_of(rows, references)
    if not in_zone(comparison, FaceZone.MATCH) or not anchors or len(anchors) == len(references):
        return False
    return in_zone(compare(engine, analysis.probes, by_sitting(references, sittings_of(rows, anchors))), FaceZone.APART)


def _nearest_day(
    rows: Sequence[ReferenceRow], sittings: Sequence[Sequence[UUID]], each: Sequence[Comparison | None]
) -> date | None:
    """Return the day of the sitting with the highest ratio; of two equal ones the later."""
    by_id = {row.id: row for row in rows}
    days = [
        (one.llr, day_of(by_id[sitting[0]]))
        for sitting, one in zip(sittings, each, strict=False)
        if one is not None and one.llr is not None
    ]
    return max(days)[1] if days else None
