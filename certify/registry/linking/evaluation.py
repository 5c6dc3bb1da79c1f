"""How well linking does against the truth: what was found, what was wrong, by stage and by kind of error."""

from __future__ import annotations

import resource
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.linking.engine import Engine, Source
from certify.registry.linking.link import link
from certify.registry.linking.mapping import Mapping, Truth

_PAIRS = "SELECT record, person, stage, outcome, weight FROM links"


@dataclass(frozen=True, slots=True)
class Quality:
    """Links against the truth.

    Attributes:
        pairs: pairs of rows that are one person.
        links: pairs that were linked.
        right: links that are true.
        asked: true pairs about which an officer is asked.
        questions: pairs about which an officer is asked, true or not.
    """

    pairs: int
    links: int
    right: int
    asked: int
    questions: int

    @property
    def precision(self) -> float | None:
        """Share of the links that are true; None when there are none."""
        return self.right / self.links if self.links else None

    @property
    def recall(self) -> float | None:
        """Share of the true pairs that were linked."""
        return self.right / self.pairs if self.pairs else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both."""
        return 2 * self.right / (self.links + self.pairs) if self.links + self.pairs else None

    def to_json(self) -> dict[str, Any]:
        """Return counts and rates."""
        return asdict(self) | {"precision": self.precision, "recall": self.recall, "f1": self.f1}


@dataclass(frozen=True, slots=True)
class LinkageReport:
    """What ``evaluate_linkage`` measured.

    Attributes:
        rows: of the left and of the right file.
        overall: all pairs.
        stages: by stage; ``pairs`` are all true pairs each time, so recalls add up.
        errors: by the kind of error that the truth names for a record ("none" when it names none), if it does.
        living: people of the left file who have no record of their own on the right.
        wrongly_linked: how many of them a record was linked to. Were it a file of deaths, they would be declared dead.
        seconds: of each step of linking, and ``all``.
        peak_bytes: most memory that this process held until it had linked; without what Spark's processes hold.
        parameters: settings with which it was linked, the model among them.
        weights: match weights of right and of wrong pairs, rounded to whole bits, with how many pairs have each.
    """

    rows: tuple[int, int]
    overall: Quality
    stages: dict[str, Quality]
    errors: dict[str, Quality]
    living: int
    wrongly_linked: int
    seconds: dict[str, float]
    peak_bytes: int
    parameters: dict[str, Any]
    weights: dict[str, list[tuple[float, int]]]

    @property
    def false_dead_per_million(self) -> float | None:
        """People linked to somebody else's record, per million who have none of their own."""
        return self.wrongly_linked * 1e6 / self.living if self.living else None

    def to_json(self) -> dict[str, Any]:
        """Return everything but the single weights."""
        return {
            "rows": {"left": self.rows[0], "right": self.rows[1]},
            "overall": self.overall.to_json(),
            "stages": {name: quality.to_json() for name, quality in self.stages.items()},
            "errors": {name: quality.to_json() for name, quality in self.errors.items()},
            "living": self.living,
            "wrongly_linked": self.wrongly_linked,
            "false_dead_per_million_living": self.false_dead_per_million,
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            "peak_bytes": self.peak_bytes,
            "parameters": self.parameters,
        }


def evaluate_linkage(
    engine: Engine, left: Path, right: Path | None, truth: Path | None, mapping: Mapping
) -> LinkageReport:
    """Link two files, or one with itself when ``right`` is None, and compare with the truth.

    Raises:
        Invalid: a file or column is missing, or the truth is.
    """
    if truth is None and mapping.truth.same is None:
        raise Invalid(
            "There is no truth to compare with.", hint="Give --truth, or 'same' in the layout.", code=ErrorCode.TRUTH
        )
    layouts = mapping.layouts()
    people, records = Source(left, layouts[0]), Source(right or left, layouts[1])
    parameters = mapping.parameters(deduplicate=right is None)
    start = perf_counter()
    result = link(engine, people, records, parameters)
    linked, peak = perf_counter() - start, peak_bytes()
    _true_pairs(engine, truth, mapping.truth, deduplicate=right is None)
    _judge(engine, deduplicate=right is None)
    stored = {name: value for name, value in asdict(parameters).items() if name != "model"}
    return LinkageReport(
        rows=(result.counts["people"], result.counts["records"]),
        overall=_overall(engine),
        stages=_by(engine, "stage"),
        errors=_by_error(engine) if mapping.truth.error else {},
        **_wrongly_linked(engine),
        seconds=result.seconds | {"all": linked},
        peak_bytes=peak,
        parameters=stored | {"model": result.model.stored()},
        weights=_weights(engine),
    )


