"""The documents that are generated from the code are up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.documents import documents
from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent


@pytest.fixture(scope="module")
def generated() -> dict[Path, str]:
    return documents()


@pytest.mark.parametrize("name", ["errors.md", "events.md", "terms.md", "service.d.ts"])
def test_the_document_is_up_to_date(name: str, generated: dict[Path, str]) -> None:
    path = next(path for path in generated if path.name == name)
    assert path.read_text("utf-8") == generated[path], "run 'make docs'"


def test_each_generated_document_is_compared(generated: dict[Path, str]) -> None:
    assert {path.name for path in generated} == {"errors.md", "events.md", "terms.md", "service.d.ts"}


def test_every_word_has_a_plain_sentence() -> None:
    for word in (*ErrorCode, *LedgerEvent):
        assert word.meaning.endswith("."), word
        assert word.name.lower() == word.value
