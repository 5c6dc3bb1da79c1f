"""The third stage of linking: Splink compares records without a usable id with the people in the same blocks."""

from __future__ import annotations

import itertools
import logging
import math
from dataclasses import replace

import pyarrow as pa

from certify.registry.linking.agreement import BIRTH_EQUAL, BIRTH_NEAR, DIFFERS, NAME_PLAIN, NAME_SLIP, Comparison
from certify.registry.linking.engine import Engine
from certify.registry.linking.frequency import COINCIDING, count_people, rare_columns
from certify.registry.linking.model import Model
from certify.registry.linking.parameters import Parameters
from certify.registry.linking.places import place_groups, surplus_sql
from certify.registry.linking.training import Samples

_BLOCKS = (
    ("birth", "region"),
    ("birth", "first_word"),
    ("birth", "last_word"),
    ("name_key", "birth_year"),
    ("name_key", "region", "sex"),
    ("name_key", "id_head"),
    ("name_key", "id_tail"),
    ("id_tail", "birth_year"),
    ("id_text",),
)
"""Two rows are compared if they agree on all columns of one block. Each block is small even among ten million people:
some dozens share a birth date and a place, or a name and a year. One typing mistake leaves one half of an id whole."""
_SMALL_BLOCKS = (("birth",), ("name_key",), ("first_word", "birth_year"), ("last_word", "birth_year"), ("id_tail",))
"""Wider blocks for small files, which need fewer agreements."""
_WIDE_BLOCKS = (
    ("first_word",),
    ("last_word",),
    ("birth_year",),
    ("birth_day",),
    ("region",),
    ("first_word", "birth_day"),
    ("last_word", "birth_day"),
    ("first_word", "region"),
    ("last_word", "region"),
    ("birth_year", "region"),
)
"""Blocks that small files have besides, as far as each makes at most ``_AFFORDABLE`` comparisons."""
_AFFORDABLE = 100_000
"""Comparisons that take a tenth of a second."""
_SMALL = 50_000
"""Largest number of people of a small file; the wider blocks then make some dozens of comparisons for each record."""
_RANDOM_ROWS = 5_000
"""Random rows for the u's, more than Splink draws pairs from. They are drawn from forty times as many rows, born on
some of the days, because hashing all keys takes long. Two of them are born on one day far too often, but on near days
as often as others; the share of people with one birth date is counted among all."""
_USUAL_PEOPLE = 10_000.0
"""People from whom on the values of a fund say more about how frequent they are than the usual share does."""
_MOST_LEARNT = 4.0
"""Bits by which the prior of a search for duplicates may move: from one pair in sixty rows to four for each row."""
_ROUNDS = 50
"""Rounds in which the prior is learnt; it then moves by less than a hundredth of a bit."""
_COLUMNS = {
    "birth_year": "substr(birth, 1, 4)",
    "birth_day": "substr(birth, 5, 4)",
    "first_word": "split_part(name_key, ' ', 1)",
    "last_word": "split_part(name_key, ' ', -1)",
    "id_head": "substr(id_text, 1, CAST(floor(length(id_text) / 2) AS INT))",
    "id_tail": "substr(id_text, 1 + CAST(floor(length(id_text) / 2) AS INT))",
}
"""Columns that blocks need besides those that are compared."""


