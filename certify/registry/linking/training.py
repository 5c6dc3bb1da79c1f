"""Training of the model with Splink: u's from random rows, m's by expectation maximisation.

For every engine it runs in a small database of its own, on one thread, on samples in a fixed order, so that the same
samples give the same model.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from certify.registry.linking.agreement import NAME_PART, Comparison
from certify.registry.linking.duckdb_engine import MACROS
from certify.registry.linking.model import Model

if TYPE_CHECKING:
    from splink import Linker

_LEAST_M, _LEAST_U = 5e-4, 1e-9
"""Smallest probabilities: a level that a sample (almost) never shows is still possible."""
_FEWEST = 100
"""Smallest number of rows of a side for training."""
MOST_OF_A_PART = 3.0
"""Bits that a part of a name may add at most. Brothers and sisters born on one day then stay below a link."""
_DIGITS = 6
"""Significant digits that are kept, so that sums in another order give the same model."""
_RANDOM_PAIRS = 2e5
"""Pairs from which u's are estimated. The rarest level without term frequencies (a name that differs by a typing
mistake, u near 5e-4) then occurs some 100 times, which gives it to 10 %, or 0.15 bits."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows for training, with Splink's ``unique_id``. The records are None if rows are deduplicated.

    Attributes:
        random_people: random people, for u's.
        random_records: random records, for u's.
        people: people among whom pairs of one person are likely, for m's.
        records: records of these people, for m's.
    """

    random_people: pa.Table
    random_records: pa.Table | None
    people: pa.Table
    records: pa.Table | None


def train(model: Model, samples: Samples, *, seed: int, same_birth: float | None) -> Model:
    """Train a model; levels that the samples do not show keep their defaults (``agreement.py``).

    Args:
        model: the model before training.
        samples: the rows for training.
        seed: seed of sampling.
        same_birth: probability that two people are born on one day, which the random rows do not show.

    Returns:
        The trained model, or the same model if the samples are too small.
    """
    if not _enough(samples.people, samples.records):
        return model
    # Splink warns about levels that it could not train. They keep their defaults on purpose.
    logging.getLogger("splink").setLevel(logging.ERROR)
    if _enough(samples.random_people, samples.random_records):
        model = _learn_u(model, samples, seed)
    learnt = _with_same_birth(model, same_birth)
    return replace(ordered(_learn_m(learnt, samples)), trained=True)


def _enough(people: pa.Table, records: pa.Table | None) -> bool:
    return all(int(table.num_rows) >= _FEWEST for table in (people, records) if table is not None)


def _learn_u(model: Model, samples: Samples, seed: int) -> Model:
    with _OpenedLinker(model, samples.random_people, samples.random_records, "neither") as opened:
        opened.linker.training.estimate_u_using_random_sampling(max_pairs=_RANDOM_PAIRS, seed=seed)
        return _merged(model, opened.linker.misc.save_model_to_json())


def _with_same_birth(model: Model, chance: float | None) -> Model:
    if not chance:
        return model
    (m, _), *others = model.probabilities["birth"]
    return replace(model, probabilities=model.probabilities | {"birth": ((m, _kept(chance, 0.0, _LEAST_U)), *others)})


def _learn_m(model: Model, samples: Samples) -> Model:
    with _OpenedLinker(model, samples.people, samples.records, "u") as opened:
        shared = _session(opened.linker, "id")
        _session(opened.linker, "name_key", "birth")
        if not shared:
            _session(opened.linker, "name_key")
            _session(opened.linker, "birth")
        return _merged(model, opened.linker.misc.save_model_to_json())


class _OpenedLinker:
    """A linker in a database that exists as long as the ``with`` block."""

    def __init__(self, model: Model, people: pa.Table, records: pa.Table | None, known: str) -> None:
        import duckdb  # noqa: PLC0415 - with Splink below
        from splink import DuckDBAPI, Linker  # noqa: PLC0415 - slow to load

        self._connection = duckdb.connect(config={"threads": 1})
        for macro in MACROS:
            self._connection.execute(macro)
        api = DuckDBAPI(connection=self._connection)
        tables = [api.register(people, dataset_display_name="a_people")]
        if records is not None:
            tables.append(api.register(records, dataset_display_name="b_records"))
        link_type = "dedupe_only" if records is None else "link_only"
        settings = model.settings(link_type, "duckdb", ["l.birth = r.birth"], known=known)
        self.linker = Linker(tables, settings, validate_settings=False, log_level=logging.CRITICAL)

    def __enter__(self) -> _OpenedLinker:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _session(linker: Linker, *columns: str) -> bool:
    from splink import block_on  # noqa: PLC0415 - slow to load
    from splink.internals.exceptions import EMTrainingException  # noqa: PLC0415

    try:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*columns))
    except EMTrainingException:  # no two rows share these
        return False
    return True


def _merged(model: Model, learnt: dict[str, Any]) -> Model:
    """Take what Splink learnt. A level that it leaves out, because nothing in the samples was compared, stays as is."""
    entries = {entry["output_column_name"]: entry["comparison_levels"] for entry in learnt["comparisons"]}
    merged = {}
    for comparison in model.comparisons:
        levels = {level["sql_condition"]: level for level in entries.get(comparison.name, ())}
        pairs = []
        for default, (m, u) in zip(comparison.levels, model.probabilities[comparison.name], strict=True):
            level = levels.get(default.sql, {})
            # Ids agree by chance too rarely for a sample, so their u never goes below the default.
            least_u = default.u if comparison.name == "id" else _LEAST_U
            pairs.append(
                (_kept(level.get("m_probability"), m, _LEAST_M), _kept(level.get("u_probability"), u, least_u))
            )
        merged[comparison.name] = tuple(pairs)
    return replace(model, probabilities=merged)


def ordered(model: Model) -> Model:
    """Return the model with weights in order: a level never weighs more than a better one.

    Where few rows were compared, a mistake may seem to prove more than equality. Such a level keeps its prior, or the
    weight of the better level if that is less; if best and worst are the wrong way round, the whole comparison keeps
    its prior. ``Model.kept`` names them. Levels that the samples did not show lie between their neighbours. Part
    of a name never weighs more than ``MOST_OF_A_PART``, because a whole family has it.
    """
    probabilities, kept = dict(model.probabilities), []
    for comparison in model.comparisons:
        learnt = probabilities[comparison.name]
        prior = tuple((level.m, level.u) for level in comparison.levels)
        seen = {
            place for place, level in enumerate(comparison.levels) if level.ranked and learnt[place] != prior[place]
        }
        usable = _weight(learnt[0]) >= 0 >= _weight(learnt[-1])
        pairs = _descending(learnt, prior, seen) if usable else prior
        if any(pairs[place] != learnt[place] for place in seen):
            kept.append(comparison.name)
        pairs = _between(comparison, pairs, seen)
        if comparison.name == "name":
            part = len(pairs) - 1 - NAME_PART
            m, u = pairs[part]
            pairs = (*pairs[:part], (m, max(u, _of_weight(m, MOST_OF_A_PART))), *pairs[part + 1 :])
        probabilities[comparison.name] = pairs
    return replace(model, probabilities=probabilities, kept=tuple(kept))


_Pairs = tuple[tuple[float, float], ...]


def _descending(learnt: _Pairs, prior: _Pairs, seen: set[int]) -> _Pairs:
    """Return learnt probabilities, with the prior, at most the weight of the level before, where they ascend."""
    made, most = list(learnt), math.inf
    for place in sorted(seen):
        if _weight(made[place]) > most:
            m, u = prior[place]
            made[place] = (m, max(u, _of_weight(m, most)))
        most = _weight(made[place])
    return tuple(made)


def _between(comparison: Comparison, pairs: _Pairs, seen: set[int]) -> _Pairs:
    """Put levels that no sample showed between the weights of those that were seen before and after them."""
    made, most = list(pairs), math.inf
    for place, level in enumerate(comparison.levels):
        if not level.ranked:
            continue
        if place not in seen:
            least = max((_weight(pairs[later]) for later in seen if later > place), default=-math.inf)
            m, _ = pairs[place]
            bits = min(max(_weight(pairs[place]), least), most)
            if bits != _weight(pairs[place]):
                made[place] = (m, _of_weight(m, bits))
        most = min(most, _weight(made[place]))
    return tuple(made)


def _weight(pair: tuple[float, float]) -> float:
    return math.log2(pair[0] / pair[1])


def _of_weight(m: float, bits: float) -> float:
    """Return the u that gives a level with this m so many bits."""
    return float(f"{m / 2**bits:.{_DIGITS}g}")


def _kept(trained: object, before: float, least: float) -> float:
    value = float(trained) if isinstance(trained, int | float) and trained > 0 else before
    return float(f"{max(value, least):.{_DIGITS}g}")
