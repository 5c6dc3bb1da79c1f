"""Linking of a table of records with the people of the fund: the stages in their order."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, TypeVar

import pyarrow as pa

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.linking.agreement import Comparison, comparisons
from certify.registry.linking.engine import Engine, Source
from certify.registry.linking.explain import Explanation, explain
from certify.registry.linking.frequency import COINCIDING, count_people
from certify.registry.linking.model import Model
from certify.registry.linking.outcome import collect_links
from certify.registry.linking.parameters import Parameters
from certify.registry.linking.probabilistic import draw_samples, predict, prepare_candidates, same_birth
from certify.registry.linking.stages import leave_rest, link_exact_persons, link_ids, outside_share
from certify.registry.linking.training import train

_T = TypeVar("_T")
_EXPECTED = 0.5
"""The prior probability that a record that ids could not place belongs to one of the people. Half favours neither."""


@dataclass(frozen=True, slots=True)
class LinkResult:
    """The result of linking; the links stay in the engine's table ``links`` until the next linking.

    Attributes:
        engine: where the table is.
        model: the model that was used, for explanations and for ``Parameters.model`` of a later run.
        counts: number of rows of both sides, and of links and questions of each stage.
        seconds: time of each step.
    """

    engine: Engine
    model: Model
    counts: dict[str, int]
    seconds: dict[str, float]

    def links(self, where: str = "1 = 1") -> pa.Table:
        """Return links in the order of their records.

        Args:
            where: an SQL condition of our own; never text from outside.

        Returns:
            Rows with record, person, stage, outcome, reason, weight, rarity and the levels.
        """
        return self.engine.query(f"SELECT * FROM links WHERE {where} ORDER BY record, person, stage")

    def explain(self, link: dict[str, Any]) -> Explanation:
        """Explain one row of ``links``."""
        return explain(link, self.model)


def load_people(engine: Engine, people: Source) -> None:
    """Normalise the people once, for several feeds; ``link`` then only needs their layout."""
    engine.load("people", people)


def link(
    engine: Engine,
    people: Source,
    records: Source,
    parameters: Parameters | None = None,
    *,
    people_loaded: bool = False,
) -> LinkResult:
    """Link records with people.

    Args:
        engine: where it runs.
        people: the people of the fund.
        records: the records of a registry; not read if ``parameters.deduplicate``.
        parameters: thresholds, seed and model.
        people_loaded: whether ``load_people`` was called before with these people.

    Returns:
        The result; its links stay in the engine.

    Raises:
        Invalid: a file cannot be read (``file``), a column is missing (``column_missing``), or ids are hashed on one
            side only (``layout``).
    """
    parameters = parameters or Parameters()
    deduplicate = parameters.deduplicate
    watch = _Watch()
    if not people_loaded:
        watch.step("normalise people", lambda: engine.load("people", people))
    if parameters.deduplicate:
        records = people
        engine.create("records", "SELECT * FROM people")
    else:
        watch.step("normalise records", lambda: engine.load("records", records))
    layouts = (people.layout, records.layout)
    if layouts[0].ids_are_hashed != layouts[1].ids_are_hashed and all(layout.id for layout in layouts):
        raise Invalid("Ids are hashed on one side only.", hint="Hash both with the same key.", code=ErrorCode.LAYOUT)
    checked = all(layout.ids_are_checked for layout in layouts)
    holds_birth = any(layout.ids_hold_birth for layout in layouts)
    compared = comparisons(min(len(layout.extra) for layout in layouts), id_checked=checked, id_holds_birth=holds_birth)
    model = _first_model(engine, compared, parameters)
    id_level = next(len(c.levels) - 1 for c in compared if c.name == "id")
    watch.step(
        "id",
        lambda: link_ids(
            engine,
            compared,
            deduplicate=deduplicate,
            id_holds_birth=holds_birth,
            id_level=id_level,
            id_checked=checked,
            old_forms=not records.layout.ids_are_hashed,
        ),
    )
    if not parameters.deduplicate:
        watch.step("rest", lambda: leave_rest(engine))
        parameters = _stricter(parameters, watch.step("rest", lambda: outside_share(engine)))
    left = "people" if parameters.deduplicate else "rest"
    watch.step("frequencies", lambda: count_people(engine, COINCIDING, left))
    # The model is trained on one thread, in a database of its own, while stages that do not need it go on.
    with ThreadPoolExecutor(1) as beside:
        trained: Future[Model] | None = None
        if parameters.model is None:
            samples = watch.step("train", lambda: draw_samples(engine, compared, parameters))
            trained = beside.submit(train, model, samples, seed=parameters.seed, same_birth=same_birth(engine))
        # Smaller tables hold what is still needed of the records. This frees memory for the later steps.
        engine.keep_only("records", "key")
        if not parameters.deduplicate:
            watch.step(
                "exact_person",
                lambda: link_exact_persons(
                    engine, compared, coincidence=parameters.coincidence, one_to_one=parameters.one_to_one
                ),
            )
            engine.create(
                "unlinked",
                "SELECT r.* FROM rest r WHERE NOT EXISTS (SELECT 1 FROM exact_pairs e WHERE e.record = r.key)",
            )
        scored = parameters.deduplicate or engine.count("unlinked") > 0
        if scored:
            watch.step("probabilistic", lambda: prepare_candidates(engine, compared, parameters))
        if trained is not None:
            model = watch.step("train", trained.result)
    if scored:
        model = watch.step("probabilistic", lambda: predict(engine, model, parameters, id_checked=checked))
    watch.step("resolve", lambda: collect_links(engine, model, parameters, scored=scored))
    return LinkResult(engine, model, _counts(engine), watch.seconds)


def _stricter(parameters: Parameters, outside: float) -> Parameters:
    """Return settings for a file with so many records of others: more evidence for a link, the same for a question."""
    return replace(
        parameters,
        accept=parameters.accept + math.log2(outside),
        coincidence=parameters.coincidence / outside,
    )


def prior_of(people: int) -> float:
    """Return the prior probability that a random record and a random person belong together."""
    return _EXPECTED / max(people, 2)


def _first_model(engine: Engine, compared: tuple[Comparison, ...], parameters: Parameters) -> Model:
    prior = prior_of(engine.count("people"))
    if parameters.model is not None:
        return Model.restored(parameters.model, compared, prior)
    return Model.default(compared, prior)


def _counts(engine: Engine) -> dict[str, int]:
    counts = {"people": engine.count("people"), "records": engine.count("records")}
    by_stage = engine.query("SELECT stage, outcome, count(*) AS n FROM links GROUP BY stage, outcome ORDER BY 1, 2")
    return counts | {f"{row['stage']}_{row['outcome']}": int(row["n"]) for row in by_stage.to_pylist()}


class _Watch:
    """A stopwatch for the steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def step(self, name: str, work: Callable[[], _T]) -> _T:
        start = perf_counter()
        done = work()
        self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start
        return done
