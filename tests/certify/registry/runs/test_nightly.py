"""The night: inboxes are emptied in order, one feed's trouble holds up no other, the worker does it by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from certify.queue import NAMESPACE
from certify.registry.runs.nightly import nightly
from certify.workers.registry import run_registry_worker

from .conftest import Fund

pytestmark = pytest.mark.integration

DEATHS = """
name = "deaths"
source = "deaths-registry"
kind = "deaths"
fresh_days = 1000
[file]
format = "csv"
[columns]
record_id = "nr"
national_id = "id"
name = "name"
birth_date = "born"
event_date = "when"
operation = "op"
target = "of"
[operations]
notify = [""]
void = ["V"]
[limits]
most_rows = 2
[evidence]
weight = 1.0
justification = "a register of the state"
"""


@pytest.fixture
def feeds(tmp_path: Path) -> Path:
    folder = tmp_path / "feeds"
    (folder / "deaths" / "inbox").mkdir(parents=True)
    (folder / "deaths.toml").write_text(DEATHS)
    return folder


def test_files_are_carried_out_in_the_order_of_their_names(fund: Fund, feeds: Path) -> None:
    inbox = feeds / "deaths" / "inbox"
    fund.file(fund.row("Alan Turing", "1", "2026-02-20"), fund.row("Ada Lovelace", "2", "2026-02-20")).rename(
        inbox / "2026-02-21.csv"
    )
    fund.file({"nr": "3", "op": "V", "of": "1"}, {"nr": "4", "id": "nobody", "when": "never"}).rename(
        inbox / "2026-02-22.csv"
    )
    (inbox / "2026-02-23.csv.part").write_text("half a fi")
    night = nightly(fund.service, feeds)
    assert (night.files, night.runs, night.held, night.troubles) == (2, 1, 1, ())
    # Half of the second file is bad: it is held, and stays where it is until somebody has looked.
    assert fund.standing("Alan Turing").standing == "paused"
    assert sorted(path.name for path in inbox.iterdir()) == ["2026-02-22.csv", "2026-02-23.csv.part"]
    assert [path.name for path in (feeds / "deaths" / "done").iterdir()] == ["2026-02-21.csv"]
    again = nightly(fund.service, feeds)
    assert (again.files, again.runs, again.held) == (0, 0, 1)


def test_one_feeds_trouble_holds_up_no_other(fund: Fund, feeds: Path) -> None:
    (feeds / "broken.toml").write_text("name = 7")
    (feeds / "columns.toml").write_text(DEATHS.replace('"deaths"', '"other-deaths"', 1).replace('"nr"', '"missing"'))
    (feeds / "columns" / "inbox").mkdir(parents=True)
    row = fund.row("Alan Turing", "1", "2026-02-20")
    fund.file(row).rename(feeds / "columns" / "inbox" / "a.csv")
    fund.file(row).rename(feeds / "deaths" / "inbox" / "a.csv")
    night = nightly(fund.service, feeds)
    assert fund.standing("Alan Turing").standing == "paused"
    assert night.runs == 1
    assert len(night.troubles) == 2
    assert any("no columns 'missing'" in line for line in night.troubles)
    assert not any("Turing" in line for line in night.troubles)


@pytest.mark.enable_socket
def test_the_registry_worker_does_it_by_itself(fund: Fund, feeds: Path) -> None:
    fund.file(fund.row("Alan Turing", "1", "2026-02-20")).rename(feeds / "deaths" / "inbox" / "a.csv")
    settings = fund.service.settings.model_copy(update={"feeds_dir": feeds})
    service = replace(fund.service, settings=settings)
    with service.unit() as unit:
        unit.db.connection().exec_driver_sql(
            "insert into procrastinate_jobs (queue_name, task_name, args, status) "
            "values ('registry', %(task)s, '{\"timestamp\": 0}', 'todo')",
            {"task": f"{NAMESPACE}:compare_registries"},
        )
    asyncio.run(run_registry_worker(service, wait=False))
    assert fund.standing("Alan Turing").standing == "paused"
