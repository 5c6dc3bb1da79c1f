"""Evaluation of linking against the truth: right and wrong links, by stage and by kind of error."""

from __future__ import annotations

import itertools
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
from certify.registry.linking.groups import join_rows
from certify.registry.linking.link import link
from certify.registry.linking.mapping import Mapping, Truth

_PAIRS = "SELECT record, person, stage, outcome, weight FROM links"


@dataclass(frozen=True, slots=True)
class Quality:
    """Counts of links against the truth.

    Attributes:
        pairs: number of pairs of rows that are one person.
        links: number of pairs that were linked.
        right: number of links that are true.
        asked: number of true pairs about which an officer is asked.
        questions: number of pairs about which an officer is asked, true or not.
    """

    pairs: int
    links: int
    right: int
    asked: int
    questions: int

    @property
    def precision(self) -> float | None:
        """Return the share of the links that are true; None without links."""
        return self.right / self.links if self.links else None

    @property
    def recall(self) -> float | None:
        """Return the share of the true pairs that were linked; None without true pairs."""
        return self.right / self.pairs if self.pairs else None

    @property
    def f1(self) -> float | None:
        """Return the harmonic mean of precision and recall; None without pairs."""
        return 2 * self.right / (self.links + self.pairs) if self.links + self.pairs else None

    @property
    def f1_with_questions(self) -> float | None:
        """Return the F1 if each question is taken for a link, as a program that asks no one counts."""
        total = self.links + self.questions + self.pairs
        return 2 * (self.right + self.asked) / total if total else None

    def to_json(self) -> dict[str, Any]:
        """Return counts and rates."""
        rates = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return asdict(self) | rates | {"f1_with_questions": self.f1_with_questions}


@dataclass(frozen=True, slots=True)
class People:
    """Counts of people instead of pairs: who has several records is found by one of them.

    Attributes:
        known: number of people who have a record of their own.
        found: number of them to whom one of their own records was linked.
        asked: number of the others about one of whose own records an officer is asked.
    """

    known: int
    found: int
    asked: int

    def to_json(self) -> dict[str, Any]:
        """Return counts and the share of the people who were found."""
        return asdict(self) | {"recall": self.found / self.known if self.known else None}


@dataclass(frozen=True, slots=True)
class LinkageReport:
    """The result of ``evaluate_linkage``.

    Attributes:
        rows: numbers of rows of the left and of the right file.
        overall: counts of all pairs.
        people: counts of people.
        clusters: counts of the pairs within the groups of rows that links join, directly or through others; None unless
            asked for.
        stages: counts by stage; each has all true pairs, so that recalls add up.
        errors: counts by the kind of error that the truth names for a record ("none" if it names none); empty if the
            truth has no such column.
        living: number of people of the left file who have no record of their own on the right.
        wrongly_linked: number of these people to whom a record was linked. With a file of deaths they would be declared
            dead.
        seconds: time of each step of linking, and ``all``.
        peak_bytes: largest memory of this process until the end of linking, without the processes of Spark.
        parameters: settings of the linking, with the model.
        weights: match weights of right and of wrong pairs, rounded to whole bits, with the number of pairs of each.
    """

    rows: tuple[int, int]
    overall: Quality
    people: People
    clusters: Quality | None
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
        """Return the people linked to another person's record, per million who have no record of their own."""
        return self.wrongly_linked * 1e6 / self.living if self.living else None

    def to_json(self) -> dict[str, Any]:
        """Return everything but the weights."""
        return {
            "rows": {"left": self.rows[0], "right": self.rows[1]},
            "overall": self.overall.to_json(),
            "people": self.people.to_json(),
            "clusters": self.clusters.to_json() if self.clusters else None,
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
    engine: Engine, left: Path, right: Path | None, truth: Path | None, mapping: Mapping, *, clusters: bool = False
) -> LinkageReport:
    """Link two files, or one file with itself, and compare the links with the truth.

    Args:
        engine: where it runs.
        left: file of people.
        right: file of records; None to look for pairs within the left file.
        truth: file of true pairs; None if the mapping has a pattern of keys.
        mapping: the meaning of the columns.
        clusters: whether groups of rows are counted too.

    Returns:
        The report. The table ``truth_pairs`` stays in the engine.

    Raises:
        Invalid: a file cannot be read (``file``), a column is missing (``column_missing``), or there is no truth
            (``truth``).
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
        people=_people(engine),
        clusters=_clusters(engine) if clusters else None,
        stages=_by(engine, "stage"),
        errors=_by_error(engine) if mapping.truth.error else {},
        **_wrongly_linked(engine),
        seconds=result.seconds | {"all": linked},
        peak_bytes=peak,
        parameters=stored | {"model": result.model.stored()},
        weights=_weights(engine),
    )


def peak_bytes() -> int:
    """Return the largest memory of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _true_pairs(engine: Engine, path: Path | None, truth: Truth, *, deduplicate: bool) -> None:
    """Make ``truth_rows`` (person, record, error: one row for each record in the truth) and ``truth_pairs``."""
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
    # A row whose person does not exist says that the record belongs to no person.
    engine.create(
        "truth_pairs",
        "SELECT DISTINCT t.person, t.record, t.error FROM truth_rows t "
        "WHERE EXISTS (SELECT 1 FROM people p WHERE p.key = t.person) "
        "AND EXISTS (SELECT 1 FROM records r WHERE r.key = t.record)",
    )


