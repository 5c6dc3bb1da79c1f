"""The two deterministic stages as SQL: an id that something bears out, and a person nobody else can be."""

from __future__ import annotations

from certify.registry.linking.agreement import BIRTH_EQUAL, BIRTH_NEAR, DIFFERS, NAME_SLIP, NAME_SOUNDS, Comparison
from certify.registry.linking.engine import Engine


def gammas_sql(comparisons: tuple[Comparison, ...], left: str, right: str) -> str:
    """Return one ``g_...`` column for each comparison of two tables by their aliases."""
    return ", ".join(
        f"CAST({c.gamma_sql(left + '.{column}', right + '.{column}')} AS TINYINT) AS g_{c.name}" for c in comparisons
    )


def link_ids(
    engine: Engine, comparisons: tuple[Comparison, ...], *, deduplicate: bool, id_holds_birth: bool, id_level: int
) -> None:
    """Make ``id_pairs``: rows that share a usable id, their levels, and a verdict: ``link`` or why not.

    Why not is one of ``outcome.REASONS``.
    A record whose id several people have goes to the one whom name and birth date bear out best; when two do so equally
    well, to nobody, and each is asked about. ``id_level`` is the level of the same id.
    """
    once = "AND p.key < r.key" if deduplicate else ""
    others = tuple(c for c in comparisons if c.name != "id")
    levels = ", ".join(f"g_{c.name}" for c in comparisons)
    engine.create(
        "id_met",
        f"SELECT r.key AS record, p.key AS person, r.birth_precision AS precision, {gammas_sql(others, 'p', 'r')}, "
        f"CAST({id_level} AS TINYINT) AS g_id FROM records r JOIN people p ON r.id = p.id {once}",
    )
    # Most pairs agree in everything and stay where they are; only the others are looked at again.
    engine.create("id_unclear", f"SELECT * FROM id_met WHERE NOT ({_CLEAR})")
    _find_better(engine, comparisons)
    engine.create(
        "id_judged",
        f"SELECT m.record, m.person, {levels}, {_verdict_sql(id_holds_birth)} AS verdict "
        "FROM id_unclear m LEFT JOIN (SELECT DISTINCT record, person FROM better) b "
        "ON b.record = m.record AND b.person = m.person",
    )
    clear = f"SELECT record, person, {levels}, 'link' AS verdict FROM id_met WHERE {_CLEAR}"
    judged = f"SELECT record, person, {levels}, verdict FROM id_judged"
    if deduplicate:
        engine.create("id_settled", judged)
        engine.define("id_pairs", f"{clear} UNION ALL {judged}")
        return
    engine.create("id_crowd", "SELECT record FROM id_met GROUP BY record HAVING count(*) > 1")
    if engine.count("id_crowd"):
        _choose_among_sharers(engine, levels, f"{clear} UNION ALL {judged}")
        alone = "record NOT IN (SELECT record FROM id_crowd)"
        clear, judged = f"{clear} AND {alone}", f"{judged} WHERE {alone} UNION ALL SELECT * FROM id_chosen"
    asked = f"SELECT DISTINCT record, other AS person, {levels}, 'id_conflict' AS verdict FROM better"
    engine.create("id_settled", f"{judged} UNION ALL {asked}")
    engine.define("id_pairs", f"{clear} UNION ALL SELECT * FROM id_settled")


_CLEAR = f"g_name >= {NAME_SOUNDS} AND g_birth = {BIRTH_EQUAL}"
"""What bears an id out without a doubt."""


def _find_better(engine: Engine, comparisons: tuple[Comparison, ...]) -> None:
    """Make ``better``: pairs of one id where somebody else has exactly the record's name and birth date.

    Twins' ids are one apart and get exchanged; numbers are given out twice. Then half an agreement with the owner of
    the id proves nothing, and the officer sees both.
    """
    engine.create(
        "better",
        f"SELECT m.record, m.person, o.key AS other, {gammas_sql(comparisons, 'o', 'r')} FROM id_unclear m "
        "JOIN records r ON r.key = m.record JOIN people o ON o.name_key = r.name_key AND o.birth = r.birth "
        f"WHERE NOT (m.g_name = {DIFFERS} AND m.g_birth = {DIFFERS}) AND m.precision = 'day' "
        "AND o.key <> m.person AND o.key <> m.record AND (o.id IS NULL OR o.id <> r.id)",
    )


def _verdict_sql(id_holds_birth: bool) -> str:
    """Return the verdict: a full agreement outweighs a contradiction, half an agreement does not.

    Half an agreement is a birth date that the id itself contains (people who got the same id by mistake share it) or
    of which only the year is known.
    """
    whole = 1 if id_holds_birth else 2
    points = (
        f"CASE WHEN m.g_birth = {BIRTH_EQUAL} AND m.precision = 'day' THEN {whole} "
        f"WHEN m.g_birth >= {BIRTH_NEAR} THEN 1 WHEN m.g_birth = {DIFFERS} THEN -1 ELSE 0 END "
        f"+ CASE WHEN m.g_name >= {NAME_SOUNDS} THEN 2 WHEN m.g_name = {NAME_SLIP} THEN 1 "
        f"WHEN m.g_name = {DIFFERS} THEN -1 ELSE 0 END"
    )
    return (
        f"CASE WHEN b.record IS NOT NULL OR (m.g_name = {DIFFERS} AND m.g_birth = {DIFFERS}) THEN 'id_conflict' "
        f"WHEN {points} >= 1 THEN 'link' WHEN m.g_name < 0 AND m.g_birth < 0 THEN 'id_alone' ELSE 'id_doubt' END"
    )


