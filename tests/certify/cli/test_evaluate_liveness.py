"""The tables of 'certify evaluate liveness': verdicts by group, and each measure beside the framing alone."""

from __future__ import annotations

import pytest

from certify.cli.evaluate_liveness import show_liveness
from models.evaluation.liveness import LivenessEvaluation, _rates
from models.evaluation.liveness_groups import groups_of, separations_of
from models.states import State
from tests.models.evaluation.judged_made import judged_made


def test_families_and_people_who_filmed_themselves_are_shown_apart(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = tuple(
        judged_made(
            "live" if number < 4 else "attack",
            "" if number < 4 else "puppet-a" if number < 6 else "print",
            state=State.PASS if number % 2 else State.FAIL,
            person=str(number),
            self_filmed=number < 2,
            measures={"planarity": float(-number)},
            framing=0.5,
            llr=1.0,
        )
        for number in range(8)
    )
    groups, separations = groups_of(judged), separations_of(judged, {"planarity": 1})
    report = LivenessEvaluation(
        9,
        {"video": _rates(judged)},
        {"bad_row": 1},
        ("line 3: no",),
        {},
        "0" * 64,
        judged,
        tuple(groups),
        tuple(separations),
    )
    monkeypatch.setenv("COLUMNS", "200")
    show_liveness(report)
    out = capsys.readouterr().out
    for words in ("living, self-filmed", "living, others", "puppet", "puppet-a", "framing alone", "line 3: no"):
        assert words in out
    assert "2 = 50.0% (" in out
    assert report.to_json()["groups"][0]["passed"]["rate"]["events"] == 2
