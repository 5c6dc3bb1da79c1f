"""Verdicts by family and by the way of filming, intervals over people, and measures beside the framing alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.errors import ManifestInvalid
from models.evaluation.liveness_groups import FRAMING, auc, groups_of, separations_of
from models.evaluation.liveness_samples import ATTACK, LIVE, family_of, read_samples
from models.states import State
from models.statistics import bootstrap_share
from tests.models.evaluation.judged_made import judged_made

HEAD = "path,label,species,person,source,coding\n"


def test_the_columns_of_the_file_decide_family_and_filming(tmp_path: Path) -> None:
    (tmp_path / "samples.csv").write_text(
        HEAD + "a.mp4,live,,ann,webcam,phone\nb.mp4,LIVE,,ben,studio,\nc.mp4,live,,cam-1,films,\n"
        "d.mp4,attack,puppet-edtalk,ann,webcam,\ne.jpg,attack,,,,\n,live,,,,\nf.mp4,alive,,,,\n"
    )
    rows, samples, refused = read_samples(tmp_path / "samples.csv", self_filmed=["cam-"])
    assert (rows, len(samples)) == (7, 5)
    assert [sample.self_filmed for sample in samples] == [True, False, True, False, False]
    assert [sample.family for sample in samples] == ["", "", "", "puppet", "unnamed"]
    assert samples[4].person == "e.jpg", "without a column, each file is a person of its own"
    assert samples[4].image
    assert [line.split(":")[0] for line in refused] == ["line 7", "line 8"]
    (tmp_path / "samples.csv").write_text("path,species\n")
    with pytest.raises(ManifestInvalid):
        read_samples(tmp_path / "samples.csv")


@pytest.mark.parametrize(
    ("species", "family"),
    [("print", "print"), ("swap-deepfacelive", "swap"), ("lipsync-wav2lip", "lip-sync"), ("lip-sync-x", "lip-sync")],
)
def test_the_family_is_the_species_without_its_system(species: str, family: str) -> None:
    assert family_of(species) == family


def test_groups_count_living_people_apart_and_attacks_by_family_and_system() -> None:
    judged = [
        judged_made(LIVE, state=State.PASS, person="ann", self_filmed=True),
        judged_made(LIVE, state=State.FAIL, person="ben", self_filmed=True),
        judged_made(LIVE, state=State.PASS, person="cleo", coding="phone"),
        judged_made(ATTACK, "puppet-a", state=State.PASS, person="dan"),
        judged_made(ATTACK, "puppet-b", state=State.NOT_ASSESSED, person="eve"),
        judged_made(ATTACK, "print", state=State.FAIL, person="fay"),
    ]
    groups = {group.name: group for group in groups_of(judged)}
    assert list(groups) == [
        "living",
        "living, self-filmed",
        "living, others",
        "living, coding phone",
        "print",
        "puppet",
        "  puppet-a",
        "  puppet-b",
    ]
    own = groups["living, self-filmed"]
    assert (own.films, own.people, own.passed.rate.events, own.failed.rate.events) == (2, 2, 1, 1)
    assert groups["puppet"].asked.rate.value == 0.5
    assert groups["print"].passed.by_person is None, "one person has no interval over people"


def test_many_films_of_one_person_do_not_narrow_the_interval() -> None:
    """Twenty films of four people, one of whom always fails: films say 25 % +- 20, people say 0 to 75 %."""
    hits = np.array([False] * 15 + [True] * 5)
    people = [name for name in "abcd" for _ in range(5)]
    assert bootstrap_share(hits, people) == (0.0, 0.75)
    assert bootstrap_share(hits[:15], people[:15]) == pytest.approx((0.0, 0.7076), abs=1e-3), "none of three people"


def test_the_area_counts_pairs_and_ties_by_half() -> None:
    assert auc(np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0])) == pytest.approx((1 + 1.5 + 2) / 6)
    assert auc(np.array([1.0]), np.array([0.0]), np.array([0.0])) is None


def test_a_measure_that_only_knows_the_framing_stands_beside_it() -> None:
    random = np.random.default_rng(0)
    judged = []
    for number in range(60):
        live = number < 30
        size = float(random.normal(0.5 if live else 0.3, 0.05))
        measures = {"good": float(random.normal(2 if live else 0)), "bad": None}
        judged.append(
            judged_made(
                LIVE if live else ATTACK,
                "" if live else "puppet-x",
                state=State.PASS,
                person=str(number // 3),
                measures=measures,
                framing=size,
                llr=1.0,
            )
        )
    found = {one.measure: one for one in separations_of(judged, {"good": 1, "bad": 1})}
    assert set(found) == {"good", "smallest sum", FRAMING}, "a measure that no film has is left out"
    assert 0.8 < found["good"].auc < found[FRAMING].auc
    assert found["good"].by_person is not None
    assert found["smallest sum"].auc == 0.5
    assert found[FRAMING].lost < 0.2 <= found["good"].lost
    backwards = {one.measure: one for one in separations_of(judged, {"good": -1})}
    assert backwards["good"].auc == pytest.approx(1 - found["good"].auc)
