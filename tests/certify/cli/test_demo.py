"""The folder of the demo: made and emptied by the demo alone."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import pytest

from certify.cli import demo
from certify.cli.demo import MARKER, prepare_folder
from certify.cli.exit_codes import ExitCode
from certify.errors import Unavailable
from certify.storage.embedded import start_embedded
from tests.certify.cli.here import ended


def test_a_new_folder_is_made_and_marked(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "demo"
    prepare_folder(folder)
    assert [path.name for path in folder.iterdir()] == [MARKER]
    assert "certify demo" in (folder / MARKER).read_text()


def test_a_folder_of_an_earlier_demo_is_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    prepare_folder(folder)
    (folder / "out").mkdir()
    (folder / "out" / "photo.jpg").write_text("x")
    prepare_folder(folder)
    assert [path.name for path in folder.iterdir()] == [MARKER]


def test_a_folder_that_the_demo_did_not_make_is_never_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    prepare_folder(folder)
    assert not list(folder.iterdir()), "empty: used, and not marked"
    (folder / "file").write_text("keep me")
    for _ in range(2):
        with pytest.raises(Unavailable, match="the demo did not make it") as refused:
            prepare_folder(folder)
        assert refused.value.code == "demo_folder"
    assert (folder / "file").read_text() == "keep me"


def test_files_and_links_are_refused(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "file").write_text("keep me")
    (tmp_path / "link").symlink_to(mine)
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    (tmp_path / "file").write_text("keep me")
    for name in ("link", "nowhere", "file"):
        with pytest.raises(Unavailable):
            prepare_folder(tmp_path / name)
    (mine / MARKER).write_text("")
    with pytest.raises(Unavailable):
        prepare_folder(tmp_path / "link")
    assert (mine / "file").read_text() == "keep me"
    assert (tmp_path / "file").read_text() == "keep me"


def test_a_demo_that_somebody_serves_is_not_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    prepare_folder(folder)
    (folder / "postgres").mkdir()
    listed = folder / "postgres" / ".handle_pids.json"
    listed.write_text(json.dumps([os.getppid()]))
    with pytest.raises(Unavailable) as refused:
        prepare_folder(folder)
    assert refused.value.code == "demo_running"
    assert str(os.getppid()) in refused.value.message
    listed.write_text(json.dumps([2**22 + 7]))  # a process that is no more
    prepare_folder(folder)
    assert not listed.exists()


@pytest.mark.parametrize("words", [(), ("--registries",)])
def test_the_demo_plays_below_the_data_folder_and_says_one_sentence_when_it_may_not(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    mine = tmp_path / "data" / "demo"
    mine.mkdir(parents=True)
    (mine / "file").write_text("keep me")
    code, out, err = ended(tmp_path, "demo", *words)
    assert code == ExitCode.UNAVAILABLE
    assert out == ""
    sentence, hint = err.splitlines()
    assert str(mine) in sentence
    assert "--folder" in hint
    assert (mine / "file").read_text() == "keep me"
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["demo"]
    code, _, err = ended(tmp_path, "demo", "--folder", "data")
    assert code == ExitCode.UNAVAILABLE
    assert "the demo did not make it" in err


@pytest.mark.integration
def test_the_demo_has_a_database_keys_and_rules_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "CERTIFY_DATABASE_URL": "postgresql+psycopg://u:p@127.0.0.1:1/production",
        "CERTIFY_MASTER_KEY_FILE": str(tmp_path / "production.key"),
        "CERTIFY_POLICIES_DIR": str(tmp_path / "rules"),
        "CERTIFY_SENDERS_FILE": str(tmp_path / "senders.toml"),
        "CERTIFY_SOURCES_FILE": str(tmp_path / "sources.toml"),
        "CERTIFY_ENV": "production",
    }.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "demo"
    prepare_folder(folder)
    with demo._service(folder, lambda _: None) as service:
        assert service.settings.key_file == folder / "master.key"
        assert service.settings.database_url is None
        assert not service.senders.ways
    start_embedded(folder).cleanup()
    assert not (tmp_path / "production.key").exists()


def test_an_installation_without_the_demo_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "skimage" else find_spec(name))
    code, out, err = ended(tmp_path, "demo")
    assert (code, out) == (ExitCode.UNAVAILABLE, "")
    assert "not part of this installation" in err
    assert not list(tmp_path.iterdir())
