"""The two deterministic stages as SQL: an id that something corroborates, and a person nobody else can be."""

from __future__ import annotations

from certify.registry.linking.agreement import BIRTH, NAME, REGION, SEX, Comparison
from certify.registry.linking.engine import Engine

_COMPARED = (NAME, BIRTH, SEX, REGION)


def gammas_sql(comparisons: tuple[Comparison, ...], left: str, right: str) -> str:
    """Return one ``g_...`` column for each comparison of two tables by their aliases."""
    return ", ".join(
        f"CAST({c.gamma_sql(left + '.{column}', right + '.{column}')} AS TINYINT) AS g_{c.name}" for c in comparisons
    )


def points_sql(*, id_holds_birth: bool) -> str:
    """Return how well name and birth date bear out an id; from 1 on they do.

    A full agreement outweighs a contradiction, half an agreement does not. A birth date that the id itself contains is
    half an agreement: people who got the same id by mistake share it.
    """
    birth = 1 if id_holds_birth else 2
    return (
        f"CASE g_birth WHEN 2 THEN {birth} WHEN 1 THEN 1 WHEN 0 THEN -1 ELSE 0 END "
        "+ CASE WHEN g_name >= 3 THEN 2 WHEN g_name = 2 THEN 1 WHEN g_name = 0 THEN -1 ELSE 0 END"
    )


def link_ids(engine: Engine, extras: tuple[Comparison, ...], *, deduplicate: bool, id_holds_birth: bool) -> None:
    """Make ``id_pairs``: rows that share a usable id, with their levels and points; one person for each record.

    A record whose id several people have goes to the one that is borne out best; to nobody when there is a tie.
    """
    once = "AND p.key < r.key" if deduplicate else ""
    gammas = gammas_sql((*_COMPARED, *extras), "p", "r")
    engine.create(
        "id_pairs",
        f"SELECT *, {points_sql(id_holds_birth=id_holds_birth)} AS points FROM (SELECT r.key AS record, "  # noqa: S608
        f"p.key AS person, {gammas} FROM records r JOIN people p ON r.id = p.id {once}) x",
    )
    if deduplicate:
        return
    several = "SELECT id FROM people WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1"
    engine.create(
        "id_shared",
        f"SELECT r.key FROM records r JOIN ({several}) s ON r.id = s.id",  # noqa: S608
    )
    if engine.count("id_shared"):
        order = "points DESC, g_name DESC, g_birth DESC"
        columns = ", ".join(engine.columns("id_pairs"))
        engine.create(
            "id_pairs_chosen",
            "SELECT * FROM id_pairs WHERE record NOT IN (SELECT key FROM id_shared) UNION ALL "  # noqa: S608
            f"SELECT {columns} FROM (SELECT *, row_number() OVER (PARTITION BY record ORDER BY {order}, person) AS place, "
            "count(*) OVER (PARTITION BY record, points, g_name, g_birth) AS ties FROM id_pairs "
            "WHERE record IN (SELECT key FROM id_shared)) x WHERE place = 1 AND ties = 1",
        )
        engine.create("id_pairs", "SELECT * FROM id_pairs_chosen")


def leave_rest(engine: Engine, *, id_checked: bool) -> None:
    """Make ``rest``: records that may still be somebody's.

    Those without a usable id, those whose id was not borne out (their id no longer counts), and, where ids have no
    check digit and a slip goes unseen, those with an id that nobody has. With check digits the last are strangers.
    """
    doubtful = "SELECT record FROM id_pairs WHERE points < 1"
    unknown = (
        ""
        if id_checked
        else " UNION ALL SELECT r.* FROM records r WHERE r.id IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM id_pairs q WHERE q.record = r.key)"
    )
    columns = engine.columns("records")
    without_id = ", ".join("CAST(NULL AS VARCHAR(40)) AS " + c if c in {"id", "id_text"} else c for c in columns)
    shared = " OR r.key IN (SELECT key FROM id_shared WHERE key NOT IN (SELECT record FROM id_pairs))"
    engine.create(
        "rest",
        f"SELECT {', '.join(columns)}, 0 AS doubted FROM (SELECT r.* FROM records r WHERE r.id IS NULL{unknown}) x "  # noqa: S608
        f"UNION ALL SELECT {without_id}, 1 AS doubted FROM records r WHERE r.key IN ({doubtful}){shared}",
    )


def link_exact_persons(engine: Engine, extras: tuple[Comparison, ...], *, coincidence: float, one_to_one: bool) -> None:
    """Make ``exact_pairs``: same name, same full birth date, same sex, one candidate, and no coincidence to be expected.

    How many people share name, birth date and sex (and region, if it agrees) by chance is estimated from how often each
    occurs among all people: Wang Ying is not proof where she who is called Zhuge Qinmei is.
    """
    gammas = gammas_sql((*_COMPARED, *extras), "p", "r")
    engine.create(
        "exact_candidates",
        f"SELECT r.key AS record, p.key AS person, p.name_key, p.birth, p.sex, p.region, {gammas} FROM rest r "  # noqa: S608
        "JOIN people p ON r.name_key = p.name_key AND r.birth = p.birth "
        "WHERE r.doubted = 0 AND r.birth_precision = 'day' AND r.sex IS NOT NULL AND p.sex IS NOT NULL "
        "AND r.sex = p.sex",
    )
    total = max(engine.count("people"), 1)
    names = _share("name_key")
    births = _share("birth")
    regions = "SELECT region, count(*) AS n FROM people GROUP BY region"
    taken = "AND NOT EXISTS (SELECT 1 FROM id_pairs q WHERE q.person = c.person AND q.points >= 1)" if one_to_one else ""
    levels = ", ".join(f"c.g_{x.name}" for x in (*_COMPARED, *extras))
    engine.create(
        "exact_pairs",
        f"SELECT c.record, c.person, {levels} FROM exact_candidates c "  # noqa: S608
        "JOIN (SELECT record FROM exact_candidates GROUP BY record HAVING count(*) = 1) o ON o.record = c.record "
        f"JOIN ({names}) n ON n.name_key = c.name_key JOIN ({births}) b ON b.birth = c.birth "
        f"LEFT JOIN ({regions}) g ON g.region = c.region "
        f"WHERE n.n * b.n * 0.5 / {total} * CASE WHEN c.g_region = 1 THEN g.n / {total} ELSE 1.0 END <= {coincidence!r} "
        f"AND c.g_region <> 0 {taken}",
    )


def _share(column: str) -> str:
    return (
        f"SELECT {column}, count(*) AS n FROM people WHERE {column} IN (SELECT {column} FROM exact_candidates) "  # noqa: S608
        f"GROUP BY {column}"
    )
