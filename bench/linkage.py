"""Measure speed and quality of linking: ours, Splink alone, and a plain read and join in DuckDB as the lower bound.

python -m bench.linkage --people 1000000 10000000 [--flavour chinese] [--seed 2] [--folder FOLDER] [--json FILE]

For each size a synthetic nation and its register are made, unless the folder has them. Each contestant runs in its own
process, one after the other, on the same files, with the same threads and memory limit. Time counts from the files on
disk to the links in a table, with training. Splink alone is set up as its documentation advises: comparisons with term
frequencies, four blocking rules with the id among them, u by sampling, two EM sessions, prediction, and the best pair
of each record and person; of several thresholds the one with the best F1 counts. Splink asks no officer, so ours is
counted twice: with its links only, and with its questions counted as links too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from certify.registry.linking.evaluation import evaluate_linkage, peak_bytes
from certify.registry.linking.mapping import load_mapping
from certify.registry.linking.open_engine import open_engine

LAYOUTS = {"chinese": "nation.toml", "latin": "nation_latin.toml"}
CONTESTANTS = ("floor", "ours", "splink")
_THRESHOLDS = (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0)


def main() -> None:
    """Run all contestants on all sizes, or one of them as a child."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--flavour", choices=list(LAYOUTS), default="chinese")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=None, help="folder for nations; default: a temporary one")
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", default="6GB")
    parser.add_argument("--json", type=Path, default=None)
    parser.add_argument("--child", choices=CONTESTANTS, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run = {"floor": _floor, "ours": _ours, "splink": _splink}[options.child]
        print(json.dumps(run(options.folder, options)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        root = options.folder or Path(temporary)
        results = [_size(people, root, options) for people in options.people]
    _show(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


def _size(people: int, root: Path, options: argparse.Namespace) -> dict[str, Any]:
    folder = root / f"{options.flavour}-{people}-{options.seed}"
    if not (folder / "register_truth.parquet").exists():
        arguments = ["--people", str(people), "--out", str(folder), "--seed", str(options.seed), "--events", "0"]
        command = [sys.executable, "-m", "fixtures.nation", *arguments, "--flavour", options.flavour]
        subprocess.run(command, check=True, stdout=sys.stderr)
    result: dict[str, Any] = {"people": people, "flavour": options.flavour, "seed": options.seed}
    for contestant in options.only:
        command = [sys.executable, "-m", "bench.linkage", "--child", contestant, "--folder", str(folder)]
        command += ["--flavour", options.flavour, "--threads", str(options.threads), "--memory", options.memory]
        start = time.perf_counter()
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            result[contestant] = {"failed": done.stderr.strip().splitlines()[-1:]}
        else:
            result[contestant] = json.loads(done.stdout) | {"process_seconds": time.perf_counter() - start}
        print(people, contestant, result[contestant], file=sys.stderr)
    return result


def _connect(options: argparse.Namespace, spill: str) -> duckdb.DuckDBPyConnection:
    config = {"threads": options.threads, "memory_limit": options.memory, "temp_directory": spill}
    return duckdb.connect(config=config | {"preserve_insertion_order": False})


def _floor(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as spill, _connect(options, spill) as database:
        start = time.perf_counter()
        database.execute(
            "CREATE TABLE links AS SELECT r.record_id, p.person FROM read_parquet(?) r "
            "JOIN read_parquet(?) p ON r.national_id = p.national_id",
            [str(folder / "register.parquet"), str(folder / "people.parquet")],
        )
        seconds, peak = time.perf_counter() - start, peak_bytes()
        return {"seconds": seconds, "peak_bytes": peak} | _f1(database, folder, "links", "1 = 1")


def _ours(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    mapping = load_mapping(Path(__file__).parent / "linkage_layouts" / LAYOUTS[options.flavour])
    with closing(open_engine("duckdb", memory=options.memory, threads=options.threads)) as engine:
        report = evaluate_linkage(
            engine,
            folder / "people.parquet",
            folder / "register.parquet",
            folder / "register_truth.parquet",
            mapping,
        )
    quality = report.overall
    return {
        "seconds": report.seconds["all"],
        "peak_bytes": report.peak_bytes,
        "precision": quality.precision,
        "recall": quality.recall,
        "f1": quality.f1,
        # Counted like Splink alone, which asks no officer: each question about a pair counts as a link.
        "f1_questions_as_links": 2
        * (quality.right + quality.asked)
        / max(quality.links + quality.questions + quality.pairs, 1),
        "asked": quality.questions,
        "wrong_links": quality.links - quality.right,
        "steps": {name: round(value, 2) for name, value in report.seconds.items()},
    }


def _splink(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    import splink.comparison_library as cl  # noqa: PLC0415 - only this child needs it
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as spill, _connect(options, spill) as database:
        start = time.perf_counter()
        for table, file, key in (("a_people", "people", "person"), ("b_records", "register", "record_id")):
            database.execute(
                f"CREATE TABLE {table} AS SELECT {key} AS unique_id, national_id, name, birth_date::VARCHAR AS birth, "  # noqa: S608 - fixed names
                "sex, region FROM read_parquet(?)",
                [str(folder / f"{file}.parquet")],
            )
        rules: list[Any] = [
            block_on("national_id"),
            block_on("name", "birth"),
            block_on("birth", "region", "sex"),
            block_on("name", "region", "substr(birth, 1, 4)"),
        ]
        settings = SettingsCreator(
            link_type="link_only",
            comparisons=[
                cl.LevenshteinAtThresholds("national_id", [1]),
                cl.LevenshteinAtThresholds("name", [1]).configure(term_frequency_adjustments=True),
                cl.LevenshteinAtThresholds("birth", [1, 2]),
                cl.ExactMatch("sex"),
                cl.ExactMatch("region").configure(term_frequency_adjustments=True),
            ],
            blocking_rules_to_generate_predictions=rules,
            retain_intermediate_calculation_columns=False,
            retain_matching_columns=False,
        )
        api = DuckDBAPI(connection=database)
        tables = [api.register(name, dataset_display_name=name) for name in ("a_people", "b_records")]
        linker = Linker(tables, settings, log_level=50)
        training = linker.training
        training.estimate_probability_two_random_records_match([block_on("national_id")], recall=0.9)
        training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
        training.estimate_parameters_using_expectation_maximisation(block_on("national_id"))
        training.estimate_parameters_using_expectation_maximisation(block_on("name", "birth"))
        predicted = linker.inference.predict(threshold_match_weight=min(_THRESHOLDS)).physical_name
        person, record = (
            f"CASE WHEN source_dataset_l = 'a_people' THEN unique_id_{one} ELSE unique_id_{two} END"
            for one, two in (("l", "r"), ("r", "l"))
        )
        database.execute(
            f"CREATE TABLE links AS SELECT * FROM (SELECT {person} AS person, {record} AS record_id, "  # noqa: S608 - fixed names
            f"match_weight AS weight FROM {predicted}) "
            "QUALIFY row_number() OVER (PARTITION BY record_id ORDER BY weight DESC, person) = 1 "
            "AND row_number() OVER (PARTITION BY person ORDER BY weight DESC, record_id) = 1"
        )
        seconds, peak = time.perf_counter() - start, peak_bytes()
        at = [(_f1(database, folder, "links", f"weight >= {limit}"), limit) for limit in _THRESHOLDS]
        best, threshold = max(at, key=lambda pair: pair[0]["f1"])
        return {"seconds": seconds, "peak_bytes": peak, "threshold": threshold} | best


def _f1(database: duckdb.DuckDBPyConnection, folder: Path, table: str, where: str) -> dict[str, float]:
    truth = str(folder / "register_truth.parquet")
    pairs = database.execute("SELECT count(*) FROM read_parquet(?) WHERE person >= 0", [truth]).fetchall()[0][0]
    links, right = database.execute(
        f"SELECT count(*), count(*) FILTER (t.person = l.person) FROM (SELECT * FROM {table} WHERE {where}) l "  # noqa: S608 - fixed names
        "JOIN read_parquet(?) t ON t.record_id = l.record_id",
        [truth],
    ).fetchall()[0]
    return {
        "precision": right / max(links, 1),
        "recall": right / max(pairs, 1),
        "f1": 2 * right / max(links + pairs, 1),
        "wrong_links": links - right,
    }


def _show(results: list[dict[str, Any]]) -> None:
    table = Table(
        "people", "contestant", "seconds", "x floor", "peak GB", "precision", "recall", "F1", "F1, asked too", "wrong"
    )
    for result in results:
        floor = result.get("floor", {}).get("seconds")
        for name in CONTESTANTS:
            row = result.get(name)
            if row is None or "failed" in row:
                table.add_row(f"{result['people']:,}", name, *(["failed"] if row else ["not run"]))
                continue
            ratio = f"{row['seconds'] / floor:.1f}" if floor else ""
            rates = [f"{row[rate]:.5f}" for rate in ("precision", "recall", "f1")]
            asked = f"{row.get('f1_questions_as_links', row['f1']):.5f}"
            cells = [f"{row['seconds']:.1f}", ratio, f"{row['peak_bytes'] / 1e9:.2f}", *rates, asked]
            cells.append(f"{row['wrong_links']:,}")
            table.add_row(f"{result['people']:,}", name, *cells)
    Console().print(table)


if __name__ == "__main__":
    main()
