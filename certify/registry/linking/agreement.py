"""Levels of agreement between two values, as SQL that all stages and the probabilistic model share.

Levels count upward from 0 (the values differ); -1 is *not assessed*: a value is missing, which proves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DIFFERS = 0
BIRTH_EQUAL, BIRTH_NEAR = 2, 1
NAME_SOUNDS, NAME_SLIP = 3, 2
"""Levels that the rules use; at ``NAME_SOUNDS`` and above the name is the same."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level of agreement.

    Attributes:
        sql: its condition; conditions are tried from the first level to the last.
        says: its words for an officer.
        m: share of true pairs with this level, before any training.
        u: share of other pairs with this level, before any training. Both come from the error rates that statistical
            offices report of civil registers, rounded, and from the number of possible values.
        frequency: the column whose rare values count for more.
    """

    sql: str
    says: str
    m: float
    u: float
    frequency: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of one property of two rows.

    Attributes:
        name: name of the property.
        columns: the columns that it needs.
        missing: SQL condition under which it is not assessed.
        levels: the levels, from the best down to "else".
    """

    name: str
    columns: tuple[str, ...]
    missing: str
    levels: tuple[Level, ...]

    def gamma_sql(self, left: str = "{column}_l", right: str = "{column}_r") -> str:
        """Return the SQL expression of the level; ``left`` and ``right`` are patterns for the columns of both sides."""
        cases = [f"WHEN {self.missing} THEN -1"]
        for place, level in enumerate(self.levels[:-1]):
            cases.append(f"WHEN {level.sql} THEN {len(self.levels) - 1 - place}")
        text = f"CASE {' '.join(cases)} ELSE 0 END"
        sides = {"l": left, "r": right}
        names = "|".join(sorted(self.columns, key=len, reverse=True))
        return re.sub(rf"\b({names})_([lr])\b", lambda match: sides[match[2]].format(column=match[1]), text)

    def level(self, gamma: int) -> Level:
        """Return the level of a gamma of 0 or more."""
        return self.levels[len(self.levels) - 1 - gamma]


NAME = Comparison(
    "name",
    ("name_key", "name"),
    "name_l IS NULL OR name_r IS NULL",
    (
        Level("name_l = name_r", "the same name", 0.93, 2e-5, "name"),
        Level("name_key_l = name_key_r", "the same name in another spelling or script", 0.02, 1e-4, "name_key"),
        Level(
            # One letter; letters, syllables or words in another order; words joined; or one of several words missing.
            "levenshtein(name_key_l, name_key_r) <= 1 "
            "OR (length(name_key_l) = length(name_key_r) AND same_letters(name_key_l, name_key_r)) "
            "OR replace(name_key_l, ' ', '') = replace(name_key_r, ' ', '') "
            # Two words of two make the same key, because its words are sorted, so they need no test here.
            "OR (word_count(name_key_l) + word_count(name_key_r) > 4 AND shared_words(name_key_l, name_key_r) >= 2 "
            "AND shared_words(name_key_l, name_key_r) = least(word_count(name_key_l), word_count(name_key_r)))",
            "a name that differs by a typing mistake",
            0.03,
            5e-4,
        ),
        Level(
            "shared_words(name_key_l, name_key_r) >= "
            "greatest(1, least(word_count(name_key_l), word_count(name_key_r)) - 1) "
            "OR levenshtein(name_key_l, name_key_r) * 4 <= greatest(length(name_key_l), length(name_key_r))",
            "a part of the name is the same",
            0.018,
            0.06,
        ),
        Level("ELSE", "another name", 0.002, 0.94),
    ),
)

BIRTH = Comparison(
    "birth",
    ("birth", "birth_precision"),
    "birth_l IS NULL OR birth_r IS NULL",
    (
        Level("birth_l = birth_r", "the same birth date", 0.97, 6e-5, "birth"),
        Level(
            # Mistakes of clerks: one digit, day and month exchanged, or only the year, or year and month, known.
            "levenshtein(birth_l, birth_r) = 1 "
            "OR (substr(birth_l, 1, 4) = substr(birth_r, 1, 4) AND substr(birth_l, 5, 2) = substr(birth_r, 7, 2) "
            "AND substr(birth_l, 7, 2) = substr(birth_r, 5, 2)) "
            "OR (substr(birth_l, 1, 4) = substr(birth_r, 1, 4) "
            "AND (birth_precision_l = 'year' OR birth_precision_r = 'year')) "
            "OR (substr(birth_l, 1, 6) = substr(birth_r, 1, 6) "
            "AND (birth_precision_l = 'month' OR birth_precision_r = 'month'))",
            "a birth date that differs by a usual mistake",
            0.025,
            4e-3,
        ),
        Level("ELSE", "another birth date", 0.005, 0.996),
    ),
)

