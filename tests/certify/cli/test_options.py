"""Options with bounds, and files to write: refused before any work."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from uuid import UUID

import pytest
import typer

from certify.cli.exit_codes import ExitCode
from certify.cli.options import require_finite, require_memory, require_writable, require_writable_private
from certify.errors import Invalid
from tests.certify.cli.here import ended
from tests.certify.cli.walk import all_commands

ID = str(UUID(int=7))
NOWHERE = {"CERTIFY_DATABASE_URL": "postgresql+psycopg://certify:open-sesame@127.0.0.1:1/pensions"}

WRITES: dict[str, tuple[str, ...]] = {
    "agent integrity": ("--html",),
    "feed corrections": ("civil-registry", "--out"),
    "keys export": (),
    "letter": (ID, "--out"),
    "run compare": ("--policy", "policy.toml", "--out"),
    "run show": (ID, "--html"),
    "simulate": ("--plot",),
    "visit backlog": ("--html",),
    "visit export": ("--out",),
    "evaluate matching": ("--pairs", "rows.csv", "--plot"),
    "evaluate liveness": ("--samples", "rows.csv", "--plot"),
    "evaluate linkage": ("--left", "rows.csv", "--plot"),
    "beneficiary import": ("rows.csv", "--quarantine"),
    "feed check": ("feed.toml", "rows.csv", "--quarantine"),
    "keys rewrap": ("--to",),
}
"""Commands that write a file, with all words up to its name."""

MAKES_FOLDERS = {"agent integrity", "letter", "visit export", "keys rewrap"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("policy.toml", "feed.toml", "rows.csv"):
        (tmp_path / name).write_text("x\n")
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("path", ["folder", "missing/file", "rows.csv/file", f"{'x' * 300}", "/proc/self/none"])
def test_a_file_that_cannot_be_written_is_refused_before_any_work(folder: Path, name: str, path: str) -> None:
    """The database is away: a command that began would say so."""
    if name in MAKES_FOLDERS and path == "missing/file":
        return
    code, out, err = ended(folder, *name.split(), *WRITES[name], path, environment=NOWHERE)
    assert code == ExitCode.REFUSED, err
    assert out == ""
    assert path.partition("/")[0] in err
    assert len(err.splitlines()) == 2
    assert not (folder / "missing").exists()


def test_a_file_that_can_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("keep me")
    for check in (require_writable, require_writable_private):
        assert check(there) == there
        assert check(tmp_path / "new") == tmp_path / "new"
        assert check(None) is None
    assert require_writable_private(tmp_path / "a" / "b" / "new") == tmp_path / "a" / "b" / "new"
    assert there.read_text() == "keep me"
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_only_be_read_is_refused(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("keep me")
    there.chmod(stat.S_IRUSR)
    with pytest.raises(Invalid, match="Permission denied"):
        require_writable(there)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(Invalid, match="Permission denied"):
            require_writable_private(tmp_path / "new")
    finally:
        tmp_path.chmod(stat.S_IRWXU)


@pytest.mark.parametrize(
    "words",
    [
        "serve --port 0",
        "serve --port 65536",
        "serve --port 99999",
        "serve --port -1",
        "serve --workers -1",
        "serve --workers 65",
        "serve --guides 1000",
        "worker --concurrency 0",
        "case list --limit 0",
        "case list --limit 1001",
        "run list --limit 99999999999999999999",
        "visit plan --days 0",
        "visit plan --days 91",
        "visit gather --share 1.1",
        "visit gather --share nan",
        "token --role officer --hours nan",
        "token --role officer --hours 25",
        "token --role officer --hours inf",
        "token --role self",
        "agent add A-17 Li --area 1 --capacity 61",
        "simulate --population 0",
        "simulate --seed -1",
        "simulate --processes 65",
        "run compare --policy policy.toml --sample 0",
        "run compare --policy policy.toml --seed -1",
        f"run continue {ID} --workers 33",
        f"run continue {ID} --memory much",
        f"run continue {ID} --memory -4GB",
        f"run continue {ID} --engine abacus",
        "feed check feed.toml rows.csv --today yesterday",
        "feed check feed.toml rows.csv --today 0001-01-01",
        "visit plan --from 9999-12-31",
        "visit plan --from 0001-01-01",
        "visit backlog --from 9999-12-31",
        "visit list --day 9999-12-31",
        "visit export --out x.csv --to 9999-12-31",
        "enrol rows.csv --national-id A1234567 --birth-date 1066-10-14",
        "evaluate linkage --left rows.csv --threads 0",
        "evaluate linkage --left rows.csv --memory 0GB",
    ],
)
def test_a_value_outside_its_bounds_is_wrong_usage(folder: Path, words: str) -> None:
    code, out, err = ended(folder, *words.split(), environment=NOWHERE)
    assert code == ExitCode.USAGE, err
    assert out == ""
    assert "Traceback" not in err
    assert "Invalid value for" in err


def test_every_number_has_bounds() -> None:
    """Without bounds: a process of the system, and two hours of the day, which the use case checks."""
    free = {"--parent", "--quiet-from", "--quiet-to"}
    for name, command in all_commands().items():
        for parameter in command.params:
            annotation = parameter.type_descriptor.annotation
            if annotation in (int, float) and parameter.opts[0] not in free:
                assert parameter.min is not None, f"{name} {parameter.opts[0]}"


def test_attack_an_officer_cannot_give_another_name(folder: Path) -> None:
    for words in (("run", "accept", ID), ("case", "rule", ID, "stop"), ("agent", "admit", ID)):
        code, _, err = ended(folder, *words, "--officer", "Minister of Finance", environment=NOWHERE)
        assert code == ExitCode.USAGE
        assert "--officer" in err


def test_amounts_of_memory() -> None:
    for good in ("4GB", "500mb", "1.5 GiB", "6 TB"):
        assert require_memory(good) == good
    for bad in ("", "4", "GB", "4 gallons", "4GB; drop table", "nan"):
        with pytest.raises(typer.BadParameter):
            require_memory(bad)


def test_numbers_that_are_none() -> None:
    assert require_finite(0.5) == 0.5
    assert require_finite(None) is None
    for bad in (float("nan"), float("inf"), float("-inf")):
        with pytest.raises(typer.BadParameter):
            require_finite(bad)