def _choose_among_sharers(engine: Engine, levels: str, pairs: str) -> None:
    """Make ``id_chosen``: of people with one id the one who fits best, or all who fit best, as a question."""
    linked = "CASE WHEN verdict = 'link' THEN 1 ELSE 0 END"
    engine.create(
        "id_ranked",
        f"SELECT *, rank() OVER (PARTITION BY record ORDER BY {linked} DESC, g_name DESC, g_birth DESC) AS place, "
        f"count(*) OVER (PARTITION BY record, {linked}, g_name, g_birth) AS ties "
        f"FROM ({pairs}) x WHERE record IN (SELECT record FROM id_crowd)",
    )
    engine.create(
        "id_chosen",
        f"SELECT record, person, {levels}, CASE WHEN ties > 1 THEN 'id_shared' ELSE verdict END AS verdict "
        "FROM id_ranked WHERE place = 1",
    )


def leave_rest(engine: Engine, *, id_checked: bool, old_forms: bool) -> None:
    """Make ``rest``: records that may still be somebody's.

    Those without a usable id, and those whose id nothing bears out (``doubted``; their id no longer counts). Of those
    with an id that nobody has: all where ids have no check digit, for a slip goes unseen there. With check digits they
    are strangers, unless their id came in an older form without one (``old_forms``: its text tells), or somebody like
    them has no usable id.
    """
    _find_unknown(engine, id_checked=id_checked, old_forms=old_forms)
    columns = engine.columns("records")
    without_id = ", ".join(f"CAST(NULL AS VARCHAR(40)) AS {c}" if c in {"id", "id_text"} else c for c in columns)
    # A conflict in which somebody else fits, or an id of two people, is a question that no machine answers.
    engine.create(
        "doubted",
        "SELECT DISTINCT record FROM id_pairs WHERE verdict NOT IN ('link', 'id_shared') "
        "AND record NOT IN (SELECT record FROM better)",
    )
    engine.create(
        "rest",
        f"SELECT {', '.join(columns)}, 0 AS doubted FROM records WHERE id IS NULL "
        f"UNION ALL SELECT {', '.join(columns)}, 0 AS doubted FROM records WHERE key IN (SELECT key FROM unknown_ids) "
        f"UNION ALL SELECT {without_id}, 1 AS doubted FROM records WHERE key IN (SELECT record FROM doubted)",
    )


def _find_unknown(engine: Engine, *, id_checked: bool, old_forms: bool) -> None:
    """Make ``unknown_ids``: records with an id that nobody has but that may be somebody's all the same."""
    may_be = "id IS NOT NULL"
    if id_checked:
        engine.create("people_without_id", "SELECT name_key, birth, region FROM people WHERE id IS NULL")
        conditions = ["length(id_text) <> length(id)"] if old_forms else []
        if engine.count("people_without_id"):
            conditions += [
                "EXISTS (SELECT 1 FROM people_without_id w WHERE w.birth = r.birth AND w.region = r.region)",
                "EXISTS (SELECT 1 FROM people_without_id w WHERE w.name_key = r.name_key)",
            ]
        may_be += f" AND ({' OR '.join(conditions) or '1 = 0'})"
    engine.create("perhaps_unknown", f"SELECT key FROM records r WHERE {may_be}")
    engine.create(
        "unknown_ids",
        "SELECT key FROM perhaps_unknown u WHERE NOT EXISTS (SELECT 1 FROM id_met m WHERE m.record = u.key)",
    )


def link_exact_persons(
    engine: Engine, comparisons: tuple[Comparison, ...], *, coincidence: float, one_to_one: bool
) -> None:
    """Make ``exact_pairs``: same name, full birth date and sex, one candidate, and no coincidence to be expected.

    How many people share name, birth date and sex (and region, if it agrees) by chance is estimated from how often each
    occurs among all people: Wang Ying is not proof where she who is called Zhuge Qinmei is. What is left of an id must
    not speak against it.
    """
    engine.create(
        "exact_candidates",
        f"SELECT r.key AS record, p.key AS person, p.name_key, p.birth, p.region, {gammas_sql(comparisons, 'p', 'r')} "
        "FROM rest r JOIN people p ON r.name_key = p.name_key AND r.birth = p.birth AND r.sex = p.sex "
        "WHERE r.doubted = 0 AND r.birth_precision = 'day'",
    )
    total = max(engine.count("people"), 1)
    taken = ""
    if one_to_one:
        engine.create(
            "exact_taken",
            "SELECT person FROM id_pairs WHERE verdict = 'link' AND person IN (SELECT person FROM exact_candidates)",
        )
        taken = "AND NOT EXISTS (SELECT 1 FROM exact_taken q WHERE q.person = c.person)"
    levels = ", ".join(f"c.g_{x.name}" for x in comparisons)
    expected = f"n.n * b.n * 0.5 / {total} * CASE WHEN c.g_region = 1 THEN CAST(g.n AS DOUBLE) / {total} ELSE 1.0 END"
    engine.create(
        "exact_pairs",
        f"SELECT c.record, c.person, {levels} FROM exact_candidates c "
        "JOIN (SELECT record FROM exact_candidates GROUP BY record HAVING count(*) = 1) o ON o.record = c.record "
        f"JOIN ({_share('name_key')}) n ON n.name_key = c.name_key JOIN ({_share('birth')}) b ON b.birth = c.birth "
        f"LEFT JOIN ({_share('region')}) g ON g.region = c.region "
        f"WHERE {expected} <= {coincidence!r} AND c.g_region <> 0 AND c.g_id <> 0 {taken}",
    )


def _share(column: str) -> str:
    return (
        f"SELECT {column}, CAST(count(*) AS DOUBLE) AS n FROM people "
        f"WHERE {column} IN (SELECT {column} FROM exact_candidates) GROUP BY {column}"
    )
