"""``certify feed check`` as an operator runs it."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from certify.cli import app

DESCRIPTION = """
name = "deaths"
source = "civil-registry"
kind = "deaths"
[file]
format = "csv"
separator = ";"
[columns]
record_id = "NR"
national_id = "ID"
event_date = "DIED"
[evidence]
weight = 1.0
justification = "registered by a civil registrar"
"""


def _files(folder: Path, rows: int = 20) -> tuple[str, str]:
    (folder / "deaths.toml").write_text(DESCRIPTION)
    lines = [f"{number};ID{number};2026-11-{number % 20 + 1:02}" for number in range(rows)]
    (folder / "deaths.csv").write_text("\n".join(["NR;ID;DIED", *lines, ""]))
    return str(folder / "deaths.toml"), str(folder / "deaths.csv")


def test_a_usual_file_is_shown_and_passes(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["feed", "check", *_files(tmp_path), "--today", "2026-11-24"])
    assert found.exit_code == 0, found.output
    assert "20 records can be used, 0 rows cannot" in found.output
    assert "Nothing departs" in found.output
    assert not list(tmp_path.glob("*quarantine*"))


def test_bad_rows_are_counted_by_reason_and_departures_end_with_no(tmp_path: Path) -> None:
    description, file = _files(tmp_path)
    with Path(file).open("a") as more:
        more.write("x;ID;never\n" * 3)
    earlier = tmp_path / "earlier.csv"
    earlier.write_text("NR;ID;DIED\n1;a;2026-10-01\n2;b;2026-10-02\n")
    arguments = ["feed", "check", description, file, "--today", "2026-11-24", "--json"]
    found = CliRunner().invoke(app, [*arguments, *(["--earlier", str(earlier)] * 3)])
    assert found.exit_code == 1, found.output
    report = json.loads(found.output)
    assert (report["rows"], report["bad"]) == (20, 3)
    assert report["reasons"] == {"event_date_unreadable": 3}
    assert [entry["code"] for entry in report["departures"]] == ["many_bad_rows", "volume_high"]
    assert Path(report["quarantine"]).read_text().count("event_date_unreadable") == 3


def test_the_documented_example_is_a_description(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "feeds.md").read_text("utf-8")
    (tmp_path / "feed.toml").write_text(text.split("```toml\n")[1].split("```")[0], "utf-8")
    (tmp_path / "feed.csv").write_text("NR;ID;NAME;BORN;DIED;OP;OF\n1;x;y;01/02/1940;03/11/2026;N;\n", "gb18030")
    found = CliRunner().invoke(
        app, ["feed", "check", str(tmp_path / "feed.toml"), str(tmp_path / "feed.csv"), "--today", "2026-11-24"]
    )
    assert found.exit_code == 0, found.output
