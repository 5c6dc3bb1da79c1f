"""From pairs of all stages to one answer for each record: a link, a question for an officer, or nothing."""

from __future__ import annotations

from certify.registry.linking.engine import Engine
from certify.registry.linking.model import Model
from certify.registry.linking.parameters import Parameters

STAGES = ("id", "exact_person", "probabilistic")
REASONS = {
    "id_conflict": "The id is another's: name and birth date both contradict it.",
    "id_doubt": "Neither name nor birth date bears the id out.",
    "clerical": "The agreement is good but not enough to be sure.",
    "ambiguous": "Two people fit nearly equally well.",
    "person_taken": "Another record fits this person as well or better.",
}
"""Why an officer is asked."""


def gather(engine: Engine, model: Model, parameters: Parameters, *, scored: bool) -> None:
    """Make ``links``: record, person, stage, outcome (link, review), reason, weight, rarity and the levels.

    ``rarity`` is what rare or frequent values add to the weight of the levels. A record has at most one link. Questions
    about an id are dropped when the same record was linked by what else is known of it, but for conflicts: somebody
    should correct the registry.
    """
    names = [c.name for c in model.comparisons]
    parts = [_id_part(model), _exact_part(model)]
    if parameters.deduplicate:
        parts = parts[:1]
    if scored:
        _resolve(engine, parameters)
        parts.append(_scored_part(names, model))
    engine.create("links", " UNION ALL ".join(parts))
    if scored and not parameters.deduplicate:
        engine.create(
            "links_kept",
            "SELECT k.* FROM links k WHERE NOT (k.reason = 'id_doubt' AND k.record IN "
            "(SELECT record FROM resolved_pairs WHERE outcome = 'link'))",
        )
        engine.create("links", "SELECT * FROM links_kept")
    if parameters.one_to_one and not parameters.deduplicate:
        _one_record_each(engine, parameters)


def _id_part(model: Model) -> str:
    others = ", ".join(f"g_{c.name}" for c in model.comparisons if c.name != "id")
    weight = f"({model.weight_sql(skip=('id',))} + {round(_best_id(model), 6)!r})"
    return (
        "SELECT record, person, 'id' AS stage, CASE WHEN points >= 1 THEN 'link' ELSE 'review' END AS outcome, "  # noqa: S608
        "CASE WHEN points >= 1 THEN NULL WHEN g_name = 0 AND g_birth = 0 THEN 'id_conflict' ELSE 'id_doubt' END "
        f"AS reason, CAST({weight} AS DOUBLE) AS weight, CAST(0 AS DOUBLE) AS rarity, {others}, "
        "CAST(3 AS TINYINT) AS g_id FROM id_pairs"
    )


def _best_id(model: Model) -> float:
    return next(model.weight(c, len(c.levels) - 1) for c in model.comparisons if c.name == "id")


def _exact_part(model: Model) -> str:
    others = ", ".join(f"g_{c.name}" for c in model.comparisons if c.name != "id")
    return (
        "SELECT record, person, 'exact_person' AS stage, 'link' AS outcome, NULL AS reason, "  # noqa: S608
        f"CAST({model.weight_sql(skip=('id',))} AS DOUBLE) AS weight, CAST(0 AS DOUBLE) AS rarity, {others}, "
        "CAST(-1 AS TINYINT) AS g_id FROM exact_pairs"
    )


def _resolve(engine: Engine, parameters: Parameters) -> None:
    """Choose the best candidate of each record, if it leads by the margin. When deduplicating every pair stands alone."""
    if parameters.deduplicate:
        engine.create(
            "resolved_pairs",
            "SELECT s.*, CASE WHEN s.weight >= "  # noqa: S608
            f"{parameters.accept!r} THEN 'link' ELSE 'review' END AS outcome, CASE WHEN s.weight >= {parameters.accept!r} "
            "THEN NULL ELSE 'clerical' END AS reason FROM scored_pairs s WHERE NOT EXISTS "
            "(SELECT 1 FROM id_pairs q WHERE q.record = s.record AND q.person = s.person AND q.points >= 1)",
        )
        return
    engine.create(
        "resolved_pairs",
        "SELECT record, person, weight, "  # noqa: S608
        + ", ".join(c for c in engine.columns("scored_pairs") if c.startswith("g_"))
        + f", CASE WHEN weight >= {parameters.accept!r} AND lead >= {parameters.margin!r} THEN 'link' ELSE 'review' END "
        f"AS outcome, CASE WHEN weight < {parameters.accept!r} THEN 'clerical' WHEN lead < {parameters.margin!r} "
        "THEN 'ambiguous' ELSE NULL END AS reason FROM ("
        "SELECT *, row_number() OVER (PARTITION BY record ORDER BY weight DESC, person) AS place, "
        "weight - coalesce(lead(weight) OVER (PARTITION BY record ORDER BY weight DESC, person), -1000.0) AS lead "
        "FROM scored_pairs) x WHERE place = 1",
    )


def _scored_part(names: list[str], model: Model) -> str:
    ordered = [*(n for n in names if n != "id"), "id"]
    levels = ", ".join(f"g_{name}" for name in ordered)
    return (
        f"SELECT record, person, 'probabilistic' AS stage, outcome, reason, CAST(weight AS DOUBLE) AS weight, "  # noqa: S608
        f"CAST(weight - ({model.weight_sql()}) AS DOUBLE) AS rarity, {levels} FROM resolved_pairs"
    )


def _one_record_each(engine: Engine, parameters: Parameters) -> None:
    """Where a person can have one record only, the best keeps the link if it leads; the others go to an officer."""
    several = "SELECT person FROM links WHERE outcome = 'link' GROUP BY person HAVING count(*) > 1"
    engine.create(
        "crowded",
        "SELECT record, person, weight, stage FROM links WHERE outcome = 'link' "  # noqa: S608
        f"AND person IN ({several})",
    )
    if not engine.count("crowded"):
        return
    engine.create(
        "losers",
        "SELECT record, person FROM (SELECT *, row_number() OVER w AS place, weight - coalesce(lead(weight) OVER w, "  # noqa: S608
        "-1000.0) AS lead FROM crowded WINDOW w AS (PARTITION BY person ORDER BY weight DESC, record)) x "
        f"WHERE place > 1 OR lead < {parameters.margin!r}",
    )
    columns = engine.columns("links")
    picked = ", ".join(
        {
            "outcome": "CASE WHEN l.record IS NULL THEN k.outcome ELSE 'review' END AS outcome",
            "reason": "CASE WHEN l.record IS NULL THEN k.reason ELSE 'person_taken' END AS reason",
        }.get(name, f"k.{name}")
        for name in columns
    )
    engine.create(
        "links_single",
        f"SELECT {picked} FROM links k LEFT JOIN losers l ON l.record = k.record AND l.person = k.person "  # noqa: S608
        "AND k.outcome = 'link'",
    )
    engine.create("links", "SELECT * FROM links_single")
