"""The database accepts exactly the closed lists of ``certify.domain``, and code compares states only with them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint, text

from certify.domain import states
from certify.domain.case_kinds import CaseKind
from certify.domain.described import Described
from certify.service import Service
from certify.storage.tables.base import Base

CERTIFY = Path(states.__file__).parents[1]


@pytest.mark.integration
def test_the_database_accepts_the_words_that_the_tables_list(service: Service) -> None:
    listed = {
        str(constraint.name): constraint.sqltext.text.split(" in ")[1]
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint) and str(constraint.name).endswith("_known")
    }
    assert len(listed) >= 20
    with service.reading() as unit:
        query = (
            "select conname, pg_get_constraintdef(oid) from pg_constraint where contype = 'c' and conname like '%known'"
        )
        stored = dict(tuple(row) for row in unit.db.execute(text(query)).all())
    for name, words in listed.items():
        for word in ast.literal_eval(words if "," in words else words.replace(")", ",)")):
            assert f"'{word}'" in stored[name], (name, word)


def test_every_word_has_a_meaning() -> None:
    lists: list[type[Described]] = [CaseKind]
    lists += [item for item in vars(states).values() if isinstance(item, type) and issubclass(item, Described)]
    for words in lists:
        for word in words:
            assert word.meaning.endswith("."), word
            assert words(word.value) is word


def _literal_states(tree: ast.AST) -> list[int]:
    """Return the lines that compare an attribute ``state`` with a literal text."""
    lines = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        if any(isinstance(side, ast.Attribute) and side.attr == "state" for side in sides) and any(
            isinstance(part, ast.Constant) and isinstance(part.value, str) for side in sides for part in ast.walk(side)
        ):
            lines.append(node.lineno)
    return lines


def test_a_literal_state_is_found() -> None:
    assert _literal_states(ast.parse("if row.state == 'open': pass")) == [1]
    assert _literal_states(ast.parse("if row.state in ('open', State.X): pass")) == [1]
    assert _literal_states(ast.parse("if row.state is State.OPEN: pass")) == []


def test_code_compares_states_only_with_the_lists() -> None:
    literal = [
        f"{path.relative_to(CERTIFY)}:{line}"
        for path in sorted(CERTIFY.rglob("*.py"))
        if "migrations" not in path.parts
        for line in _literal_states(ast.parse(path.read_text("utf-8")))
    ]
    assert literal == []
