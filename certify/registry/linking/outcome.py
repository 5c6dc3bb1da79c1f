"""The outcome for each record from the pairs of all stages: a link, a question for an officer, or nothing."""

from __future__ import annotations

from certify.registry.linking.engine import Engine
from certify.registry.linking.model import Model
from certify.registry.linking.parameters import Parameters

STAGES = ("id", "exact_person", "probabilistic")
REASONS = {
    "id_conflict": "The id is one person's, name and birth date are another's.",
    "id_doubt": "Name and birth date confirm the id too little.",
    "id_alone": "Nothing but the id is known.",
    "id_shared": "Several people have this id and fit equally well.",
    "clerical": "The agreement is good but not enough to be sure.",
    "relative": "A relative, such as a twin or a child of the same name, would fit as well.",
    "ambiguous": "Two people fit nearly equally well.",
    "person_taken": "Another record fits this person as well or better.",
}
"""Why an officer is asked, by code."""
_NO_CANDIDATE = -1000.0
"""Stands for the weight of a second candidate that does not exist."""

_SHOWN = 3
"""Number of candidates that an officer is shown."""

_NOT_ASKED_YET = (
    "WHERE outcome = 'link' OR NOT EXISTS (SELECT 1 FROM id_settled i WHERE i.verdict <> 'link' "
    "AND i.record = s.record AND i.person = s.person)"
)
"""Leaves out pairs about which a question is asked already."""


def collect_links(engine: Engine, model: Model, parameters: Parameters, *, scored: bool) -> None:
    """Make ``links``: record, person, stage, outcome (link, review), reason, weight, rarity and the levels.

    ``rarity`` is the weight that rare or frequent values add to that of the levels. A record has at most one link. A
    question about an id is dropped if a later stage linked the record, except for conflicts, because the registry needs
    a correction.

    Args:
        engine: where the tables of the stages are.
        model: the model.
        parameters: thresholds.
        scored: whether the probabilistic stage has run.
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
    """Return the condition that leaves out questions that later stages answered."""
    same_pair = "AND s.person = i.person" if parameters.deduplicate else ""
    return (
        "WHERE verdict IN ('link', 'id_conflict') OR NOT EXISTS (SELECT 1 FROM resolved_pairs s "
        f"WHERE s.record = i.record AND s.outcome = 'link' {same_pair})"
    )


def _resolve(engine: Engine, parameters: Parameters, levels: str) -> None:
    """Link the best candidate of each record if it leads by the margin; otherwise ask about the first few.

    If rows are deduplicated, each pair is judged alone.
    """
    accept, margin = repr(parameters.accept), repr(parameters.margin)
    if parameters.deduplicate:
        engine.create(
            "resolved_pairs",
            f"SELECT record, person, weight, {levels}, CASE WHEN weight >= {accept} AND firm = 1 THEN 'link' "
            f"ELSE 'review' END AS outcome, CASE WHEN weight < {accept} THEN 'clerical' WHEN firm = 0 THEN 'relative' "
            "END AS reason FROM scored_pairs s "
            "WHERE NOT EXISTS (SELECT 1 FROM id_pairs q WHERE q.verdict = 'link' "
            "AND q.record = s.record AND q.person = s.person)",
        )
        return
    engine.create(
        "resolved_pairs",
        f"SELECT record, person, weight, {levels}, "
        f"CASE WHEN best >= {accept} AND ahead >= {margin} AND firm = 1 THEN 'link' ELSE 'review' END AS outcome, "
        f"CASE WHEN ahead < {margin} THEN 'ambiguous' WHEN best < {accept} THEN 'clerical' "
        "WHEN firm = 0 THEN 'relative' END AS reason FROM ("
        "SELECT *, max(weight) OVER (PARTITION BY record) AS best, "
        f"max(weight) OVER (PARTITION BY record) - coalesce(max(CASE WHEN place = 2 THEN weight END) "
        f"OVER (PARTITION BY record), {_NO_CANDIDATE!r}) AS ahead FROM ("
        "SELECT *, row_number() OVER (PARTITION BY record ORDER BY weight DESC, person) AS place "
        "FROM scored_pairs) x) y "
        f"WHERE place = 1 OR (ahead < {margin} AND place <= {_SHOWN} AND weight > best - {margin})",
    )


def _one_record_each(engine: Engine, parameters: Parameters, pairs: str, *, scored: bool) -> str:
    """Return the query of all pairs with at most one link for each person, for feeds with one record a person.

    The best record of a person keeps the link if it leads by the margin; the others go to an officer.
    """
    linked = ["id_pairs WHERE verdict = 'link'", "exact_pairs"]
    if scored:
        # A person who was free at the start of the last stage is in no pair of the first two. If these have as many
        # pairs as there are other people, each person has one, and only the few pairs of the last stage need a search.
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
        f"weight - coalesce(lead(weight) {window}, {_NO_CANDIDATE!r}) AS ahead FROM ({pairs}) x "
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
