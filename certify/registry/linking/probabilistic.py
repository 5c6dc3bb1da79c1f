"""The third stage: records without a usable id, compared by Splink with the people who share a block with them."""

from __future__ import annotations

from certify.registry.linking.agreement import Comparison
from certify.registry.linking.engine import Engine
from certify.registry.linking.model import Model, train
from certify.registry.linking.parameters import Parameters

_BLOCKS = (
    ("birth", "region"),
    ("birth", "first_word"),
    ("birth", "last_word"),
    ("name_key", "birth_year"),
    ("name_key", "region", "sex"),
    ("id_text",),
)
"""Two rows are compared when they agree on all columns of one block. Each block is small even among ten million people:
some dozens share a birth date and a place, or a name and a year."""
_UNCHECKED_BLOCKS = (("first_word", "birth_year"), ("last_word", "birth_year"), ("name_key",))
"""Further blocks for small files, where they cost nothing."""
_SMALL = 50_000


def fit(engine: Engine, model: Model, parameters: Parameters) -> Model:
    """Train the model on a seeded sample: pairs linked by id, and everybody born on some of the days."""
    size = max(engine.count("records"), engine.count("people"), 1)
    days = _chosen("birth", parameters, parameters.sample / size)
    columns = _columns(model.comparisons)
    if parameters.deduplicate:
        return train(model, engine.query(f"SELECT {columns} FROM people WHERE {days} ORDER BY 1"), None, seed=parameters.seed)
    pairs = max(engine.count("id_pairs"), 1)
    some = f"SELECT record, person FROM id_pairs WHERE points >= 1 AND {_chosen('record', parameters, parameters.sample / pairs / 2)}"
    sides = {}
    for table, key in (("people", "person"), ("records", "record")):
        sides[table] = engine.query(
            f"SELECT {columns} FROM {table} WHERE {days} OR key IN (SELECT {key} FROM ({some}) s) ORDER BY 1"  # noqa: S608
        )
    return train(model, sides["people"], sides["records"], seed=parameters.seed)


def predict(engine: Engine, model: Model, parameters: Parameters) -> None:
    """Make ``scored_pairs``: record, person, weight, and a level for each comparison; weights below review are left out."""
    from splink import Linker  # noqa: PLC0415 - slow to load

    blocks = list(_BLOCKS)
    if engine.count("people") <= _SMALL:
        blocks += _UNCHECKED_BLOCKS
    columns = _columns(model.comparisons)
    engine.create("left_rows", f"SELECT {columns} FROM {'people' if parameters.deduplicate else 'unlinked'}")  # noqa: S608
    if not parameters.deduplicate:
        _candidates(engine, columns, blocks, parameters)
    api = engine.splink()
    tables = [api.register("left_rows", dataset_display_name="b_records")]
    if not parameters.deduplicate:
        tables.insert(0, api.register("candidates", dataset_display_name="a_people"))
    rules = [" AND ".join(f"l.{column} = r.{column}" for column in block) for block in blocks]
    link_type = "dedupe_only" if parameters.deduplicate else "link_only"
    linker = Linker(tables, model.settings(link_type, engine.name, rules), validate_settings=False, log_level=50)
    frequent = {level.frequency for c in model.comparisons for level in c.levels if level.frequency}
    total = max(engine.count("people"), 1)
    for column in sorted(frequent):
        engine.create(
            f"frequency_{column}",
            f"SELECT {column}, CAST(count(*) AS DOUBLE) / {total} AS tf_{column} FROM people "  # noqa: S608
            f"WHERE {column} IN (SELECT {column} FROM left_rows) GROUP BY {column}",
        )
        linker.table_management.register_term_frequency_lookup(api.register(f"frequency_{column}"), column)
    found = linker.inference.predict(threshold_match_weight=parameters.review)
    gammas = ", ".join(f"CAST(gamma_{c.name} AS TINYINT) AS g_{c.name}" for c in model.comparisons)
    # Of two rows of one table the smaller key is the person, as in the stages before.
    swapped = "unique_id_l > unique_id_r" if parameters.deduplicate else "source_dataset_l = 'b_records'"
    engine.create(
        "scored_pairs",
        f"SELECT CASE WHEN {swapped} THEN unique_id_l ELSE unique_id_r END AS record, "  # noqa: S608
        f"CASE WHEN {swapped} THEN unique_id_r ELSE unique_id_l END AS person, "
        f"round(match_weight, 6) AS weight, {gammas} FROM {found.physical_name}",
    )


def _candidates(engine: Engine, columns: str, blocks: list[tuple[str, ...]], parameters: Parameters) -> None:
    """Keep of the people only those who share a block with a record: Splink need not carry the others along."""
    free = ""
    if parameters.one_to_one:
        engine.create(
            "taken",
            "SELECT person FROM id_pairs WHERE points >= 1 UNION ALL SELECT person FROM exact_pairs",
        )
        free = " WHERE NOT EXISTS (SELECT 1 FROM taken t WHERE t.person = p.key)"
    engine.create("free_people", f"SELECT {columns} FROM people p{free}")  # noqa: S608
    shares = " OR ".join(
        f"EXISTS (SELECT 1 FROM left_rows q WHERE {' AND '.join(f'q.{c} = p.{c}' for c in block)})" for block in blocks
    )
    engine.create("candidates", f"SELECT * FROM free_people p WHERE {shares}")  # noqa: S608


def _columns(comparisons: tuple[Comparison, ...]) -> str:
    needed = [column for c in comparisons for column in c.columns]
    return (
        "key AS unique_id, " + ", ".join(dict.fromkeys(needed)) + ", substr(birth, 1, 4) AS birth_year, "
        "substr(name_key, 1, strpos(name_key || ' ', ' ') - 1) AS first_word, "
        "substr(name_key, length(name_key) - strpos(reverse(name_key) || ' ', ' ') + 2) AS last_word"
    )


def _chosen(column: str, parameters: Parameters, share: float) -> str:
    """Return a condition that holds for about this share of values, the same ones on every engine."""
    if share >= 1:
        return "1 = 1"
    limit = f"{int(share * 0xFFFFFFFF):08x}"
    return f"substr(md5({column} || '/{parameters.seed}'), 1, 8) < '{limit}'"
