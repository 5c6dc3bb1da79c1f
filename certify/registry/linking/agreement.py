"""Levels of agreement between two values, as SQL that all stages and the probabilistic model share.

Levels count upward from 0 (the values differ); -1 is *not assessed*: a value is missing, which proves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DIFFERS = 0
BIRTH_EQUAL, BIRTH_NEAR, BIRTH_GENERATION = 3, 2, 1
NAME_PLAIN, NAME_SOUNDS, NAME_SLIP, NAME_INCOMPLETE, NAME_PART = 5, 4, 3, 2, 1
"""Levels that the rules use. At ``NAME_PLAIN`` and above the name is the same; ``NAME_SOUNDS`` confirms an id, as the
other script cannot show more; below it a brother, a sister or a twin may have the other name."""
_SCRIPTS = (
    (0x0250, "latin"), (0x0370, "signs"), (0x0400, "greek"), (0x0530, "cyrillic"), (0x0590, "armenian"),
    (0x0600, "hebrew"), (0x0900, "arabic"), (0x0980, "devanagari"), (0x0A00, "bengali"), (0x0B80, "other_indic"),
    (0x0C00, "tamil"), (0x0E00, "south_indic"), (0x0E80, "thai"), (0x1100, "south_east"), (0x1200, "hangul"),
    (0x1E00, "others"), (0x1F00, "latin"), (0x2000, "greek"), (0x3040, "signs"), (0x3400, "kana"), (0xA000, "han"),
    (0xAC00, "others"), (0xD7B0, "hangul"), (0xF900, "others"), (0x110000, "han"),
)  # fmt: skip
"""Where the block of each script ends, in the order of code points."""
_NUMBERS = {name: number for number, name in enumerate(dict.fromkeys(name for _, name in _SCRIPTS))}
_CASES = " ".join(f"WHEN a < '{chr(end)}' THEN {_NUMBERS[name]}" for end, name in _SCRIPTS[:-1])
SCRIPT_SQL = f"CASE {_CASES} ELSE {_NUMBERS['han']} END"
"""The number of a text's script, by its first character."""
_LATIN, HAN = _NUMBERS["latin"], _NUMBERS["han"]
WHOLE_SYLLABLES = ", ".join(str(_NUMBERS[name]) for name in ("han", "hangul", "kana"))
"""The numbers of the scripts in which one character is a syllable or a word, and never an initial."""
TONED = "[ạ-ỹơưǎǐǒǔ]"
"""Letters with marks of tones (Vietnamese, pinyin). Without them it is not known which of several names is meant."""
FULL_WORD = r"\p{L}\p{M}*\p{L}"
"""Two letters in one word: it is no initial. Signs that change a letter do not count."""
INITIAL = r"(^| )\p{L}\p{M}*( |$)"
"""A word of one letter."""
SOUND_CLASSES = ("bfpvcgjkqsxzdtlmnraeiouyhw0123456789", "111122222222334556")
"""The classes of consonants of Soundex (Russell, US 1,261,167, 1918), for letters in the first text; the rest goes."""
SOUNDS = "123456"
_LEAST_SOUNDS = 3
"""Classes of consonants that two names must share at least: one or two are shared by too many."""
_BOTH_LATIN = f"script_of(name_l) = {_LATIN} AND script_of(name_r) = {_LATIN}"
_ONE_IS_HAN = f"(script_of(name_l) = {HAN} OR script_of(name_r) = {HAN})"
_BOTH_HAN = f"(CASE WHEN script_of(name_l) = {HAN} THEN script_of(name_r) = {HAN} ELSE FALSE END)"
_TWO_SCRIPTS = "script_of(name_l) <> script_of(name_r)"
_BRIEF = "(is_brief(name_l) OR is_brief(name_r))"
"""Whether one name has initials and at most one whole word: S. Kumar is Suresh, Sunita and their brothers."""
# DuckDB computes both sides of AND and OR for every pair, and of CASE only the branch that a pair takes. So what is
# slow stands behind WHEN.
_SAME_SOUNDS = (
    f"(CASE WHEN {_TWO_SCRIPTS} AND NOT {_ONE_IS_HAN} THEN length(sounds(name_key_l)) >= {_LEAST_SOUNDS} "
    "AND sounds(name_key_l) = sounds(name_key_r) ELSE FALSE END)"
)
"""Whether two names in two scripts, neither of them Chinese, have the same consonants: محمد and Mohammed, रमेश and
Ramesh. Scripts write vowels differently or not at all. So do the names of two brothers: it is a reason to ask."""
_NEAR_KEYS = "levenshtein(name_key_l, name_key_r) * 4 <= greatest(length(name_key_l), length(name_key_r))"
_REORDERED = (
    # One letter; letters, syllables or words in another order; words joined; or one of several words missing.
    "levenshtein(name_key_l, name_key_r) <= 1 "
    "OR (length(name_key_l) = length(name_key_r) AND same_letters(name_key_l, name_key_r)) "
    "OR replace(name_key_l, ' ', '') = replace(name_key_r, ' ', '') "
    # The words are sorted, so a mistake in a first letter changes their order.
    "OR (word_count(name_key_l) = 2 AND word_count(name_key_r) = 2 AND levenshtein("
    "split_part(name_key_l, ' ', 2) || ' ' || split_part(name_key_l, ' ', 1), name_key_r) <= 1) "
    # Typing mistakes in every word. Relatives have one word in common.
    f"OR (shared_words(name_key_l, name_key_r) = 0 AND {_NEAR_KEYS}) "
    # Two words of two make the same key, because its words are sorted, so they need no test here.
    "OR (word_count(name_key_l) + word_count(name_key_r) > 4 AND shared_words(name_key_l, name_key_r) >= 2 "
    "AND shared_words(name_key_l, name_key_r) = least(word_count(name_key_l), word_count(name_key_r)))"
)
_CONFUSED_HAN = (
    # Characters in another order; characters that sound alike (the keys are equal); a surname that sounds similar.
    "(length(name_l) = length(name_r) AND same_letters(name_l, name_r)) "
    "OR (substr(name_l, 1, 1) <> substr(name_r, 1, 1) AND levenshtein(name_key_l, name_key_r) <= 1)"
)


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
        ranked: whether it weighs at most as much as the levels before it.
    """

    sql: str
    says: str
    m: float
    u: float
    frequency: str | None = None
    ranked: bool = True


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
    # Spellings of other countries say nothing: 陈大文 writes himself Chan Tai Man, and no table finds that.
    f"name_l IS NULL OR name_r IS NULL OR CASE WHEN name_l <> name_r AND name_key_l <> name_key_r AND {_TWO_SCRIPTS} "
    f"THEN NOT ({_NEAR_KEYS}) AND NOT {_SAME_SOUNDS} "
    f"AND NOT (shared_words(name_key_l, name_key_r) > 0 AND {_ONE_IS_HAN}) ELSE FALSE END",
    (
        Level("name_l = name_r", "the same name", 0.93, 2e-5, "name"),
        Level(
            f"name_key_l = name_key_r AND {_BOTH_LATIN} AND (name_l = name_key_l OR name_r = name_key_r) "
            "AND NOT has_tones(name_l) AND NOT has_tones(name_r)",
            "the same name, once without its accents",
            0.01,
            2e-5,
            "name_key",
        ),
        Level(
            f"(name_key_l = name_key_r AND ({_TWO_SCRIPTS} OR ({_BOTH_LATIN} "
            "AND (name_l = name_key_l OR name_r = name_key_r)))) "
            f"OR ({_TWO_SCRIPTS} AND NOT {_ONE_IS_HAN} AND {_NEAR_KEYS})",
            "a name that sounds the same in another script or without its tones",
            0.01,
            1e-4,
            "name_key",
        ),
        Level(
            f"name_key_l = name_key_r OR (CASE WHEN {_BOTH_HAN} THEN {_CONFUSED_HAN} WHEN {_SAME_SOUNDS} THEN TRUE "
            f"WHEN {_REORDERED} THEN NOT {_BRIEF} ELSE FALSE END)",
            "a name that differs by a typing mistake, a vowel sign, a tone or a character that sounds the same",
            0.03,
            5e-4,
        ),
        Level(
            f"CASE WHEN {_ONE_IS_HAN} AND NOT {_TWO_SCRIPTS} THEN substr(name_l, 1, length(name_r)) = name_r "
            "OR substr(name_r, 1, length(name_l)) = name_l "
            "ELSE shared_words(name_key_l, name_key_r) = least(word_count(name_key_l), word_count(name_key_r)) END",
            "a name of which a part is missing",
            0.01,
            5e-3,
        ),
        Level(
            "shared_words(name_key_l, name_key_r) >= "
            f"greatest(1, least(word_count(name_key_l), word_count(name_key_r)) - 1) OR {_NEAR_KEYS}",
            "a part of the name is the same",
            0.008,
            0.055,
        ),
        Level("ELSE", "another name", 0.002, 0.94),
    ),
)

_YEARS_APART = "abs(CAST(substr(birth_l, 1, 4) AS INT) - CAST(substr(birth_r, 1, 4) AS INT))"
_GENERATION = 14
"""Years between two birth dates from which one may be the other's parent; nearer ones are mistakes in the year."""


