"""Tables: ids in full at every width, other columns folded, nothing read as markup."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from certify.cli.output import Ink
from certify.cli.tables import Column, Heading, show_table

IDS = [str(UUID(int=number << 64 | 0xABCDEF)) for number in range(1, 4)]
Shown = Callable[..., str]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shown:
    """Print a table at a width; None: into a pipe."""

    def show(columns: int | None, *arguments: object, **options: object) -> str:
        if columns is None:
            monkeypatch.delenv("COLUMNS", raising=False)
        else:
            monkeypatch.setenv("COLUMNS", str(columns))
        show_table(*arguments, **options)  # type: ignore[arg-type]
        return capsys.readouterr().out

    return show


CASES = [Column("case", whole=True), "kind", Column("person", whole=True), "opened (UTC)", "resolution"]
ROWS = [
    (IDS[0], "adverse_record", IDS[1], "2026-01-02 03:04", "confirmed by a very long sentence of an officer"),
    (IDS[1], "[red]x[/red]", IDS[2], "[/]", None),
    (IDS[2], "一二三四五六七八九十一二三四五", IDS[0], "\x1b[31m", Ink(":smile: [bold", "bold red")),
]


@pytest.mark.parametrize("columns", [None, 400, 200, 130, 100, 80, 60, 40, 36])
def test_ids_are_printed_in_full_on_one_line(shown: Shown, columns: int | None) -> None:
    out = shown(columns, CASES, ROWS)
    lines = out.splitlines()
    for found in IDS:
        assert sum(line.count(found) for line in lines) == 2, out
    assert "…" not in out
    if columns is not None:
        assert max(cell_len(line) for line in lines) <= columns, out


@pytest.mark.parametrize("columns", [None, 400, 80, 40])
def test_no_text_is_lost_and_none_is_markup(shown: Shown, columns: int | None) -> None:
    out = shown(columns, CASES, ROWS)
    together = "".join(out.split())
    for text in ("[red]x[/red]", "[/]", r"\x1b[31m", ":smile:[bold"):
        assert text in together, out
    if columns != 40:
        assert "一二三四五六七八九十一二三四五" in together


def test_a_pipe_gets_each_row_on_one_line(shown: Shown) -> None:
    lines = shown(None, CASES, ROWS).splitlines()
    assert len(lines) == 2 + len(ROWS)
    assert "confirmed by a very long sentence of an officer" in lines[2]
    assert IDS[0] in lines[2]
    assert IDS[1] in lines[2]


def test_a_narrow_terminal_gets_one_paragraph_for_each_row(shown: Shown) -> None:
    lines = shown(80, CASES, ROWS[:1]).splitlines()
    assert [line.rstrip() for line in lines] == [
        IDS[0],
        "  kind          adverse_record",
        f"  person        {IDS[1]}",
        "  opened (UTC)  2026-01-02 03:04",
        "  resolution    confirmed by a very long sentence of an officer",
    ]
    lines = shown(40, CASES, ROWS[:1]).splitlines()
    assert lines[2:4] == ["  person", IDS[1]]


def test_numbers_end_at_the_right_and_lines_of_a_cell_stay(shown: Shown) -> None:
    columns = ["what", Column("count", right=True)]
    rows = [("a", "1"), Heading("group [/]"), ("b", ["1,000", Ink("900-1,100", "dim")])]
    out = shown(80, columns, rows, title="[/]")
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[0] == "[/]"
    assert "a                  1" in lines
    assert "group [/]" in lines
    assert "b              1,000" in lines
    assert "           900-1,100" in lines
    assert lines == [line.rstrip() for line in shown(None, columns, rows, title="[/]").splitlines()]


def test_rules_between_rows(shown: Shown) -> None:
    plain = shown(80, ["a", "b"], [("1", "2"), ("3", "4")])
    ruled = shown(80, ["a", "b"], [("1", "2"), ("3", "4")], ruled=True)
    assert len(ruled.splitlines()) == len(plain.splitlines()) + 1


@given(
    st.lists(st.tuples(st.uuids(), st.text(max_size=60), st.text(max_size=60)), min_size=1, max_size=3),
    st.integers(36, 160),
)
def test_whatever_people_are_called_ids_are_whole(rows: list[tuple[UUID, str, str]], columns: int) -> None:
    import contextlib  # noqa: PLC0415 - hypothesis and fixtures of a function do not go together
    import io  # noqa: PLC0415

    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setenv("COLUMNS", str(columns))
        show_table([Column("id", whole=True), "name", "note"], [(str(found), one, two) for found, one, two in rows])
    for found, _, _ in rows:
        assert str(found) in out.getvalue()
