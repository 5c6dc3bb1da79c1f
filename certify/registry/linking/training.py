"""Training of the model with Splink: u's from random rows, m's by expectation maximisation.

For every engine it runs in a small database of its own, on one thread, on samples in a fixed order, so that the same
samples give the same model.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from certify.registry.linking.duckdb_engine import MACROS
from certify.registry.linking.model import Model

if TYPE_CHECKING:
    from splink import Linker

_LEAST_M, _LEAST_U = 5e-4, 1e-9
"""Smallest probabilities: a level that a sample (almost) never shows is still possible."""
_FEWEST = 100
"""Smallest number of rows of a side for training."""
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
    return replace(_learn_m(learnt, samples), trained=True)


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
    merged = {}
    for comparison, entry in zip(model.comparisons, learnt["comparisons"], strict=True):
        levels = [level for level in entry["comparison_levels"] if not level.get("is_null_level")]
        known = model.probabilities[comparison.name]
        pairs = []
        for level, default, (m, u) in zip(levels, comparison.levels, known, strict=True):
            # Ids agree by chance too rarely for a sample, so their u never goes below the default.
            least_u = default.u if comparison.name == "id" else _LEAST_U
            pairs.append(
                (_kept(level.get("m_probability"), m, _LEAST_M), _kept(level.get("u_probability"), u, least_u))
            )
        merged[comparison.name] = tuple(pairs)
    return replace(model, probabilities=merged)


def _kept(trained: object, before: float, least: float) -> float:
    value = float(trained) if isinstance(trained, int | float) and trained > 0 else before
    return float(f"{max(value, least):.{_DIGITS}g}")
