"""The two deterministic stages as SQL: a confirmed id, and an exact agreement that fits only one person."""

from __future__ import annotations

from certify.registry.linking.agreement import (
    BIRTH_EQUAL,
    BIRTH_GENERATION,
    DIFFERS,
    NAME_INCOMPLETE,
    NAME_PLAIN,
    NAME_SLIP,
    NAME_SOUNDS,
    Comparison,
)
from certify.registry.linking.engine import Engine
from certify.registry.linking.other_names import find_other_names


def gammas_sql(comparisons: tuple[Comparison, ...], left: str, right: str) -> str:
    """Return one ``g_...`` column for each comparison of two tables by their aliases."""
    return ", ".join(
        f"CAST({c.gamma_sql(left + '.{column}', right + '.{column}')} AS TINYINT) AS g_{c.name}" for c in comparisons
    )


def link_ids(
    engine: Engine,
    comparisons: tuple[Comparison, ...],
    *,
    deduplicate: bool,
    id_holds_birth: bool,
    id_level: int,
    id_checked: bool,
    old_forms: bool,
) -> None:
    """Make ``id_pairs``: rows that share a usable id, their levels, and a verdict: ``link`` or one of the reasons.

    If several people have the id of a record, it is linked with the person whom name and birth date confirm best. If
    two fit equally well, it is linked with neither, and an officer is asked about each.

    Args:
        engine: where the tables ``people`` and ``records`` are.
        comparisons: what is compared.
        deduplicate: whether both tables have the same rows.
        id_holds_birth: whether ids contain the birth date.
        id_level: the level of the same id.
        id_checked: whether ids have check digits.
        old_forms: whether records may have ids in an older form without a check digit.
    """
    levels = ", ".join(f"g_{c.name}" for c in comparisons)
    _join_by_id(engine, comparisons, deduplicate=deduplicate)
    _find_open(engine, deduplicate=deduplicate, id_checked=id_checked, old_forms=old_forms)
    _look_at_unlike(engine, comparisons, id_level=id_level)
    engine.create("id_unclear", f"SELECT * FROM id_looked WHERE NOT ({_CLEAR})")
    _find_better(engine, comparisons)
    find_other_names(engine)
    engine.create(
        "id_judged",
        f"SELECT m.record, m.person, {levels}, {_verdict_sql(id_holds_birth)} AS verdict "
        "FROM id_unclear m LEFT JOIN (SELECT DISTINCT record, person FROM better) b "
        "ON b.record = m.record AND b.person = m.person "
        "LEFT JOIN other_names n ON n.record = m.record AND n.person = m.person",
    )
    clear = f"SELECT record, person, {levels}, 'link' AS verdict FROM id_met WHERE {_CLEAR}"
    judged = f"SELECT record, person, {levels}, verdict FROM id_judged"
    if deduplicate:
        _keep_pairs(engine, clear, judged)
        return
    engine.create("id_crowd", "SELECT record FROM id_joined GROUP BY record HAVING count(*) > 1")
    if engine.count("id_crowd"):
        _choose_among_sharers(engine, levels, f"{clear} UNION ALL {judged}")
        alone = "record NOT IN (SELECT record FROM id_crowd)"
        clear, judged = f"{clear} AND {alone}", f"{judged} WHERE {alone} UNION ALL SELECT * FROM id_chosen"
    asked = f"SELECT DISTINCT record, other AS person, {levels}, 'id_conflict' AS verdict FROM better"
    _keep_pairs(engine, clear, f"{judged} UNION ALL {asked}")


def _join_by_id(engine: Engine, comparisons: tuple[Comparison, ...], *, deduplicate: bool) -> None:
    """Make ``id_joined``: rows that share a usable id, and ``alike`` if name, birth date and sex are exactly the same.

    Nearly all are alike. So the join of millions needs no other spelling and no test for mistakes; only ``id_unlike``,
    the few other pairs, are compared again.
    """
    once = "AND p.key < r.key" if deduplicate else ""
    plain = gammas_sql(_without(comparisons, "id", *_SPELT), "p", "r")
    alike = " AND ".join([*(f"r.{column} = p.{column}" for column in _SPELT), "coalesce(r.sex = p.sex, 1 = 1)"])
    engine.create(
        "id_joined",
        f"SELECT r.key AS record, p.key AS person, {plain}, {alike} AS alike "
        f"FROM people p JOIN records r ON r.id = p.id {once}",
    )
    engine.create("id_unlike", "SELECT record, person FROM id_joined WHERE alike IS NOT TRUE")