def _judge(engine: Engine, *, deduplicate: bool) -> None:
    """Make ``judged``: each linked or asked pair once, and whether it is true."""
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


def _people(engine: Engine) -> People:
    mine = "FROM judged j WHERE j.person = t.person AND j.right_pair = 1 AND j.outcome"
    row = engine.query(
        f"SELECT count(*) AS known, sum(CASE WHEN EXISTS (SELECT 1 {mine} = 'link') THEN 1 ELSE 0 END) AS found, "
        f"sum(CASE WHEN EXISTS (SELECT 1 {mine} = 'review') AND NOT EXISTS (SELECT 1 {mine} = 'link') "
        "THEN 1 ELSE 0 END) AS asked FROM (SELECT DISTINCT person FROM truth_pairs) t"
    ).to_pylist()[0]
    return People(int(row["known"]), int(row["found"] or 0), int(row["asked"] or 0))


def _clusters(engine: Engine) -> Quality:
    """Count the pairs within groups: those that links join, and those that questions join to them.

    Of the questions only those count that are more likely right than wrong, because one wrong pair joins two groups.
    """
    truth = {(row["person"], row["record"]) for row in engine.query("SELECT * FROM truth_pairs").to_pylist()}
    linked = _joined_pairs(engine, "outcome = 'link'")
    asked = _joined_pairs(engine, "outcome = 'link' OR weight >= 0") - linked
    return Quality(len(truth), len(linked), len(linked & truth), len(asked & truth), len(asked))


def _joined_pairs(engine: Engine, where: str) -> set[tuple[str, str]]:
    """Return all pairs of rows that chains of pairs join, the smaller key first."""
    edges = engine.query(f"SELECT person, record FROM judged WHERE {where}").to_pylist()
    return {pair for group in join_rows((edge["person"], edge["record"]) for edge in edges)
            for pair in itertools.combinations(group, 2)}  # fmt: skip


def _by(engine: Engine, column: str) -> dict[str, Quality]:
    pairs = engine.count("truth_pairs")
    rows = engine.query(f"SELECT {column}, {_COUNTS} FROM judged GROUP BY {column} ORDER BY {column}")
    return {row[column]: _quality(row, pairs) for row in rows.to_pylist()}


def _by_error(engine: Engine) -> dict[str, Quality]:
    engine.create("record_errors", "SELECT record, min(error) AS error FROM truth_rows GROUP BY record")
    by_error = {
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
    return {row["error"]: _quality(by_error.get(row["error"], nothing), int(row["n"])) for row in pairs.to_pylist()}


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
    weights: dict[str, list[tuple[float, int]]] = {"right": [], "wrong": []}
    for row in rows.to_pylist():
        weights["right" if row["right_pair"] else "wrong"].append((row["weight"], row["n"]))
    return weights
