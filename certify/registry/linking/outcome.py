"""From pairs of all stages to one answer for each record: a link, a question for an officer, or nothing."""

from __future__ import annotations

from certify.registry.linking.engine import Engine
from certify.registry.linking.model import Model
from certify.registry.linking.parameters import Parameters

STAGES = ("id", "exact_person", "probabilistic")
REASONS = {
    "id_conflict": "The id is one person's, name and birth date are another's.",
    "id_doubt": "Too little of name and birth date bears the id out.",
    "id_alone": "Nothing but the id is known.",
    "id_shared": "Several people have this id and fit equally well.",
    "clerical": "The agreement is good but not enough to be sure.",
    "ambiguous": "Two people fit nearly equally well.",
    "person_taken": "Another record fits this person as well or better.",
}
"""Why an officer is asked."""
_NOBODY = -1000.0
"""The weight of a second candidate where there is none."""

_SHOWN = 3
"""So many candidates an officer is shown."""

_NOT_ASKED_YET = (
    "WHERE outcome = 'link' OR NOT EXISTS (SELECT 1 FROM id_settled i WHERE i.verdict <> 'link' "
    "AND i.record = s.record AND i.person = s.person)"
)
"""One question about a pair is enough."""


def gather(engine: Engine, model: Model, parameters: Parameters, *, scored: bool) -> None:
    """Make ``links``: record, person, stage, outcome (link, review), reason, weight, rarity and the levels.

    ``rarity`` is what rare or frequent values add to the weight of the levels. A record has at most one link. A
    question about an id is dropped when the record was linked by what else is known of it, but for conflicts: somebody
    should correct the registry.
    """
    levels = ", ".join(f"g_{c.name}" for c in model.comparisons)
    weight = f"CAST({model.weight_sql()} AS DOUBLE)"
    by_id = (
        "SELECT record, person, 'id' AS stage, CASE WHEN verdict = 'link' THEN 'link' ELSE 'review' END AS outcome, "
        f"CASE WHEN verdict <> 'link' THEN verdict END AS reason, {weight} AS weight, CAST(0 AS DOUBLE) AS rarity, "
        f"{levels} FROM"
    )
    parts = [f"{by_id} id_clear", f"{by_id} id_settled i {_overruled(parameters) if scored else ''}"]
    if not parameters.deduplicate:
        parts.append(
            "SELECT record, person, 'exact_person' AS stage, 'link' AS outcome, CAST(NULL AS VARCHAR(20)) AS reason, "
            f"{weight} AS weight, CAST(0 AS DOUBLE) AS rarity, {levels} FROM exact_pairs"
        )
    if scored:
        _resolve(engine, parameters, levels)
        parts.append(
            "SELECT record, person, 'probabilistic' AS stage, outcome, reason, CAST(weight AS DOUBLE) AS weight, "
            f"CAST(weight AS DOUBLE) - {weight} AS rarity, {levels} FROM resolved_pairs s {_NOT_ASKED_YET}"
        )
    pairs = " UNION ALL ".join(parts)
    if parameters.one_to_one and not parameters.deduplicate:
        pairs = _one_record_each(engine, parameters, pairs, scored=scored)
    engine.create("links", pairs)


def _overruled(parameters: Parameters) -> str:
    """Return the condition that leaves out questions which later stages answered."""
    same_pair = "AND s.person = i.person" if parameters.deduplicate else ""
    return (
        "WHERE verdict IN ('link', 'id_conflict') OR NOT EXISTS (SELECT 1 FROM resolved_pairs s "
        f"WHERE s.record = i.record AND s.outcome = 'link' {same_pair})"
    )


def _resolve(engine: Engine, parameters: Parameters, levels: str) -> None:
    """Choose the best candidate of each record if it leads by the margin, else ask about the first few.

    When deduplicating every pair stands alone.
    """
    accept, margin = repr(parameters.accept), repr(parameters.margin)
    if parameters.deduplicate:
        engine.create(
            "resolved_pairs",
            f"SELECT record, person, weight, {levels}, CASE WHEN weight >= {accept} THEN 'link' ELSE 'review' END "
            f"AS outcome, CASE WHEN weight < {accept} THEN 'clerical' END AS reason FROM scored_pairs s "
            "WHERE NOT EXISTS (SELECT 1 FROM id_pairs q WHERE q.verdict = 'link' "
            "AND q.record = s.record AND q.person = s.person)",
        )
        return
    engine.create(
        "resolved_pairs",
        f"SELECT record, person, weight, {levels}, "
        f"CASE WHEN best >= {accept} AND ahead >= {margin} THEN 'link' ELSE 'review' END AS outcome, "
        f"CASE WHEN ahead < {margin} THEN 'ambiguous' WHEN best < {accept} THEN 'clerical' END AS reason FROM ("
        "SELECT *, max(weight) OVER (PARTITION BY record) AS best, "
        f"max(weight) OVER (PARTITION BY record) - coalesce(max(CASE WHEN place = 2 THEN weight END) "
        f"OVER (PARTITION BY record), {_NOBODY!r}) AS ahead FROM ("
        "SELECT *, row_number() OVER (PARTITION BY record ORDER BY weight DESC, person) AS place "
        "FROM scored_pairs) x) y "
        f"WHERE place = 1 OR (ahead < {margin} AND place <= {_SHOWN} AND weight > best - {margin})",
    )


def _one_record_each(engine: Engine, parameters: Parameters, pairs: str, *, scored: bool) -> str:
    """Where a person can have one record only, the best keeps the link if it leads; the others go to an officer.

    Returns the query of all pairs so changed.
    """
    linked = ["id_pairs WHERE verdict = 'link'", "exact_pairs"]
    if scored:
        # Whoever was free when the last stage began is in no pair of the first two. When these have as many pairs as
        # the others are people, each has one, and only the few pairs of the last stage are left to be searched.
        paired = sum(engine.query(f"SELECT count(*) AS n FROM {each}")["n"][0].as_py() for each in linked)
        taken = engine.count("people") - engine.count("free_people")
        linked = [*(linked if paired > taken else []), "resolved_pairs WHERE outcome = 'link'"]
    persons = " UNION ALL ".join(f"SELECT person FROM {each}" for each in linked)
    engine.create("several", f"SELECT person FROM ({persons}) x GROUP BY person HAVING count(*) > 1")
    if not engine.count("several"):
        return pairs
    window = "OVER (PARTITION BY person ORDER BY weight DESC, record)"
    engine.create(
        "losers",
        f"SELECT record, person FROM (SELECT *, row_number() {window} AS place, "
        f"weight - coalesce(lead(weight) {window}, {_NOBODY!r}) AS ahead FROM ({pairs}) x "
        "WHERE outcome = 'link' AND person IN (SELECT person FROM several)) y "
        f"WHERE place > 1 OR ahead < {parameters.margin!r}",
    )
    levels = ", ".join(f"k.{c}" for c in engine.columns("id_pairs") if c.startswith("g_"))
    return (
        "SELECT k.record, k.person, k.stage, CASE WHEN l.record IS NULL THEN k.outcome ELSE 'review' END AS outcome, "
        "CASE WHEN l.record IS NULL THEN k.reason ELSE 'person_taken' END AS reason, k.weight, k.rarity, "
        f"{levels} FROM ({pairs}) k LEFT JOIN losers l "
        "ON l.record = k.record AND l.person = k.person AND k.outcome = 'link'"
    )