def _look_at_unlike(engine: Engine, comparisons: tuple[Comparison, ...], *, id_level: int) -> None:
    """Make ``id_looked`` (all levels of the pairs that are not alike) and ``id_met`` (the levels of all pairs)."""
    known, others = f"CAST({id_level} AS TINYINT) AS g_id", _without(comparisons, "id")
    engine.create("unlike_people", engine.few("people", "*", "key IN (SELECT person FROM id_unlike)"))
    engine.create(
        "id_looked",
        f"SELECT u.record, u.person, r.birth_precision AS precision, {_WEAK} AS weak, "
        f"{gammas_sql(others, 'p', 'r')}, {known} "
        "FROM id_unlike u JOIN unlike_people p ON p.key = u.person JOIN open_records r ON r.key = u.record",
    )
    best = ", ".join(f"CAST({len(c.levels) - 1} AS TINYINT) AS g_{c.name}" for c in comparisons if c.name in _SPELT)
    plain = ", ".join(f"g_{c.name}" for c in _without(comparisons, "id", *_SPELT))
    levels = ", ".join(f"g_{c.name}" for c in comparisons)
    alike = f"SELECT record, person, {best}, {plain}, {known} FROM id_joined WHERE alike"
    engine.define(
        "id_met",
        f"SELECT record, person, {levels} FROM ({alike}) a UNION ALL SELECT record, person, {levels} FROM id_looked",
    )


def _without(comparisons: tuple[Comparison, ...], *names: str) -> tuple[Comparison, ...]:
    return tuple(c for c in comparisons if c.name not in names)


def _keep_pairs(engine: Engine, clear: str, others: str) -> None:
    """Make ``id_pairs`` from ``id_clear``, which are all links, and ``id_settled``, the few that needed a verdict."""
    engine.define("id_clear", clear)
    engine.create("id_settled", others)
    engine.define("id_pairs", "SELECT * FROM id_clear UNION ALL SELECT * FROM id_settled")


_ASSUMED = 10
"""Records that are assumed besides those of a file, half of them about people of the fund: small files show little."""
_CLEAR = f"g_name >= {NAME_SOUNDS} AND g_birth = {BIRTH_EQUAL} AND g_sex <> {DIFFERS}"
"""The agreement that confirms an id without doubt."""
_WEAK = (
    "CASE WHEN is_brief(p.name) OR is_brief(r.name) OR (script_of(p.name) <> script_of(r.name) "
    "AND p.name_key <> r.name_key) THEN 1 ELSE 0 END"
)
"""Whether names that agree say little: initials, and the consonants of another script, are those of relatives too."""
_SPELT = ("name", "birth")
"""Comparisons, and their columns, in which equality is the best level and the other levels are slow to compute."""


def _find_open(engine: Engine, *, deduplicate: bool, id_checked: bool, old_forms: bool) -> None:
    """Make ``open_records``, which an id alone does not settle, and ``namesakes``: people with their names and dates.

    Of ten million rows on each side these are some hundred thousand, and the later steps search only among them.
    """
    unsettled = "key IN (SELECT record FROM id_unlike)"
    if not deduplicate:
        _find_unknown(engine, id_checked=id_checked, old_forms=old_forms)
        unsettled += " OR id IS NULL OR key IN (SELECT key FROM unknown_ids)"
    engine.create("open_records", engine.few("records", "*", unsettled))
    same = "o.name_key = people.name_key AND o.birth = people.birth"
    engine.create("namesakes", engine.few("people", "*", f"EXISTS (SELECT 1 FROM open_records o WHERE {same})"))


