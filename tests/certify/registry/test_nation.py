"""The synthetic nation: the same from the same seed, with the faults that it promises."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from fixtures.nation.feeds import Faults, deaths, life_events, register
from fixtures.nation.people import make_nation

PEOPLE = 20_000


@pytest.mark.parametrize("flavour", ["chinese", "latin"])
def test_people_are_the_same_from_the_same_seed_and_have_ids_of_their_own(flavour: str) -> None:
    nation = make_nation(PEOPLE, seed=1, flavour=flavour)
    assert nation.table().equals(make_nation(PEOPLE, seed=1, flavour=flavour).table())
    assert not nation.table().equals(make_nation(PEOPLE, seed=2, flavour=flavour).table())
    assert len(set(nation.table()["national_id"].to_pylist())) == PEOPLE


def test_old_people_die_more_often_and_twins_share_a_birthday() -> None:
    nation = make_nation(PEOPLE, seed=1)
    ages = (nation.day - nation.born).astype(int) / 365.25
    dead = ~np.isnat(nation.dies)
    assert 0.02 < dead.mean() < 0.06
    assert dead[ages > 85].mean() > 4 * dead[ages < 70].mean()
    twins = np.flatnonzero(nation.twin >= 0)
    assert len(twins) == pytest.approx(PEOPLE / 80, rel=0.1)
    assert (nation.born[twins] == nation.born[nation.twin[twins]]).all()


def test_deaths_have_the_faults_they_should() -> None:
    nation = make_nation(PEOPLE, seed=1)
    feed = deaths(nation, seed=2, faults=Faults(wrong_deaths=500.0, id_of_another=0.02))
    errors = feed.truth["error"].to_pylist()
    wrong, voids = errors.count("wrong_death"), errors.count("void")
    assert wrong == voids > 0
    assert errors.count("id_of_another") > 0
    persons = np.array(feed.truth["person"].to_pylist())
    real = np.array([error not in ("wrong_death", "void", "stranger", "id_reused") for error in errors])
    assert not np.isnat(nation.dies[persons[real]]).any(), "all but the wrong ones are dead"
    assert np.isnat(nation.dies[persons[np.array(errors) == "wrong_death"]]).all()
    assert len(set(persons[real])) == pytest.approx((~np.isnat(nation.dies)).sum() * 0.96, rel=0.02)
    recorded = feed.table["recorded_on"].to_pylist()
    assert recorded == sorted(recorded)
    assert feed.table.equals(deaths(nation, seed=2, faults=Faults(wrong_deaths=500.0, id_of_another=0.02)).table)


@pytest.mark.parametrize("flavour", ["chinese", "latin"])
def test_some_ids_belonged_to_another_person_before(flavour: str) -> None:
    nation = make_nation(PEOPLE, seed=1, flavour=flavour)
    feed = deaths(nation, seed=2, faults=Faults(reused_ids=1000.0))
    former = feed.table.filter(pc.equal(feed.truth["error"], "id_reused"))
    assert 10 <= former.num_rows <= 40
    owners = {row["national_id"]: row for row in nation.table().to_pylist()}
    for row in former.to_pylist():
        assert row["name"] != owners[row["national_id"]]["name"]
        same = row["birth_date"] == owners[row["national_id"]]["birth_date"]
        assert same or flavour == "latin", "a Chinese id contains the birth date"


def test_people_move() -> None:
    nation = make_nation(PEOPLE, seed=1)
    feed = register(nation, seed=3)
    homes = nation.table()["region"].to_pylist()
    for row, truth in zip(feed.table.to_pylist(), feed.truth.to_pylist(), strict=True):
        if truth["person"] >= 0:
            assert (row["region"] != homes[truth["person"]]) == ("moved" in truth["error"])


def test_registers_lack_ids_and_hold_strangers() -> None:
    nation = make_nation(PEOPLE, seed=1)
    feed = register(nation, seed=3)
    assert feed.table.num_rows == PEOPLE
    errors = feed.truth["error"].to_pylist()
    assert sum("moved" in error for error in errors) == pytest.approx(0.02 * PEOPLE, rel=0.2)
    assert sum(error.startswith("id_") for error in errors) == pytest.approx(0.05 * PEOPLE, rel=0.15)
    strangers = np.array(feed.truth["person"].to_pylist()) < 0
    assert strangers.mean() == pytest.approx(0.1, abs=0.01)
    theirs = set(feed.table.filter(pa.array(strangers))["national_id"].to_pylist()) - {None}
    assert not theirs & set(nation.table()["national_id"].to_pylist())


def test_acts_after_the_death_need_no_body() -> None:
    nation = make_nation(PEOPLE, seed=1)
    feed = life_events(nation, seed=4, per_year=2.0)
    persons = np.array(feed.truth["person"].to_pylist())
    when = feed.table["event_date"].to_numpy().astype("datetime64[D]")
    late = ~np.isnat(nation.dies[persons]) & (when >= nation.dies[persons])
    acts = set(feed.table.filter(pa.array(late))["act"].to_pylist())
    assert late.any()
    assert acts == {"medical_claim", "transport"}