def _spans(one: str, other: str) -> str:
    """Return the SQL that a month or year of another calendar, which lies in two of ours, has the other date in it."""
    months = (
        f"CAST(substr(birth_{one}, 1, 4) AS INT) * 12 + CAST(substr(birth_{one}, 5, 2) AS INT) - "
        f"(CAST(substr(birth_{other}, 1, 4) AS INT) * 12 + CAST(substr(birth_{other}, 5, 2) AS INT))"
    )
    years = f"CAST(substr(birth_{one}, 1, 4) AS INT) - CAST(substr(birth_{other}, 1, 4) AS INT)"
    return (
        f"CASE WHEN birth_precision_{one} = 'years' OR (birth_precision_{one} = 'months' "
        f"AND birth_precision_{other} IN ('year', 'years')) THEN {years} BETWEEN 0 AND 1 "
        f"WHEN birth_precision_{one} = 'months' THEN {months} BETWEEN 0 AND 1 ELSE FALSE END"
    )


BIRTH = Comparison(
    "birth",
    ("birth", "birth_precision"),
    "birth_l IS NULL OR birth_r IS NULL",
    (
        Level("birth_l = birth_r", "the same birth date", 0.97, 6e-5, "birth"),
        Level(
            # Mistakes of clerks: one digit, day and month exchanged, or only the year, or year and month, known.
            f"(levenshtein(birth_l, birth_r) = 1 AND {_YEARS_APART} < {_GENERATION}) "
            "OR (substr(birth_l, 1, 4) = substr(birth_r, 1, 4) AND substr(birth_l, 5, 2) = substr(birth_r, 7, 2) "
            "AND substr(birth_l, 7, 2) = substr(birth_r, 5, 2)) "
            "OR (substr(birth_l, 1, 4) = substr(birth_r, 1, 4) "
            "AND (birth_precision_l = 'year' OR birth_precision_r = 'year')) "
            "OR (substr(birth_l, 1, 6) = substr(birth_r, 1, 6) "
            "AND (birth_precision_l = 'month' OR birth_precision_r = 'month')) "
            f"OR {_spans('l', 'r')} OR {_spans('r', 'l')}",
            "a birth date that differs by a usual mistake",
            0.022,
            4e-3,
        ),
        # A wrong digit, or a parent and a child of one name: that a clerk must see.
        Level("levenshtein(birth_l, birth_r) = 1", "a birth date that differs by decades", 0.003, 4e-4),
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
        levels.insert(1, Level(near, "a similar id with the same birth date in it", 0.02, 0.01, ranked=False))
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
