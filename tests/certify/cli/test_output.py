"""Names, ids and file names are printed unchanged, with any characters."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from certify.cli.output import Ink, agreed, complain, plain, print_json, progress_bar, say, waiting, warn

ATTACKS = [
    "[red]x[/red]",
    "[/]",
    "[link=https://evil.example]here[/link]",
    "root:x:0:0 :smile:",
    "[bold",
    "\\[x]",
    "{0} %s",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_markup_in_text_is_text(capsys: pytest.CaptureFixture[str], text: str) -> None:
    say(text)
    say(Ink(text, "bold red"), " and ", text)
    complain(text, text)
    warn(text)
    out, err = capsys.readouterr()
    assert out == f"{text}\n{text} and {text}\n"
    assert err == f"✗ {text}\n  {text}\n! {text}\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("one\nline\r\t", r"one\nline\r\t"),
        ("\x9b31m", r"\x9b31m"),
        ("a\u202eb\u2066c\u2028d", r"a\u202eb\u2066c\u2028d"),
        ("\udcff.csv", r"\udcff.csv"),
        ("Müller 王 العربية 🙂", "Müller 王 العربية 🙂"),
    ],
)
def test_what_controls_a_terminal_is_shown_instead(capsys: pytest.CaptureFixture[str], text: str, shown: str) -> None:
    assert plain(text) == shown
    assert plain(plain(text)) == shown
    say(text)
    assert capsys.readouterr().out == f"{shown}\n"


def test_a_terminal_gets_colours_and_nothing_else_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    say(Ink("✓", "bold green"), " done")
    assert capsys.readouterr().out == "✓ done\n"
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)
    say(Ink("✓", "bold green"), " done")
    assert "\x1b[" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    say(Ink("✓", "bold green"), " done")
    assert capsys.readouterr().out == "✓ done\n"


def test_json_is_json_whatever_stands_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"name": "[/]\x1b\x9b\u202e", "path": Path("\udcff.csv"), "rate": np.float64(0.5), "n": np.int64(3)}
    print_json(value)
    out = capsys.readouterr().out
    assert not {"\x1b", "\x9b", "\u202e", "\udcff"} & set(out)
    assert json.loads(out) == {"name": "[/]\x1b\x9b\u202e", "path": "\udcff.csv", "rate": 0.5, "n": 3}


def test_a_title_of_progress_is_no_markup(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for terminal in (True, False):
        monkeypatch.setattr(type(sys.stderr), "isatty", lambda _, answer=terminal: answer, raising=False)
        with progress_bar() as progress:
            progress.add_task("[/] [red]x[/red]", total=1)
        with waiting("reading [/]") as tell:
            tell("reading [red]x")
        err = capsys.readouterr().err
        assert ("[/] [red]x[/red]" in err) is terminal
        assert ("reading [red]x" in err) is terminal
        assert terminal or not err, "a log gets no picture of a bar"


def test_a_question_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    agreed("Erase [red]x[/red]\x1b?")
    assert r"Erase [red]x[/red]\x1b?" in capsys.readouterr().err
