"""The words of the printed certificate in one language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from certify.certificates.assurance import ENGLISH
from certify.certificates.payload import Method
from certify.certificates.sheet_words import SheetWords
from certify.texts import Language, catalogue


def sheet_words(language: Language, titles: Mapping[str, str]) -> SheetWords:
    """Return the words of the sheet.

    Args:
        language: the language.
        titles: names of pensions in the language of the policies, for schemes of which the catalogue has no name.
    """
    words = catalogue(language)
    methods = {method.value: method.label for method in Method}
    return SheetWords(
        language=language,
        right_to_left=words.direction == "rtl",
        spaced=not language.startswith("zh"),
        day=partial(words.day, short=False),
        says={**methods, **words.certificate},
        assurance=words.assurance or ENGLISH,
        schemes={**titles, **words.schemes},
    )