SEX = Comparison(
    "sex",
    ("sex",),
    "sex_l IS NULL OR sex_r IS NULL",
    (Level("sex_l = sex_r", "the same sex", 0.998, 0.5), Level("ELSE", "the other sex", 0.002, 0.5)),
)

REGION = Comparison(
    "region",
    ("region",),
    "region_l IS NULL OR region_r IS NULL",
    (
        Level("region_l = region_r", "the same region", 0.9, 0.02, "region"),
        Level("ELSE", "another region", 0.1, 0.98),
    ),
)


def id_comparison(*, checked: bool, holds_birth: bool) -> Comparison:
    """Make the comparison of ids: usable ids directly, otherwise their texts, of which one is cut or mistyped.

    A cut id counts only if it is nearly whole, because its beginning is a region or a birth date in many countries.

    If ids hold the birth date, a similar id proves little when the birth date agrees: only the digits of the sequence
    can differ, and people born in one place on one day have similar ones. So this is a level of its own, whose u is the
    probability *given the birth date*: three neighbours, a mistake in one of a dozen digits.

    Args:
        checked: whether ids have check digits, so that one typing mistake makes an id unusable. Without them two
            mistakes are allowed.
        holds_birth: whether ids contain the birth date.

    Returns:
        The comparison.
    """
    slips = 1 if checked else 2
    slip = f"levenshtein(id_text_l, id_text_r) <= {slips}"
    if checked:
        # One mistake leaves one end of an id unchanged. This test is fast and leaves few pairs for the slow one.
        slip = (
            "(substr(id_text_l, 1, 2) = substr(id_text_r, 1, 2) OR right(id_text_l, 2) = right(id_text_r, 2)) AND "
            f"{slip}"
        )
    cut = (
        "abs(length(id_text_l) - length(id_text_r)) <= 2 AND (substr(id_text_l, 1, length(id_text_r)) = id_text_r "
        "OR substr(id_text_r, 1, length(id_text_l)) = id_text_l)"
    )
    levels = [
        Level("id_l = id_r OR id_text_l = id_text_r", "the same id", 0.95, 1e-7),
        Level(slip, "an id that differs by a typing mistake", 0.02, 1e-6),
        Level(cut, "an id that was cut off", 0.002, 1e-6),
        Level("ELSE", "another id", 0.008, 0.999997),
    ]
    if holds_birth:
        near = f"birth_l = birth_r AND (({slip}) OR ({cut}))"
        levels.insert(1, Level(near, "a similar id with the same birth date in it", 0.02, 0.01))
    too_short = "length(id_text_l) < 5 OR length(id_text_r) < 5 OR abs(length(id_text_l) - length(id_text_r)) > 2"
    return Comparison(
        "id",
        ("id", "id_text", *(("birth",) if holds_birth else ())),
        f"(id_l IS NULL OR id_r IS NULL) AND (id_text_l IS NULL OR id_text_r IS NULL OR {too_short})",
        tuple(levels),
    )


def extra_comparison(column: str) -> Comparison:
    """Make the comparison of another column, such as a line of an address."""
    left, right = f"{column}_l", f"{column}_r"
    return Comparison(
        column,
        (column,),
        f"{left} IS NULL OR {right} IS NULL",
        (
            Level(f"{left} = {right}", "the same", 0.8, 0.01, column),
            Level(
                f"levenshtein({left}, {right}) * 4 <= greatest(length({left}), length({right}))", "similar", 0.1, 0.01
            ),
            Level("ELSE", "different", 0.1, 0.98),
        ),
    )


def comparisons(extras: int, *, id_checked: bool, id_holds_birth: bool) -> tuple[Comparison, ...]:
    """Return all comparisons for records.

    Args:
        extras: number of extra columns.
        id_checked: whether ids have check digits.
        id_holds_birth: whether ids contain the birth date.

    Returns:
        The comparisons.
    """
    ids = id_comparison(checked=id_checked, holds_birth=id_holds_birth)
    return (NAME, BIRTH, SEX, REGION, ids, *(extra_comparison(f"x_{i}") for i in range(extras)))