def draw_samples(engine: Engine, compared: tuple[Comparison, ...], parameters: Parameters) -> Samples:
    """Draw the samples for training: random rows for u's; for m's all rows born on some days, and their records by id.

    Days are drawn, so that both rows of a person are in the sample even if the id is wrong. Records that an id links
    with these people are in the sample with any birth date; otherwise no birth date in it would be wrong.

    Args:
        engine: where the tables are.
        compared: what is compared.
        parameters: seed and size of the sample.

    Returns:
        The samples.
    """
    records = "people" if parameters.deduplicate else "records"
    size = max(engine.count(records), engine.count("people"), 1)
    columns = _columns(compared, blocks=False)
    # The smaller set of days is a part of the larger one, so that large tables are searched only once.
    wanted = {"some_days": parameters.sample, "more_days": _RANDOM_ROWS * 40}
    for table, rows in (wanted | {"all_days": max(wanted.values())}).items():
        engine.create(table, f"SELECT birth FROM people_by_birth WHERE {_chosen('birth', parameters, rows / size)}")
    for table in dict.fromkeys(("people", records)):
        born = "birth IN (SELECT birth FROM all_days)" if size > parameters.sample else "1 = 1"
        engine.create(f"near_{table}", engine.few(table, columns, born))
    some = f"birth IN (SELECT birth FROM some_days){' OR birth IS NULL' if size <= parameters.sample else ''}"
    engine.create("sample_people", f"SELECT * FROM near_people WHERE {some}")
    linked = "SELECT record FROM id_pairs WHERE verdict = 'link'"
    theirs = f"{linked} AND person IN (SELECT unique_id FROM sample_people)"

    def random(table: str, known: str) -> pa.Table:
        """Return random rows without those of the random people, which are few except in small files."""
        engine.create(f"more_{table}", f"SELECT * FROM near_{table} WHERE birth IN (SELECT birth FROM more_days)")
        share = _RANDOM_ROWS / max(engine.count(f"more_{table}"), 1)
        chosen = f"SELECT * FROM more_{table} WHERE {_chosen('unique_id', parameters, share)}"
        return engine.query(f"{chosen} {f'AND unique_id NOT IN ({known})' if known else ''} ORDER BY unique_id")

    by_id = f"UNION {engine.few(records, columns, f'key IN ({theirs})')} ORDER BY unique_id"
    if parameters.deduplicate:
        people = engine.query(f"SELECT * FROM sample_people {by_id}")
        return Samples(random("people", linked), None, people, None)
    random_people = random("people", "")
    engine.register("random_people", random_people.select(["unique_id"]))
    return Samples(
        random_people,
        random("records", f"{linked} AND person IN (SELECT unique_id FROM random_people)"),
        engine.query("SELECT * FROM sample_people ORDER BY unique_id"),
        engine.query(f"SELECT * FROM near_records WHERE {some} {by_id}"),
    )


def same_birth(engine: Engine) -> float | None:
    """Return the probability that two people are born on one day; None without birth dates."""
    result = engine.query("SELECT sum(n * n) / (sum(n) * sum(n)) AS u FROM people_by_birth")
    chance: float | None = result["u"][0].as_py()
    return chance


def prepare_candidates(engine: Engine, compared: tuple[Comparison, ...], parameters: Parameters) -> None:
    """Make the tables ``compared_rows`` and ``candidates``, the people that may fit them."""
    rows = "people" if parameters.deduplicate else "unlinked"
    engine.create("compared_rows", f"SELECT {_columns(compared)} FROM {rows}")
    count_people(engine, set(rare_columns(compared)).difference(COINCIDING), "compared_rows")
    if not parameters.deduplicate:
        small = engine.count("people") <= _SMALL
        _find_candidates(engine, compared, () if small else _blocks(compared, small=small), parameters)


