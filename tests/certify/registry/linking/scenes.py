"""People and records that are hard to tell apart, one scene for each kind of problem, in a small ordinary nation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from certify.registry.linking import Layout, Source
from fixtures.nation.feeds import register
from fixtures.nation.ids import as_text, chinese_ids, old_chinese_ids
from fixtures.nation.people import make_nation

FUND = Layout(
    key="person", id="id", name=("name",), birth="birth", sex="sex", region="region", id_format="cn"
)  # fmt: skip
REGISTRY = Layout(
    key="record", id="id", name=("name",), birth="birth", sex="sex", region="region", id_format="cn"
)  # fmt: skip
_COLUMNS = ("id", "name", "birth", "sex", "region")


def chinese_id(birth: str, *, region: str = "110101", sequence: int = 900) -> str:
    """Return a valid id; the nation has no sequence numbers from 900 on."""
    made = chinese_ids(np.array([int(region)]), np.array([np.datetime64(birth)]), np.array([sequence]))
    text: str = as_text(made)[0].as_py()
    return text


def old_form(text: str) -> str:
    """Return the 15-digit form of an id."""
    old: str = as_text(old_chinese_ids(np.array([list(text.encode())], np.uint8)))[0].as_py()
    return old


def slipped(text: str, place: int = 15) -> str:
    """Return an id with one wrong digit."""
    return text[:place] + str((int(text[place]) + 3) % 10) + text[place + 1 :]


@dataclass
class Scenes:
    """Rows of both sides; keys name the scene that they belong to."""

    people: list[dict[str, Any]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)

    def person(self, key: str, name: str | None, birth: str | None, **more: Any) -> str:
        """Add a person, with a new id unless one is given; return the id."""
        row = {"sex": "F", "region": "110101"} | more
        if "id" not in row and birth is not None:
            row["id"] = chinese_id(birth, region=row["region"], sequence=900 + len(self.people) % 99)
        self.people.append({"person": key, "name": name, "birth": birth} | row)
        return str(row.get("id"))

    def record(self, key: str, name: str | None, birth: str | None, **more: Any) -> None:
        """Add a record, without an id unless one is given."""
        self.records.append({"record": key, "name": name, "birth": birth} | {"sex": "F", "region": "110101"} | more)

    def sources(self, nation_size: int = 1500) -> tuple[Source, Source]:
        """Return both sides, with an ordinary nation around the scenes."""
        nation = make_nation(nation_size, seed=11)
        feed = register(nation, seed=12).table
        people = _table(nation.table(), "person", "n", self.people)
        records = _table(feed, "record", "r", self.records)
        return Source(people, FUND), Source(records, REGISTRY)


def _table(nation: pa.Table, key: str, prefix: str, rows: list[dict[str, Any]]) -> pa.Table:
    theirs = nation.rename_columns(
        [{"record_id": "record", "national_id": "id", "birth_date": "birth"}.get(n, n) for n in nation.column_names]
    ).select([key, *_COLUMNS])
    ordinary = [row | {key: f"{prefix}{row[key]}", "birth": str(row["birth"])} for row in theirs.to_pylist()]
    texts = {name: [row.get(name) for row in [*ordinary, *rows]] for name in (key, *_COLUMNS)}
    return pa.table({name: pa.array(values, pa.string()) for name, values in texts.items()})


def hard_scenes() -> Scenes:
    """Return all scenes."""
    s = Scenes()
    right = s.person("plain", "沈桂兰", "1941-03-07")
    s.record("plain", "沈桂兰", "1941-03-07", id=right)

    # Twins, and a record of one of them without an id.
    s.person("twin-1", "汤淑珍", "1944-06-11")
    s.person("twin-2", "汤玉莲", "1944-06-11")
    s.record("twin", "汤玉莲", "1944-06-11")
    # Twins whose ids were exchanged.
    s.person("swap-1", "廖春芳", "1946-02-17")
    other = s.person("swap-2", "廖秋月", "1946-02-17")
    s.record("swap", "廖春芳", "1946-02-17", id=other)
    # A twin without a pension here.
    s.person("lone-twin", "邵素珍", "1943-11-23")
    s.record("lone-twin", "邵凤英", "1943-11-23")

    # Same name, other people; and same name and birth date, told apart by the place or not at all.
    s.person("same-1", "王英", "1951-05-19")
    s.person("same-2", "王英", "1953-08-28")
    s.record("same", "王英", "1953-08-28")
    s.person("double-1", "侯美丽", "1948-10-12", region="330105")
    s.person("double-2", "侯美丽", "1948-10-12", region="440105")
    s.record("double", "侯美丽", "1948-10-12", region=None)
    s.record("double-placed", "侯美丽", "1948-10-12", region="440105")

    # A number given out twice: its former owner died. Then a number that a clerk took from another row.
    reused = s.person("reused", "金翠玲", "1939-07-21")
    s.record("reused", "贺巧云", "1939-07-21", id=reused)
    living = s.person("id-owner", "段秀琴", "1949-01-27")
    s.person("really-dead", "诸葛惠敏", "1936-12-04", region="510105")
    s.record("id-of-another", "诸葛惠敏", "1936-12-04", id=living, region="510105")

    old = s.person("old-form", "史文霞", "1938-09-16")
    s.record("old-form", "史文霞", "1938-09-16", id=old_form(old))
    s.record("old-form-lower", "史文霞", "1938-09-16", id=f" {old[:6]} {old[6:]} ".lower())

    script = s.person("script", "欧阳静兰", "1942-04-14", region="210105")
    s.record("script-id", "OUYANG, Jinglan", "1942-04-14", id=script, region="210105")
    s.record("script", "OUYANG Jinglan", "1942-04-14", region="210105")
    s.person("variant", "陈国华", "1940-08-09", sex="M", region="210105")
    s.record("variant", "陳國華", "1940-08-09", sex="M", region="210105")

    dates = s.person("dates", "司马琴红", "1945-03-09", region="310105")
    for key, written in (("swapped", "1945-09-03"), ("year", "1945"), ("new-year", "1945-01-01"), ("month", "1945-03")):
        s.record(f"date-{key}", "司马琴红", written, region="310105")
        s.record(f"date-{key}-id", "司马琴红", written, id=dates, region="310105")
    # The first of January stands for an unknown day, so it is not a proof.
    s.person("new-year-1", "李秀英", "1950-01-01", region="320105")
    s.record("new-year", "李秀英", "1950-01-01", region=None)

    faulty = s.person("id-faults", "顾爱梅", "1947-11-18", region="420105")
    s.record("id-slip", "顾爱梅", "1947-11-18", id=slipped(faulty), region="420105")
    s.record("id-slip-and-date", "顾爱梅", "1947-11-19", id=slipped(faulty, 4), region="420105")
    s.record("id-slip-and-name", "顾梅爱", "1947-11-18", id=slipped(faulty), region="420105")
    s.record("id-cut", "顾爱梅", "1947-11-18", id=faulty[:9], region="420105")
    s.record("id-alone", None, None, id=faulty, sex=None, region=None)
    s.record("id-and-name", "顾爱梅", None, id=faulty, sex=None, region=None)
    s.record("id-and-date", None, "1947-11-18", id=faulty, sex=None, region=None)

    # One person entered twice.
    twice = s.person("twice-1", "夏丽霞", "1952-02-22")
    s.person("twice-2", "夏丽霞", "1952-02-22", id=twice)
    s.record("twice", "夏丽霞", "1952-02-22", id=twice)
    # The fund does not know the id; a record with a valid id of its own is about another person.
    s.person("no-id", "薛月娥", "1937-06-06", id=None, region="610105")
    s.record("no-id", "薛月娥", "1937-06-06", id=chinese_id("1937-06-06", region="610105"), region="610105")
    s.person("not-me", "孟冬梅", "1954-04-04", region="610102")
    s.record("not-me", "孟冬梅", "1954-04-04", id=chinese_id("1954-04-04", sequence=997), region="610102")

    s.person("nothing", None, None, id=None, sex=None, region=None)
    s.record("nothing", None, None, sex=None, region=None)
    s.person("empty", "", "", id="", sex="", region="")
    s.record("empty", "", "", id="", sex="", region="")
    return s
