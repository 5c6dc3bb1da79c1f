"""Facts and determinations as JSON: a fixed stored form, round trips, and stable digests."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

import pytest
from hypothesis import assume, given

from certify.domain.channels import Channel
from certify.domain.codec import (
    canonical,
    determination_digest,
    determination_to_json,
    digest,
    evidence_from_json,
    evidence_kind,
    evidence_to_json,
)
from certify.domain.decide import Entitlement, decide
from certify.domain.evidence import Capture, Check, SignOfLife
from tests.certify.domain import strategies as some

WHEN = datetime(2026, 6, 1, 4, tzinfo=UTC)
CAPTURE = Capture(
    id="c1",
    source="certify",
    event_at=WHEN,
    recorded_at=WHEN,
    session_id="s1",
    channel=Channel.REMOTE,
    acquired=Check.PASS,
    llr=5.5,
    embedders=2,
    liveness=Check.NOT_ASSESSED,
    guidance=("too_dark",),
)
# Stored in databases and hashed into ledgers: these names and forms never change.
STORED: dict[str, Any] = {
    "type": "capture",
    "id": "c1",
    "source": "certify",
    "event_at": "2026-06-01T04:00:00+00:00",
    "recorded_at": "2026-06-01T04:00:00+00:00",
    "session_id": "s1",
    "channel": "remote",
    "acquired": "pass",
    "llr": 5.5,
    "embedders": 2,
    "liveness": "not_assessed",
    "filmed": False,
    "guidance": ["too_dark"],
    "public_entry": False,
    "possession": "not_asked",
    "eyes": "not_assessed",
    "zone": None,
    "pooled_with": "",
    "challenge": "unrecorded",
}
LATER = ("filmed", "guidance", "public_entry", "possession", "eyes", "zone", "pooled_with", "challenge")
"""Fields that captures of earlier releases lack."""


def test_the_stored_form_of_a_capture_is_fixed() -> None:
    assert evidence_to_json(CAPTURE) == STORED
    assert evidence_from_json(STORED) == CAPTURE
    # Stored before videos existed, before strangers' attempts were told apart, before possession was asked for, and
    # before faces had zones.
    later = ("filmed", "public_entry", "possession", "eyes", "zone", "pooled_with", "challenge")
    old = {key: value for key, value in STORED.items() if key not in later}
    assert evidence_from_json(old) == CAPTURE


@given(some.cases() | some.edge_cases())
def test_evidence_survives_a_round_trip_through_json(case: some.Case) -> None:
    for fact in case.evidence:
        assume(not isinstance(fact, Capture) or fact.llr is None or isfinite(fact.llr))
        data = json.loads(canonical(evidence_to_json(fact)))
        back = evidence_from_json(data)
        assert back == fact
        assert type(back) is type(fact)
        assert data["type"] == evidence_kind(fact)


@given(some.cases())
def test_evidence_from_json_gives_the_same_determination(case: some.Case) -> None:
    back = [evidence_from_json(evidence_to_json(fact)) for fact in case.evidence]
    assert determination_digest(case.decide_on(back)) == determination_digest(case.decide())


@pytest.mark.parametrize(
    "change",
    [
        {"type": "rumour"},
        {"channel": "pigeon"},
        {"acquired": None},
        {"event_at": "2026-06-01T04:00:00"},
        {"event_at": "yesterday"},
        {"llr": "high"},
        {"colour": "blue"},
    ],
)
def test_data_that_describes_no_fact_is_refused(change: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        evidence_from_json({**STORED, **change})


@pytest.mark.parametrize("key", [key for key in STORED if key not in LATER])
def test_a_fact_with_a_missing_field_is_refused(key: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        evidence_from_json({k: v for k, v in STORED.items() if k != key})


def test_reading_does_not_change_the_data() -> None:
    data = dict(STORED)
    evidence_from_json(data)
    assert data == STORED


def test_the_canonical_form() -> None:
    assert canonical({"b": [1, None], "a": "养老"}) == '{"a":"养老","b":[1,null]}'.encode()
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})
    assert digest({}).hex() == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_lacks_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical(value)


def test_a_digest_covers_everything_but_the_wording() -> None:
    live = replace(CAPTURE, liveness=Check.PASS, filmed=True)
    entitlement = Entitlement("pension 1", "employee", date(2020, 1, 1), None)
    first = decide(entitlement, some.SHIPPED["employee"], [live], date(2026, 6, 2))
    data = determination_to_json(first)
    assert data["standing"] == "certified"
    assert data["timetable"] == {"window_from": "2027-03-03", "due_on": "2027-06-01", "grace_until": "2027-07-31"}
    assert all(reason["text"] for reason in data["reasons"])
    later = decide(entitlement, some.SHIPPED["employee"], [live], date(2026, 6, 3))
    assert determination_digest(first) != determination_digest(later)
    other_fact = decide(entitlement, some.SHIPPED["employee"], [replace(live, id="c2")], date(2026, 6, 2))
    assert determination_digest(first) != determination_digest(other_fact)
    for entry in data["reasons"]:
        del entry["text"]
    assert determination_digest(first) == digest(data)


def test_kinds_have_stable_names() -> None:
    assert evidence_kind(SignOfLife(id="x", source="y", event_at=WHEN, recorded_at=WHEN, act="z")) == "sign_of_life"