def predict(engine: Engine, model: Model, parameters: Parameters, *, id_checked: bool) -> Model:
    """Make ``scored_pairs``: record, person, weight and levels of all pairs with at least the weight ``review``.

    Its column ``firm`` is 1 for pairs that may be linked, and 0 for those that a relative could make.

    Args:
        engine: where the tables are.
        model: the model.
        parameters: thresholds.
        id_checked: whether ids have check digits.

    Returns:
        The model, whose prior fits the pairs that were found if rows are deduplicated.
    """
    from splink import Linker  # noqa: PLC0415 - slow to load

    small = engine.count("people") <= _SMALL
    blocks = _blocks(model.comparisons, small=small)
    if small:
        blocks += _wide_blocks(engine, model.comparisons, deduplicate=parameters.deduplicate)
    api = engine.splink()
    tables = [api.register("compared_rows", dataset_display_name="b_records")]
    if not parameters.deduplicate:
        tables.insert(0, api.register("candidates", dataset_display_name="a_people"))
    rules = [" AND ".join(f"l.{column} = r.{column}" for column in block) for block in blocks]
    link_type = "dedupe_only" if parameters.deduplicate else "link_only"
    settings = model.settings(link_type, engine.name, rules)
    linker = Linker(tables, settings, validate_settings=False, log_level=logging.CRITICAL)
    total = max(engine.count("people"), 1)
    for column in rare_columns(model.comparisons):
        share = f"n / {total}" if parameters.deduplicate else _share_sql(model, column, total)
        engine.create(f"frequency_{column}", f"SELECT {column}, {share} AS tf_{column} FROM people_by_{column}")
        linker.table_management.register_term_frequency_lookup(api.register(f"frequency_{column}"), column)
    most = _MOST_LEARNT if parameters.deduplicate else 0.0
    lowest = parameters.review - max(0.0, math.log2(total * _name_u(model))) - most
    predicted = linker.inference.predict(threshold_match_weight=lowest)
    surplus = surplus_sql(model, place_groups(engine, model.comparisons))
    weight = f"round(match_weight + {_rarity_sql(model)} - ({surplus}), 6)"
    gammas = ", ".join(f"CAST(gamma_{c.name} AS TINYINT) AS g_{c.name}" for c in model.comparisons)
    # Of two rows of one table the smaller key is the person, as in the stages before.
    swapped = "unique_id_l > unique_id_r" if parameters.deduplicate else "source_dataset_l = 'b_records'"
    engine.create(
        "scored_pairs",
        f"SELECT * FROM (SELECT CASE WHEN {swapped} THEN unique_id_l ELSE unique_id_r END AS record, "
        f"CASE WHEN {swapped} THEN unique_id_r ELSE unique_id_l END AS person, {weight} AS weight, {gammas}, "
        f"CASE WHEN {_firm_sql(model.comparisons, id_checked=id_checked)} THEN 1 ELSE 0 END AS firm "
        f"FROM {predicted.physical_name} LEFT JOIN frequency_name_key k ON k.name_key = name_key_l) s "
        f"WHERE weight >= {parameters.review - most!r}",
    )
    if not parameters.deduplicate:
        return model
    more = _learn_prior(engine, model.prior, total * (total - 1) / 2)
    others = ", ".join(name for name in engine.columns("scored_pairs") if name != "weight")
    kept = f"round(weight + {more!r}, 6)"
    engine.create("all_pairs", "SELECT * FROM scored_pairs")
    engine.create(
        "scored_pairs", f"SELECT {others}, {kept} AS weight FROM all_pairs WHERE {kept} >= {parameters.review!r}"
    )
    odds = model.prior / (1 - model.prior) * 2**more
    return replace(model, prior=odds / (1 + odds))


def _share_sql(model: Model, column: str, total: int) -> str:
    """Return the SQL of the share of people with a value, as far as the fund shows it.

    In a fund of twenty people each value is one in twenty, which does not make it frequent: then an equal name would
    weigh less than a mistaken one. So the usual share counts as so many people more.
    """
    usual = next(
        model.probabilities[c.name][place][1]
        for c in model.comparisons
        for place, level in enumerate(c.levels)
        if level.frequency == column
    )
    return f"(n + {_USUAL_PEOPLE * usual!r}) / {total + _USUAL_PEOPLE}"


def _learn_prior(engine: Engine, prior: float, pairs: float) -> float:
    """Return the bits by which the share of true pairs differs from the prior, by expectation maximisation.

    Files that are searched for duplicates have few or many; the weights of the pairs that were found say which.
    """
    bins = engine.query("SELECT round(weight * 4) AS w, count(*) AS n FROM scored_pairs GROUP BY 1 ORDER BY 1")
    found = [(float(row["w"]) / 4, int(row["n"])) for row in bins.to_pylist()]
    before = math.log2(prior / (1 - prior))
    more = 0.0
    for _ in range(_ROUNDS):
        expected = sum(n / (1 + 2.0 ** -(weight + more)) for weight, n in found)
        share = min(max(expected / pairs, prior / 2**_MOST_LEARNT), 0.5)
        more = min(max(math.log2(share / (1 - share)) - before, -_MOST_LEARNT), _MOST_LEARNT)
    return round(more, 6)


def _rarity_sql(model: Model) -> str:
    """Return the SQL of what a rare or frequent name adds where only the keys are equal, which Splink cannot weigh."""
    keys = ", ".join(
        str(len(c.levels) - 1 - place)
        for c in model.comparisons
        for place, level in enumerate(c.levels)
        if level.frequency == "name_key"
    )
    rarer = f"log2({_name_u(model)!r} / k.tf_name_key)"
    return f"CASE WHEN gamma_name IN ({keys}) AND k.tf_name_key > 0 THEN {rarer} ELSE 0.0 END"


def _name_u(model: Model) -> float:
    return model.probabilities["name"][0][1]


