"""Descriptions of feeds: valid ones are read, others are refused with the name of the key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from certify.errors import Invalid
from certify.registry.feeds.description import Kind, load_feed, parse_feed

GOOD: dict[str, Any] = {
    "name": "civil-registry-deaths",
    "source": "civil-registry",
    "kind": "deaths",
    "file": {"format": "csv", "encoding": "gb18030"},
    "columns": {"record_id": "NR", "event_date": "DIED", "national_id": "ID", "operation": "OP"},
    "operations": {"notify": ["N"], "void": ["X"]},
    "evidence": {"weight": 1.0, "justification": "registered by a civil registrar"},
}
LIFE = {
    **GOOD,
    "kind": "life_events",
    "columns": {**GOOD["columns"], "act": "WHAT"},
    "acts": {"HOSP": "hospital_stay"},
}


def test_a_description_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "deaths.toml"
    path.write_text(
        'name = "d"\nsource = "civil-registry"\nkind = "deaths"\n[file]\nformat = "csv"\n'
        '[columns]\nrecord_id = "NR"\nevent_date = "DIED"\nnational_id = "ID"\n'
        '[evidence]\nweight = 1.0\njustification = "registered by a civil registrar"\n'
    )
    found = load_feed(path)
    assert (found.kind, found.adverse_kind, found.content) == (Kind.DEATHS, "death", "delta")
    assert found.columns.named() == {"record_id": "NR", "event_date": "DIED", "national_id": "ID"}


def test_life_events_are_not_adverse() -> None:
    assert parse_feed(LIFE).adverse_kind is None
    assert parse_feed({**GOOD, "adverse": "death_abroad"}).adverse_kind == "death_abroad"


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"kind": "rumours"}, "kind"),
        ({"colour": "blue"}, "colour"),
        ({"name": "Has Spaces"}, "name"),
        ({"file": {"format": "csv", "separator": ";;"}}, "file.separator"),
        ({"file": {"format": "xml"}}, "record"),
        ({"file": {"format": "fixed_width"}}, "fields"),
        ({"file": {"format": "sql", "query": "select 1"}}, "database"),
        ({"columns": {"record_id": "NR", "event_date": "D", "name": "N"}}, "birth_date"),
        ({"columns": {"event_date": "D", "national_id": "N"}}, "columns.record_id"),
        ({"operations": {"notify": ["X"], "void": ["X"]}}, "two operations"),
        ({"columns": {"record_id": "NR", "event_date": "D", "national_id": "I"}}, "operation"),
        ({"acts": {"a": "b"}}, "acts"),
        ({"kind": "life_events"}, "acts"),
        ({"evidence": {"weight": 2.0, "justification": "registered by an office"}}, "evidence.weight"),
        ({"evidence": {"weight": 1.0, "justification": "why"}}, "evidence.justification"),
        ({"limits": {"most_rows_ratio": 0.5}}, "limits.most_rows_ratio"),
    ],
)
def test_a_mistake_is_refused_with_its_key(change: dict[str, Any], key: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_feed({**GOOD, **change})
    assert key in refused.value.message
    assert refused.value.code == "feed_description"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"name = ", b"[["])
def test_a_file_that_is_no_toml_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "feed.toml"
    path.write_bytes(content)
    with pytest.raises(Invalid, match=r"feed\.toml"):
        load_feed(path)