def peak_bytes() -> int:
    """Return the most memory that this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _true_pairs(engine: Engine, path: Path | None, truth: Truth, *, deduplicate: bool) -> None:
    """Make ``truth_rows`` (person, record, error: one row for each record that the truth knows) and ``truth_pairs``."""
    if truth.same is not None:
        for table in ("people", "records"):
            keys = engine.query(f"SELECT key FROM {table}")["key"].combine_chunks()
            same = pc.struct_field(pc.extract_regex(keys, truth.same), "same")
            engine.register(f"truth_{table}", pa.table({"key": keys, "same": same}))
        engine.create(
            "truth_rows",
            "SELECT p.key AS person, r.key AS record, CAST(NULL AS VARCHAR(40)) AS error FROM truth_people p "
            f"JOIN truth_records r ON p.same = r.same {'AND p.key < r.key' if deduplicate else ''}",
        )
        engine.create("truth_pairs", "SELECT person, record, error FROM truth_rows")
        return
    if path is None or truth.left is None or truth.right is None:
        raise Invalid("There is no truth file to read.", code=ErrorCode.TRUTH)
    wanted = {"person": truth.left, "record": truth.right} | ({"error": truth.error} if truth.error else {})
    engine.read("truth_file", path, wanted)
    error = "coalesce(nullif(error, ''), 'none')" if truth.error else "CAST(NULL AS VARCHAR(40))"
    smaller, larger = ("least(person, record)", "greatest(person, record)") if deduplicate else ("person", "record")
    engine.create("truth_rows", f"SELECT {smaller} AS person, {larger} AS record, {error} AS error FROM truth_file")
    # A row whose person is not there says that the record is nobody's.
    engine.create(
        "truth_pairs",
        "SELECT DISTINCT t.person, t.record, t.error FROM truth_rows t "
        "WHERE EXISTS (SELECT 1 FROM people p WHERE p.key = t.person) "
        "AND EXISTS (SELECT 1 FROM records r WHERE r.key = t.record)",
    )


def _judge(engine: Engine, *, deduplicate: bool) -> None:
    """Make ``judged``: each linked or asked pair once, with whether it is true."""
    pairs = _PAIRS
    if deduplicate:
        pairs = (
            "SELECT greatest(record, person) AS record, least(record, person) AS person, stage, outcome, weight "
            "FROM links"
        )
    engine.create(
        "judged",
        "SELECT l.record, l.person, l.stage, l.outcome, l.weight, "
        "CASE WHEN t.record IS NULL THEN 0 ELSE 1 END AS right_pair FROM "
        f"(SELECT record, person, max(stage) AS stage, min(outcome) AS outcome, max(weight) AS weight FROM ({pairs}) x "
        "GROUP BY record, person) l "
        "LEFT JOIN truth_pairs t ON t.record = l.record AND t.person = l.person",
    )


_COUNTS = (
    "sum(CASE WHEN outcome = 'link' THEN 1 ELSE 0 END) AS links, "
    "sum(CASE WHEN outcome = 'link' THEN right_pair ELSE 0 END) AS right_links, "
    "sum(CASE WHEN outcome = 'review' THEN right_pair ELSE 0 END) AS asked, "
    "sum(CASE WHEN outcome = 'review' THEN 1 ELSE 0 END) AS questions"
)


def _quality(row: dict[str, Any], pairs: int) -> Quality:
    counts = {name: int(row[name] or 0) for name in ("links", "right_links", "asked", "questions")}
    return Quality(pairs, counts["links"], counts["right_links"], counts["asked"], counts["questions"])


def _overall(engine: Engine) -> Quality:
    return _quality(engine.query(f"SELECT {_COUNTS} FROM judged").to_pylist()[0], engine.count("truth_pairs"))


def _by(engine: Engine, column: str) -> dict[str, Quality]:
    pairs = engine.count("truth_pairs")
    rows = engine.query(f"SELECT {column}, {_COUNTS} FROM judged GROUP BY {column} ORDER BY {column}")
    return {row[column]: _quality(row, pairs) for row in rows.to_pylist()}


def _by_error(engine: Engine) -> dict[str, Quality]:
    engine.create("record_errors", "SELECT record, min(error) AS error FROM truth_rows GROUP BY record")
    found = {
        row["error"]: row
        for row in engine.query(
            f"SELECT e.error, {_COUNTS} FROM judged j JOIN record_errors e ON e.record = j.record GROUP BY e.error"
        ).to_pylist()
    }
    pairs = engine.query(
        "SELECT e.error, count(t.record) AS n FROM record_errors e LEFT JOIN truth_pairs t ON t.record = e.record "
        "GROUP BY e.error ORDER BY n DESC, e.error"
    )
    nothing = dict.fromkeys(("links", "right_links", "asked", "questions"), 0)
    return {row["error"]: _quality(found.get(row["error"], nothing), int(row["n"])) for row in pairs.to_pylist()}


def _wrongly_linked(engine: Engine) -> dict[str, int]:
    living = "FROM people p WHERE NOT EXISTS (SELECT 1 FROM truth_pairs t WHERE t.person = p.key)"
    count = engine.query(f"SELECT count(*) AS n {living}").to_pylist()[0]["n"]
    wrong = engine.query(
        f"SELECT count(*) AS n {living} AND EXISTS "
        "(SELECT 1 FROM judged j WHERE j.person = p.key AND j.outcome = 'link')"
    ).to_pylist()[0]["n"]
    return {"living": int(count), "wrongly_linked": int(wrong)}


def _weights(engine: Engine) -> dict[str, list[tuple[float, int]]]:
    rows = engine.query(
        "SELECT right_pair, CAST(round(weight) AS DOUBLE) AS weight, count(*) AS n FROM judged "
        "GROUP BY right_pair, round(weight) ORDER BY 1, 2"
    )
    found: dict[str, list[tuple[float, int]]] = {"right": [], "wrong": []}
    for row in rows.to_pylist():
        found["right" if row["right_pair"] else "wrong"].append((row["weight"], row["n"]))
    return found