def _find_unknown(engine: Engine, *, id_checked: bool, old_forms: bool) -> None:
    """Make ``unknown_ids``: records with an unknown id that may still belong to one of the people.

    Without check digits these are all records with an unknown id, because a typing mistake is not detected. With check
    digits such a record belongs to another person, unless its id is in an older form without a check digit
    (``old_forms``; the text shows it), or a similar person has no usable id.
    """
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
        "SELECT key FROM perhaps_unknown u WHERE NOT EXISTS (SELECT 1 FROM id_joined m WHERE m.record = u.key)",
    )


def _find_better(engine: Engine, comparisons: tuple[Comparison, ...]) -> None:
    """Make ``better``: pairs with one id where another person has exactly the record's name and birth date.

    Ids of twins differ by one digit and get exchanged, and some numbers are given out twice. Then half an agreement
    with the owner of the id proves nothing, and the officer sees both people.
    """
    engine.create(
        "better",
        f"SELECT m.record, m.person, o.key AS other, {gammas_sql(comparisons, 'o', 'r')} FROM id_unclear m "
        "JOIN open_records r ON r.key = m.record JOIN namesakes o ON o.name_key = r.name_key AND o.birth = r.birth "
        f"WHERE NOT (m.g_name = {DIFFERS} AND m.g_birth = {DIFFERS}) AND m.precision = 'day' "
        "AND o.key <> m.person AND o.key <> m.record AND (o.id IS NULL OR o.id <> r.id)",
    )


def _verdict_sql(id_holds_birth: bool) -> str:
    """Return the SQL of the verdict: an id is not a person, so a relative must not fit the record as well.

    Spouses and children have the surname, twins have the birth date too, and clerks take the id of the wrong one. So
    another sex, a birth date beyond a usual mistake, or a given name of its own is a question. So are a name and a
    birth date that both differ a little, as those of a sister, a name that differs by a letter and is one that others
    have, as that of a twin, and initials without the full birth date. Without a comparable name, only a full birth date
    confirms the id, and only if the id itself does not contain it.
    """
    alone = "1 = 0" if id_holds_birth else f"m.g_name < 0 AND m.g_birth = {BIRTH_EQUAL} AND m.precision = 'day'"
    return (
        f"CASE WHEN b.record IS NOT NULL OR (m.g_name = {DIFFERS} AND m.g_birth = {DIFFERS}) THEN 'id_conflict' "
        f"WHEN m.g_sex = {DIFFERS} OR m.g_birth IN ({DIFFERS}, {BIRTH_GENERATION}) THEN 'id_doubt' "
        f"WHEN n.record IS NOT NULL OR (m.weak = 1 AND m.g_name >= 0 AND NOT (m.g_name >= {NAME_SLIP} "
        f"AND m.g_birth = {BIRTH_EQUAL} AND m.precision = 'day')) THEN 'id_doubt' "
        f"WHEN (m.g_name = {NAME_SLIP} AND m.g_birth = {BIRTH_EQUAL}) OR m.g_name >= {NAME_SOUNDS} "
        f"OR (m.g_name = {NAME_INCOMPLETE} AND m.g_birth = {BIRTH_EQUAL} AND m.precision = 'day') OR ({alone}) "
        "THEN 'link' WHEN m.g_name < 0 AND m.g_birth < 0 THEN 'id_alone' ELSE 'id_doubt' END"
    )


def _choose_among_sharers(engine: Engine, levels: str, pairs: str) -> None:
    """Make ``id_chosen``: among people with one id the one who fits best, or, as a question, all who fit best."""
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


