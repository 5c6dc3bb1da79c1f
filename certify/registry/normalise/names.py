"""Names: the form that is compared letter by letter, and a key in Latin letters that finds candidates.

``folded`` keeps the script and all that tells names apart in it, such as vowel signs, tones and accents: lower case, no
punctuation, variant characters unified, words sorted. Only equal folded names are the same name.
``key`` is always Latin: Chinese becomes pinyin, with surname and given name as two words, other scripts are
transliterated letter by letter, and accents and tones are left out. 王国华, "Wang Guohua" and "GUOHUA, Wang" have the
same key. Two people with different names may have one key, so it finds candidates and proves nothing.
"""

from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from anyascii import anyascii

from certify.registry.normalise import chinese
from certify.registry.normalise.characters import CharacterTable, by_distinct, where

_LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"}  # noqa: RUF001 - meant
_JOINED = "'’`´ʼ-‐‑·・˙"  # noqa: RUF001 - meant
"""Signs inside a name that are often left out; the parts on both sides are one word."""
_ALIKE = {"ё": "е", "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه"}  # noqa: RUF001 - meant
"""Letters that are two spellings of one, with the form that is compared."""
_NO_NAMES = (
    "null|none|nan|n a|na na|unknown|not known|unknown unknown|no name|noname|do not use|donotuse|deceased|test|"
    "test test|xxx|xxxx|desconocido|desconocida|sin nombre|desconhecido|ignorado|inconnu|unbekannt|неизвестно|"
    "неизвестный|unknown male|unknown female|baby|baby boy|baby girl|未知|不详|无名氏|अज्ञात|غير معروف|مجهول"
)
"""Whole names in folded form, with their words in order, that say that no name is known."""
_OPTIONAL = frozenset("ـ" + "".join(map(chr, [*range(0x064B, 0x0653), 0x0670, *range(0x0591, 0x05BE)])))
"""Signs of Arabic and Hebrew that most writers leave out: the short vowels, and the stroke that lengthens a word."""


def fold_names(names: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return the folded names and their keys; NULL where no character is left."""
    both = by_distinct(names.cast(pa.string()), _fold_distinct)
    return both.field("folded"), both.field("key")


def _fold_distinct(names: pa.Array) -> pa.Array:
    ascii_only = pc.fill_null(pc.string_is_ascii(names), True)
    names = where(pc.invert(ascii_only), names, lambda some: pc.utf8_normalize(some, "NFC"))
    plain = _collapse(_WRITTEN.apply(names))
    unnamed = pc.is_in(plain, value_set=pa.array(_NO_NAMES.split("|")))
    plain = pc.if_else(unnamed, pa.scalar(None, pa.string()), plain)
    tight = pc.replace_substring(plain, " ", "")
    foreign = pc.fill_null(pc.invert(pc.string_is_ascii(tight)), False)
    folded = key = _sort_words(plain)
    if pc.any(foreign).as_py():
        han = pc.fill_null(pc.match_substring_regex(tight, r"^\p{Han}{2,}$"), False)
        spelt = pc.and_not(foreign, han)
        key = pc.replace_with_mask(key, spelt, _spelt_keys(plain.filter(spelt)))
        key = pc.replace_with_mask(key, han, _chinese_keys(tight.filter(han)))
        folded = pc.if_else(han, tight, folded)
    return pa.StructArray.from_arrays([folded, key], ["folded", "key"])


def _spelt_keys(names: pa.Array) -> pa.Array:
    """Return names in Latin letters, with Chinese characters among others spelt out."""
    mixed = pc.fill_null(pc.match_substring_regex(names, r"\p{Han}"), False)
    return _sort_words(_collapse(_LATIN.apply(where(mixed, names, _PINYIN.apply))))


def _chinese_keys(names: pa.Array) -> pa.Array:
    """Return surname and given name in pinyin, sorted."""
    compound = pc.is_in(pc.utf8_slice_codeunits(names, 0, 2), value_set=pa.array(chinese.COMPOUND_SURNAMES))
    compound = pc.and_(compound, pc.greater(pc.utf8_length(names), 2))
    surname, given = pc.utf8_slice_codeunits(names, 0, 1), pc.utf8_slice_codeunits(names, 1)
    surname = where(compound, surname, lambda _: pc.utf8_slice_codeunits(names.filter(compound), 0, 2))
    given = where(compound, given, lambda some: pc.utf8_slice_codeunits(some, 1))
    one = by_distinct(surname, lambda distinct: pa.array([chinese.surname_pinyin(s) for s in distinct.to_pylist()]))
    two = by_distinct(given, _PINYIN.apply)
    first = pc.less_equal(one, two)
    return pc.binary_join_element_wise(pc.if_else(first, one, two), pc.if_else(first, two, one), " ")


def _sort_words(texts: pa.Array) -> pa.Array:
    """Sort the words of each text, by sorting whole numbers: row and rank of the word."""
    several = pc.fill_null(pc.match_substring(texts, " "), False)
    if not pc.any(several).as_py():
        return texts
    words = pc.split_pattern(texts.filter(several), " ")
    coded = words.flatten().dictionary_encode()
    order = pc.sort_indices(coded.dictionary).to_numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    row = np.repeat(np.arange(len(words)), pc.list_value_length(words).to_numpy())
    keyed = np.sort(row * len(order) + rank[coded.indices.to_numpy()])
    ordered = coded.dictionary.take(pa.array(order)).take(pa.array(keyed % len(order)))
    joined = pc.binary_join(pa.ListArray.from_arrays(words.offsets, ordered), " ")
    return pc.replace_with_mask(texts, several, joined)


def _collapse(texts: pa.Array) -> pa.Array:
    """Leave one space between words and none at the ends; NULL where no character is left."""
    ragged = pc.or_(pc.or_(pc.starts_with(texts, " "), pc.ends_with(texts, " ")), pc.match_substring(texts, "  "))
    tidy = lambda some: pc.utf8_trim(pc.replace_substring_regex(some, " +", " "), " ")  # noqa: E731
    texts = where(pc.fill_null(ragged, False), texts, tidy)
    empty = pc.fill_null(pc.equal(texts, ""), False)
    return pc.if_else(empty, pa.scalar(None, pa.string()), texts)


def _written_character(character: str) -> str:
    """Fold one character of the written form: compatibility forms, case, punctuation, variants; marks stay."""
    folded = []
    for part in unicodedata.normalize("NFKC", character):
        kind = unicodedata.category(part)
        if part in _JOINED or part in _OPTIONAL or kind in {"Me", "Cf"}:
            continue
        if kind[0] == "L" or kind in {"Nd", "Mn", "Mc", "No", "Nl"}:
            lower = unicodedata.normalize("NFC", part.casefold())
            folded.append(_ALIKE.get(lower) or chinese.VARIANTS.get(lower, lower))
        else:
            folded.append(" ")
    return "".join(folded)


def _latin_character(character: str) -> str:
    """Spell one character of the written form in Latin letters without accents."""
    if character == " ":
        return character
    spelt = []
    for part in unicodedata.normalize("NFKD", character):
        if part in _LETTERS:
            spelt.append(_LETTERS[part])
        elif unicodedata.category(part) != "Mn" or not unicodedata.name(part, "").startswith("COMBINING"):
            spelt.append("".join(letter for letter in anyascii(part).lower() if letter.isalnum()))
    return "".join(spelt)


def _sound(character: str) -> str:
    return chinese.pinyin(character) if unicodedata.name(character, "").startswith("CJK") else character


_WRITTEN = CharacterTable(_written_character)
_LATIN = CharacterTable(_latin_character)
_PINYIN = CharacterTable(_sound)
