"""Names that differ by a letter and are names of their own: Marina and Marija are twins, Marina and Marjna are not.

A clerk who takes the id of a twin for the other one writes a name that other people have. A typing mistake seldom makes
one. What names there are, the people of the fund show. In a small fund they do not, so there any short word may be one.
"""

from __future__ import annotations

from certify.registry.linking.agreement import BIRTH_EQUAL, HAN, NAME_SLIP
from certify.registry.linking.engine import Engine

_SMALL = 50_000
"""People below whom a fund does not show which names there are."""
_LONG = 10
"""Letters of a word from which on it is seldom a letter away from another name, in a fund that shows no names. Of the
given names in the English list ``nicknames`` 1.0.1, half of those with 3 to 7 letters are, a third with 8 or 9, and
eight of 44 with ten and more."""
_LARGE = 1_000_000
"""People from whom on a tenth of them, born on some days of the month, shows which names there are."""
_SOME_DAYS = "substr(birth, 7, 2) IN ('07', '17', '27')"
_MISTYPED = (
    "same_letters(r.name, p.name) OR replace(r.name, ' ', '') = replace(p.name, ' ', '') "
    "OR shared_words(r.name, p.name) = least(word_count(r.name), word_count(p.name))"
)
"""Letters exchanged, words joined, and words that one name has more: no two people are named so."""


def _words(name: str) -> tuple[str, ...]:
    """Return the SQL of the words of a name that may be the given name: of Chinese ones all but the first character."""
    first = f"CASE WHEN script_of({name}) = {HAN} THEN substr({name}, 2) ELSE split_part({name}, ' ', 1) END"
    return first, f"split_part({name}, ' ', 2)", f"split_part({name}, ' ', -1)"


def find_other_names(engine: Engine) -> None:
    """Make ``other_names``: pairs of ``id_unclear`` with names that differ a little, where the record has another name.

    Args:
        engine: where the tables of the stage ``id`` are.
    """
    engine.create(
        "slipped",
        "SELECT m.record, m.person, r.name, p.name AS own FROM id_unclear m "
        "JOIN open_records r ON r.key = m.record JOIN unlike_people p ON p.key = m.person "
        f"WHERE m.g_name = {NAME_SLIP} AND m.g_birth = {BIRTH_EQUAL} AND m.weak = 0 AND NOT ({_MISTYPED})",
    )
    # A name of one word is whole in each of them, so it is compared with the whole other name.
    new = [
        f"SELECT record, person, {word} AS word FROM slipped WHERE {word} <> '' "
        f"AND NOT contains(' ' || own || ' ', ' ' || {word} || ' ') "
        f"AND NOT (script_of(name) = {HAN} AND substr(own, 2) = {word})"
        for word in _words("name")
    ]
    engine.create("new_words", " UNION ".join(new))
    if engine.count("people") <= _SMALL:
        engine.define("other_names", f"SELECT DISTINCT record, person FROM new_words WHERE length(word) < {_LONG}")
        return
    borne = " OR ".join(f"{word} IN (SELECT word FROM new_words)" for word in _words("name"))
    some = f" AND {_SOME_DAYS}" if engine.count("people") > _LARGE else ""
    engine.create("bearers", engine.few("people", "name", f"({borne}){some}"))
    words = " UNION ".join(f"SELECT {word} AS word FROM bearers" for word in _words("name"))
    engine.create(
        "other_names",
        f"SELECT DISTINCT n.record, n.person FROM new_words n JOIN ({words}) b ON b.word = n.word",
    )
