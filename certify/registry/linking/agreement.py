"""How two values agree, in levels, as SQL that every stage and the probabilistic model share.

Levels count upward from 0 (they differ); -1 is *not assessed*: one of them is missing, which says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

BIRTH_EQUAL, BIRTH_NEAR = 2, 1
NAME_EQUAL, NAME_SOUNDS, NAME_SIMILAR, NAME_SHARES = 4, 3, 2, 1


@dataclass(frozen=True, slots=True)
class Level:
    """One level of agreement: its SQL condition, tried from the first to the last, and words for an officer.

    ``m`` and ``u``: how often it is met among true and among other pairs, before any training. They come from the error
    rates that statistical offices report of civil registers, rounded, and from the value's number of possible outcomes.
    ``frequency`` names the column whose rare values count for more.
    """

    sql: str
    says: str
    m: float
    u: float
    frequency: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared: the columns needed, when it cannot be assessed, and levels from the best down to "else"."""

    name: str
    columns: tuple[str, ...]
    missing: str
    levels: tuple[Level, ...]

    def gamma_sql(self, left: str = "{column}_l", right: str = "{column}_r") -> str:
        """Return the expression of the level. ``left`` and ``right`` write the columns of the two sides."""
        cases = [f"WHEN {self.missing} THEN -1"]
        for place, level in enumerate(self.levels[:-1]):
            cases.append(f"WHEN {level.sql} THEN {len(self.levels) - 1 - place}")
        text = f"CASE {' '.join(cases)} ELSE 0 END"
        for column in sorted(self.columns, key=len, reverse=True):
            text = text.replace(f"{column}_l", left.format(column=column)).replace(
                f"{column}_r", right.format(column=column)
            )
        return text

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
            "levenshtein(name_key_l, name_key_r) * 5 <= greatest(length(name_key_l), length(name_key_r)) "
            "OR replace(name_key_l, ' ', '') = replace(name_key_r, ' ', '') "
            "OR (shared_words(name_key_l, name_key_r) >= 2 AND shared_words(name_key_l, name_key_r) = "
            "least(word_count(name_key_l), word_count(name_key_r)) AND name_key_l <> name_key_r)",
            "a similar name",
            0.03,
            2e-3,
        ),
        Level(
            "shared_words(name_key_l, name_key_r) >= 1 AND shared_words(name_key_l, name_key_r) >= "
            "least(word_count(name_key_l), word_count(name_key_r)) - 1",
            "a part of the name is the same",
            0.018,
            0.06,
        ),
        Level("ELSE", "another name", 0.002, 0.94),
    ),
)

BIRTH = Comparison(
    "birth",
    ("birth",),
    "birth_l IS NULL OR birth_r IS NULL",
    (
        Level("birth_l = birth_r", "the same birth date", 0.97, 6e-5, "birth"),
        Level(
            # Slips of clerks: one digit, day and month exchanged, or only the year known.
            "levenshtein(birth_l, birth_r) = 1 "
            "OR (substr(birth_l, 1, 4) = substr(birth_r, 1, 4) AND substr(birth_l, 5, 2) = substr(birth_r, 7, 2) "
            "AND substr(birth_l, 7, 2) = substr(birth_r, 5, 2)) "
            "OR (substr(birth_l, 1, 4) = substr(birth_r, 1, 4) "
            "AND (substr(birth_l, 5, 4) = '0101' OR substr(birth_r, 5, 4) = '0101'))",
            "a birth date off by a usual slip",
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


def id_comparison(checked: bool) -> Comparison:
    """Compare the texts of ids, of which at least one is cut, mistyped or unmatched.

    ``checked``: the format has check digits. There one slip spoils an id and two people's ids differ in two places at
    least; without them two slips are allowed. What is left of a cut id counts when it is nearly whole: its beginning is
    a region or a birth date in many countries.
    """
    slips = 1 if checked else 2
    return Comparison(
        "id",
        ("id_text",),
        "id_text_l IS NULL OR id_text_r IS NULL OR length(id_text_l) < 5 OR length(id_text_r) < 5 "
        "OR (length(id_text_l) <> length(id_text_r) AND abs(length(id_text_l) - length(id_text_r)) > 2)",
        (
            Level("id_text_l = id_text_r", "the same id", 0.6, 1e-7),
            Level(f"levenshtein(id_text_l, id_text_r) <= {slips}", "an id that differs by a slip", 0.35, 1e-6),
            Level(
                "substr(id_text_l, 1, length(id_text_r)) = id_text_r OR substr(id_text_r, 1, length(id_text_l)) = "
                "id_text_l",
                "an id that was cut off",
                0.02,
                1e-6,
            ),
            Level("ELSE", "another id", 0.03, 0.999997),
        ),
    )


def extra_comparison(column: str) -> Comparison:
    """Compare another column, such as a line of an address."""
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


def comparisons(extras: int, *, id_checked: bool) -> tuple[Comparison, ...]:
    """Return everything that is compared for records with so many extra columns."""
    return (NAME, BIRTH, SEX, REGION, id_comparison(id_checked), *(extra_comparison(f"x_{i}") for i in range(extras)))
