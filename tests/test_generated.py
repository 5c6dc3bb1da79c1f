"""The documents that are generated from the code are up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.documents import documents
from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent


@pytest.mark.parametrize(("path", "text"), documents().items(), ids=lambda value: getattr(value, "name", ""))
def test_the_document_is_up_to_date(path: Path, text: str) -> None:
    assert path.read_text("utf-8") == text, "run 'make docs'"


def test_every_word_has_a_plain_sentence() -> None:
    for word in (*ErrorCode, *LedgerEvent):
        assert word.meaning.endswith("."), word
        assert word.name.lower() == word.value
