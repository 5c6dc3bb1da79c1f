"""Splink alone on the same files, for comparison: set up as its documentation advises, at its best threshold.

It gets the columns as they are written, one comparison for each, with the ready-made comparisons of its library. The
threshold is the one with the best F1 against the truth, which no one knows beforehand. So it is a strong opponent.
"""

from __future__ import annotations

import itertools
import logging
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb
import pyarrow as pa

from certify.registry.linking.duckdb_engine import selected_columns
from certify.registry.normalise import Layout

_LOWEST, _HIGHEST, _STEP = -20, 40, 1
"""Match weights that are tried as thresholds, in bits."""
_PAIRS = 1e6
"""Random pairs from which u's are estimated."""


@dataclass(frozen=True, slots=True)
class SplinkAlone:
    """The result of Splink alone.

    Attributes:
        threshold: the match weight with the best F1.
        links: number of pairs at or above it.
        right: number of them that are true.
        precision: share of the links that are true.
        recall: share of the true pairs that were linked.
        f1: the harmonic mean of both.
        seconds: time from the files to the weighed pairs, with training.
    """

    threshold: float
    links: int
    right: int
    precision: float
    recall: float
    f1: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return all values."""
        return asdict(self)


def splink_alone(
    left: Path, right: Path | None, layouts: tuple[Layout, Layout], truth: pa.Table, *, memory: str, threads: int
) -> SplinkAlone:
    """Link with Splink alone.

    Args:
        left: file of people.
        right: file of records; None to look for pairs within the left file.
        layouts: the meaning of the columns of both.
        truth: the true pairs, with the columns ``person`` and ``record``; of duplicates the smaller key first.
        memory: memory that DuckDB may use.
        threads: threads of DuckDB.

    Returns:
        Its figures at the best threshold.

    Raises:
        Invalid: a file cannot be read (``file``).
    """
    from splink import DuckDBAPI, Linker, SettingsCreator  # noqa: PLC0415 - slow to load

    logging.getLogger("splink").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="certify-splink-") as spill:
        config: dict[str, Any] = {"memory_limit": memory, "threads": threads, "temp_directory": spill}
        with duckdb.connect(config=config | {"preserve_insertion_order": False}) as database:
            start = perf_counter()
            columns = _shared_columns(layouts)
            for table, path, side in (("a_people", left, 0), ("b_records", right, 1)):
                if path is not None:
                    names = {"unique_id": layouts[side].key} | {ours: pair[side] for ours, pair in columns.items()}
                    database.execute(f"CREATE TABLE {table} AS {selected_columns(database, path, names)}", [str(path)])
            known = [name for name in columns if _is_known(database, name, right is not None)]
            rules = _rules(known)
            settings = SettingsCreator(
                link_type="dedupe_only" if right is None else "link_only",
                comparisons=[_comparison(name) for name in known],
                blocking_rules_to_generate_predictions=rules,
                retain_intermediate_calculation_columns=False,
                retain_matching_columns=False,
            )
            api = DuckDBAPI(connection=database)
            tables = [api.register(n, dataset_display_name=n) for n in ("a_people", "b_records")[: 1 + bool(right)]]
            linker = Linker(tables, settings, log_level=50)
            _train(linker, known, agreeing=_some_agree(database, known, two=right is not None))
            predicted = linker.inference.predict(threshold_match_weight=_LOWEST).physical_name
            _keep_pairs(database, predicted, deduplicate=right is None)
            seconds = perf_counter() - start
            database.register("truth_pairs", truth)
            return _best(database, truth.num_rows, seconds)


def _shared_columns(layouts: tuple[Layout, Layout]) -> dict[str, tuple[str, str]]:
    """Return the columns that both files have, by our names."""
    one, two = layouts
    columns: dict[str, tuple[str, str]] = {}
    for name in ("id", "birth", "sex", "region"):
        pair = (getattr(one, name), getattr(two, name))
        if all(pair):
            columns["national_id" if name == "id" else name] = pair
    for place, pair in enumerate(zip(one.name, two.name, strict=False)):
        columns[f"name_{place}"] = pair
    for place, pair in enumerate(zip(one.extra, two.extra, strict=False)):
        columns[f"extra_{place}"] = pair
    return columns


def _is_known(database: duckdb.DuckDBPyConnection, column: str, two: bool) -> bool:
    """Tell whether at least a tenth of the rows of each side has a value; Splink cannot train other columns."""
    tables = ("a_people", "b_records") if two else ("a_people",)
    shares = [database.execute(f"SELECT count({column}) / count(*) FROM {table}").fetchall()[0][0] for table in tables]
    return all((share or 0) >= 0.1 for share in shares)


def _comparison(column: str) -> Any:
    import splink.comparison_library as cl  # noqa: PLC0415 - slow to load

    if column.startswith("name"):
        return cl.JaroWinklerAtThresholds(column, [0.92, 0.8]).configure(term_frequency_adjustments=True)
    if column == "birth":
        return cl.LevenshteinAtThresholds(column, [1, 2])
    if column == "national_id":
        return cl.LevenshteinAtThresholds(column, [1])
    if column.startswith("extra"):
        return cl.JaroWinklerAtThresholds(column, [0.88])
    return cl.ExactMatch(column).configure(term_frequency_adjustments=column == "region")


def _rules(columns: list[str]) -> list[Any]:
    from splink import block_on  # noqa: PLC0415 - slow to load

    names = [c for c in columns if c.startswith("name")]
    others = [c for c in columns if c in {"birth", "region"} or c.startswith("extra")]
    rules = [block_on("national_id")] if "national_id" in columns else []
    rules += [block_on("birth")] if "birth" in columns else []
    rules += [block_on(one, two) for one, two in itertools.combinations(names, 2)]
    rules += [block_on(name, other) for name in names for other in others if other != "birth"]
    return rules + [block_on(c) for c in others if c.startswith("extra")]


def _train(linker: Any, columns: list[str], *, agreeing: bool) -> None:
    from splink import block_on  # noqa: PLC0415 - slow to load
    from splink.internals.exceptions import EMTrainingException  # noqa: PLC0415

    names = [c for c in columns if c.startswith("name")]
    certain = [block_on(*names, "birth")] if "birth" in columns and names else []
    certain += [block_on("national_id")] if "national_id" in columns else []
    # Where no pair agrees so well, Splink would take the probability for 0 and fail; its default stays.
    if certain and agreeing:
        linker.training.estimate_probability_two_random_records_match(certain, recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=_PAIRS, seed=1)
    sessions = [(c,) for c in ("national_id", "birth") if c in columns] + [tuple(names)] * bool(names)
    for session in sessions:
        try:
            linker.training.estimate_parameters_using_expectation_maximisation(block_on(*session))
        except EMTrainingException:  # no two rows share these
            continue


def _some_agree(database: duckdb.DuckDBPyConnection, columns: list[str], *, two: bool) -> bool:
    """Tell whether two rows have the same names and birth date, or the same id."""
    whole = [c for c in columns if c.startswith("name") or c == "birth"]
    for chosen in (whole, ["national_id"] if "national_id" in columns else []):
        if not chosen:
            continue
        same = " AND ".join(f"a.{column} = b.{column}" for column in chosen)
        other, once = ("b_records", "") if two else ("a_people", "AND a.unique_id < b.unique_id")
        query = f"SELECT count(*) FROM (SELECT 1 FROM a_people a JOIN {other} b ON {same} {once} LIMIT 1)"
        if database.execute(query).fetchall()[0][0]:
            return True
    return False


def _keep_pairs(database: duckdb.DuckDBPyConnection, predicted: str, *, deduplicate: bool) -> None:
    if deduplicate:
        database.execute(
            "CREATE TABLE weighed AS SELECT least(unique_id_l, unique_id_r) AS person, "
            f"greatest(unique_id_l, unique_id_r) AS record, match_weight AS weight FROM {predicted}"
        )
        return
    person, record = (
        f"CASE WHEN source_dataset_l = 'a_people' THEN unique_id_{one} ELSE unique_id_{two} END"
        for one, two in (("l", "r"), ("r", "l"))
    )
    database.execute(
        f"CREATE TABLE weighed AS SELECT {person} AS person, {record} AS record, match_weight AS weight "
        f"FROM {predicted} QUALIFY row_number() OVER (PARTITION BY record ORDER BY match_weight DESC, person) = 1"
    )


def _best(database: duckdb.DuckDBPyConnection, pairs: int, seconds: float) -> SplinkAlone:
    database.execute(
        "CREATE TABLE told AS SELECT w.weight, t.person IS NOT NULL AS right_pair FROM weighed w "
        "LEFT JOIN truth_pairs t ON t.person = w.person AND t.record = w.record"
    )
    found = []
    for threshold in range(_LOWEST, _HIGHEST + 1, _STEP):
        links, right = database.execute(
            "SELECT count(*), count(*) FILTER (right_pair) FROM told WHERE weight >= ?", [threshold]
        ).fetchall()[0]
        f1 = 2 * right / max(links + pairs, 1)
        found.append(SplinkAlone(threshold, links, right, right / max(links, 1), right / max(pairs, 1), f1, seconds))
    return max(found, key=lambda one: one.f1)