def leave_rest(engine: Engine) -> None:
    """Make ``rest``: records that may still belong to one of the people.

    These are records without a usable id, records in ``unknown_ids``, and records whose id nothing confirms
    (``doubted``; their id no longer counts).
    """
    columns = engine.columns("records")
    without_id = ", ".join(f"CAST(NULL AS VARCHAR(40)) AS {c}" if c in {"id", "id_text"} else c for c in columns)
    # Only an officer can decide a conflict in which another person fits, or an id of two people.
    engine.create(
        "doubted",
        "SELECT DISTINCT record FROM id_settled WHERE verdict NOT IN ('link', 'id_shared') "
        "AND record NOT IN (SELECT record FROM better)",
    )
    engine.create(
        "rest",
        f"SELECT {', '.join(columns)}, 0 AS doubted FROM open_records "
        "WHERE id IS NULL OR key IN (SELECT key FROM unknown_ids) "
        f"UNION ALL SELECT {without_id}, 1 AS doubted FROM open_records WHERE key IN (SELECT record FROM doubted)",
    )


def link_exact_persons(
    engine: Engine, comparisons: tuple[Comparison, ...], *, coincidence: float, one_to_one: bool
) -> None:
    """Make ``exact_pairs``: the same written name, full birth date and sex, one candidate, no coincidence expected.

    A name that only sounds the same is not enough: twins are given such names.

    The number of people who share name, birth date and sex (and region, if it agrees) by chance is estimated from the
    frequency of each value among all people (``people_by_...``). So a frequent name like Wang Ying is not a proof, but
    a rare one like Zhuge Qinmei is. The text of an unusable id must not contradict the pair.

    Args:
        engine: where the tables are.
        comparisons: what is compared.
        coincidence: largest expected number of people who share the values by chance.
        one_to_one: whether a person has at most one record.
    """
    engine.create(
        "exact_candidates",
        "SELECT r.key AS record, p.key AS person, p.name_key, p.birth, p.region, "
        f"CASE WHEN is_brief(p.name) THEN 1 ELSE 0 END AS brief, {gammas_sql(comparisons, 'p', 'r')} "
        "FROM rest r JOIN namesakes p ON r.name_key = p.name_key AND r.birth = p.birth AND r.sex = p.sex "
        "WHERE r.doubted = 0 AND r.birth_precision = 'day' AND p.birth_precision = 'day'",
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
    expected = f"n.n * b.n * 0.5 / {total} * CASE WHEN c.g_region = 1 THEN g.n / {total} ELSE 1.0 END"
    engine.create(
        "exact_pairs",
        f"SELECT c.record, c.person, {levels} FROM exact_candidates c "
        "JOIN (SELECT record FROM exact_candidates GROUP BY record HAVING count(*) = 1) o ON o.record = c.record "
        "JOIN people_by_name_key n ON n.name_key = c.name_key JOIN people_by_birth b ON b.birth = c.birth "
        "LEFT JOIN people_by_region g ON g.region = c.region "
        f"WHERE {expected} <= {coincidence!r} AND c.g_name >= {NAME_PLAIN} AND c.g_region <> 0 "
        f"AND c.g_id <> 0 AND c.brief = 0 {taken}",
    )


def outside_share(engine: Engine) -> float:
    """Return how many of the records are about people outside the fund, for each record about one inside.

    A record is taken to be about somebody inside if a person has its id, or its name and birth date. Where most
    records are of others, an agreement by chance is more likely than the frequencies among the people say.

    Args:
        engine: where the tables of ``link_ids`` are.

    Returns:
        The ratio, at least 1: half is assumed until the file shows more.
    """
    counted = engine.query(
        "SELECT sum(CASE WHEN EXISTS (SELECT 1 FROM namesakes n WHERE n.name_key = r.name_key AND n.birth = r.birth) "
        "THEN 1 ELSE 0 END) AS inside, count(*) AS n FROM open_records r "
        "WHERE r.name_key IS NOT NULL AND r.birth IS NOT NULL AND r.key NOT IN (SELECT record FROM id_unlike)"
    ).to_pylist()[0]
    with_id = engine.query("SELECT count(id) AS n FROM records")["n"][0].as_py()
    inside = min(engine.count("id_joined"), with_id) + int(counted["inside"] or 0)
    total = max(with_id + int(counted["n"] or 0), inside)
    share = (inside + _ASSUMED / 2) / (total + _ASSUMED)
    return max(1.0, float((1 - share) / share))