def _firm_sql(compared: tuple[Comparison, ...], *, id_checked: bool) -> str:
    """Return the condition under which a pair may be a link, whatever its weight.

    Twins, spouses and a child of the same name share what a family shares. What tells them apart is the written name
    together with the full birth date, or an id with a typing mistake: with check digits, the ids of two people differ
    in more than one place.
    """
    # What is slow stands behind WHEN, as in agreement.py.
    whole = (
        f"CASE WHEN gamma_name >= {NAME_PLAIN} AND gamma_birth = {BIRTH_EQUAL} AND birth_precision_l = 'day' "
        f"AND birth_precision_r = 'day' AND gamma_id <> {DIFFERS} THEN NOT is_brief(name_l) ELSE FALSE END"
    )
    worst = next(len(c.levels) for c in compared if c.name == "id") - 1
    by_id = (
        f"CASE WHEN gamma_id >= {1 if id_checked else worst} AND gamma_name >= {NAME_SLIP} "
        f"AND gamma_birth >= {BIRTH_NEAR} THEN NOT is_brief(name_l) AND NOT is_brief(name_r) "
        "AND (script_of(name_l) = script_of(name_r) OR name_key_l = name_key_r) ELSE FALSE END"
    )
    return f"gamma_sex <> {DIFFERS} AND (({whole}) OR ({by_id}))"


def _blocks(compared: tuple[Comparison, ...], *, small: bool) -> tuple[tuple[str, ...], ...]:
    """Return the blocks; extra columns, such as a line of an address, make blocks with a word of the name.

    In small files they also make blocks with each other: few people there share a street and a town.
    """
    extras = [c.name for c in compared if c.name.startswith("x_")]
    blocks = [*(_SMALL_BLOCKS if small else _BLOCKS)]
    blocks += [(extra, word) for extra in extras for word in ("first_word", "last_word")]
    if small:
        blocks += itertools.pairwise(extras)
    return tuple(blocks)


def _wide_blocks(engine: Engine, compared: tuple[Comparison, ...], *, deduplicate: bool) -> tuple[tuple[str, ...], ...]:
    """Return wider blocks that this file can afford."""
    extras = [(c.name,) for c in compared if c.name.startswith("x_")]
    other = "compared_rows" if deduplicate else "candidates"
    chosen = []
    for block in (*extras, *_WIDE_BLOCKS):
        columns, known = ", ".join(block), " AND ".join(f"{column} IS NOT NULL" for column in block)
        counted = [f"(SELECT {columns}, CAST(count(*) AS DOUBLE) AS n FROM {table} WHERE {known} GROUP BY {columns})"
                   for table in ("compared_rows", other)]  # fmt: skip
        same = " AND ".join(f"a.{column} = b.{column}" for column in block)
        pairs = engine.query(f"SELECT sum(a.n * b.n) AS n FROM {counted[0]} a JOIN {counted[1]} b ON {same}")["n"][0]
        if (pairs.as_py() or 0.0) / (2 if deduplicate else 1) <= _AFFORDABLE:
            chosen.append(block)
    return tuple(chosen)


def _find_candidates(
    engine: Engine, compared: tuple[Comparison, ...], blocks: tuple[tuple[str, ...], ...], parameters: Parameters
) -> None:
    """Make ``candidates``: the people who may be linked and share one of the blocks, if any, with a record.

    So Splink does not process the others.
    """
    people = "people"
    if parameters.one_to_one:
        taken = "SELECT person FROM id_pairs WHERE verdict = 'link' UNION ALL SELECT person FROM exact_pairs"
        free = f"NOT EXISTS (SELECT 1 FROM ({taken}) t WHERE t.person = people.key)"
        engine.create("free_people", engine.few("people", "*", free))
        people = "free_people"
    shares = " OR ".join(
        f"EXISTS (SELECT 1 FROM compared_rows q WHERE {' AND '.join(f'q.{c} = f.{c}' for c in block)})"
        for block in blocks
    )
    engine.create(
        "candidates", f"SELECT * FROM (SELECT {_columns(compared)} FROM {people}) f WHERE {shares or '1 = 1'}"
    )


def _columns(compared: tuple[Comparison, ...], *, blocks: bool = True) -> str:
    columns = list(dict.fromkeys(column for c in compared for column in c.columns))
    return ", ".join(["key AS unique_id", *columns, *(f"{sql} AS {n}" for n, sql in _COLUMNS.items() if blocks)])


def _chosen(column: str, parameters: Parameters, share: float) -> str:
    """Return a condition that holds for about this share of values, the same values on every engine."""
    if share >= 1:
        return "1 = 1"
    limit = f"{int(share * 0xFFFFFFFF):08x}"
    return f"substr(md5({column} || '/{parameters.seed}'), 1, 8) < '{limit}'"
