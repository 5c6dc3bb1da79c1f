"""Policies: the shipped ones are valid, and each mistake is refused with its table and key."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from certify.domain.channels import Channel
from certify.domain.policy import Effect, LivenessRule, PolicyInvalid, parse_policy
from certify.policies import document_policy, load_policies
from tests.certify.policies.folders import folder

Change = Callable[[dict[str, Any]], object]


def document() -> dict[str, Any]:
    """Return the whole document of a valid scheme; tests may change it."""
    common = tomllib.loads((resources.files("certify.policies") / "common.toml").read_text("utf-8"))
    return {**common, "scheme": "employee", "title": "Employee"}


def find(data: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    """Return the table in which the last step of a path is a key."""
    *steps, key = path.split("/")
    table: Any = data
    for step in steps:
        table = table[int(step)] if isinstance(table, list) else table[step]
    return table, key


def put(path: str, value: object) -> Change:
    def change(data: dict[str, Any]) -> None:
        table, key = find(data, path)
        table[key] = value

    return change


def drop(path: str) -> Change:
    def change(data: dict[str, Any]) -> None:
        table, key = find(data, path)
        del table[key]

    return change


def test_the_unchanged_document_is_valid() -> None:
    assert parse_policy(document()).scheme == "employee"


@pytest.mark.parametrize(
    ("change", "where", "key"),
    [
        (drop("version"), "policy", "version"),
        (drop("capture/remote/liveness"), "capture.remote", "liveness"),
        (drop("signs/vaccination/body_present"), "signs.vaccination", "body_present"),
        (drop("signs/vaccination/justification"), "signs.vaccination", "justification"),
        (drop("adverse/death/effect"), "adverse.death", "effect"),
        (drop("silent/threshold"), "silent", "threshold"),
        (drop("bands/0/accepted"), "bands[0]", "accepted"),
        (put("validity_months", "12"), "policy", "validity_months"),
        (put("validity_months", 12.0), "policy", "validity_months"),
        (put("validity_months", True), "policy", "validity_months"),
        (put("capture/remote/min_llr", True), "capture.remote", "min_llr"),
        (put("capture/remote/min_llr", 0.5), "capture.remote", "min_llr"),
        (put("capture/remote/min_llr", float("nan")), "capture.remote", "min_llr"),
        (put("capture/remote/near", "pass"), "capture.remote", "near"),
        (put("capture/remote/apart", "ask"), "capture.remote", "apart"),
        (put("capture/remote/apart", 1), "capture.remote", "apart"),
        (put("capture/remote/embedders", 0), "capture.remote", "embedders"),
        (put("signs/vaccination/body_present", 1), "signs.vaccination", "body_present"),
        (put("signs/vaccination/weight", -0.1), "signs.vaccination", "weight"),
        (put("silent/min_body_present", 0), "silent", "min_body_present"),
        (put("min_age", -1), "policy", "min_age"),
        (put("stop_sources", 1), "policy", "stop_sources"),
        (put("grace_dayz", 60), "policy", "grace_dayz"),
        (put("capture/remote/min_lr", 4.0), "capture.remote", "min_lr"),
        (put("adverse/death/can_stopp", True), "adverse.death", "can_stopp"),
        (put("signs/vaccination/maxcount", 2), "signs.vaccination", "maxcount"),
        (put("silent/treshold", 1.0), "silent", "treshold"),
        (put("bands/0/to_age", 95), "bands[0]", "to_age"),
        (put("adverse/prison/can_stop", True), "adverse.prison", "can_stop"),
        (put("adverse/emigration/can_stop", True), "adverse.emigration", "can_stop"),
        (put("adverse/death/paths", ["officer"]), "adverse.death", "paths"),
        (drop("adverse/emigration/paths"), "adverse.emigration", "paths"),
        (put("adverse/emigration/paths", []), "adverse.emigration", "paths"),
        (put("adverse/emigration/paths", ["pigeon"]), "adverse.emigration", "paths"),
        (put("adverse/death/effect", "shoot"), "adverse.death", "effect"),
        (put("capture/remote/liveness", "maybe"), "capture.remote", "liveness"),
        (put("bands/0/accepted", ["remote", "pigeon"]), "bands[0]", "accepted"),
        (put("bands/0/accepted", [1]), "bands[0]", "accepted"),
        (put("bands/0/accepted", "remote"), "bands[0]", "accepted"),
        (put("bands/0/from_age", 1), "bands", "from_age"),
        (put("bands", []), "bands", "from_age"),
        (put("bands", [{"from_age": 0, "accepted": []}, {"from_age": 0, "accepted": []}]), "bands", "from_age"),
        (put("timezone", "Asia/Atlantis"), "policy", "timezone"),
        (put("timezone", "../../etc/passwd"), "policy", "timezone"),
        (put("timezone", ""), "policy", "timezone"),
        (put("capture/pigeon", {}), "capture.pigeon", "pigeon"),
        (put("capture/data", {}), "capture.data", "data"),
        (put("capture/remote", 5), "capture.remote", "5"),
        (put("signs/vaccination", 0.8), "signs.vaccination", "0.8"),
        (put("adverse/death", "pause"), "adverse.death", "pause"),
        (put("silent", []), "policy", "silent"),
        (put("bands", ["remote"]), "bands[0]", "remote"),
    ],
)
def test_a_mistake_is_refused_with_its_table_and_key(change: Change, where: str, key: str) -> None:
    data = document()
    change(data)
    with pytest.raises(PolicyInvalid) as refused:
        parse_policy(data)
    assert str(refused.value).startswith(f"{where}:")
    assert key in str(refused.value)


def test_the_shipped_schemes() -> None:
    shipped = load_policies()
    assert set(shipped) == {
        "disability",
        "elderly_subsidy",
        "employee",
        "enterprise_annuity",
        "occupational_annuity",
        "orphan",
        "personal_pension",
        "resident",
        "survivor",
    }
    assert len({document.sha256 for document in shipped.values()}) == len(shipped)
    for loaded in shipped.values():
        policy = loaded.policy
        assert policy.stop_sources >= 2
        assert policy.adverse["death"].can_stop
        assert all(rule.justification for rule in policy.signs.values())
        assert all(rule.liveness in LivenessRule for rule in policy.capture.values())


def test_a_stored_document_gives_the_same_policy_again() -> None:
    for loaded in load_policies().values():
        again = document_policy(loaded.document)
        assert again == loaded


def test_a_scheme_overrides_single_keys_but_restates_rules_whole(tmp_path: Path) -> None:
    text = """
        scheme = "x"
        title = "X"
        [capture.remote]
        min_llr = 6.0
        [adverse.death]
        effect = "review"
        [signs.vaccination]
        weight = 0.5
        body_present = true
        justification = "test"
    """
    policy = load_policies(folder(tmp_path, x=text))["x"].policy
    remote = policy.capture[Channel.REMOTE]
    assert (remote.min_llr, remote.embedders) == (6.0, 2)
    assert (policy.adverse["death"].effect, policy.adverse["death"].can_stop) == (Effect.REVIEW, False)
    assert policy.adverse["missing"].effect is Effect.PAUSE
    assert policy.signs["hospital_stay"].weight == 1.0


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a": 'scheme = "x"\ntitle = "A"', "b": 'scheme = "x"\ntitle = "B"'}, ["b.toml", "'x'", "twice"]),
        ({"a": "scheme = "}, ["a.toml", "TOML"]),
        ({"common": "[["}, ["common.toml", "TOML"]),
        ({"a": 'scheme = "x"\ntitle = "A"\ncolour = 1'}, ["a.toml", "policy", "colour"]),
        ({"a": 'scheme = "x"\ntitle = "A"\n[adverse.death]\ncan_stop = true'}, ["a.toml", "adverse.death", "effect"]),
        ({"a": 'scheme = "x"\ntitle = "A"\nsilent = 3'}, ["a.toml", "policy", "silent"]),
    ],
)
def test_a_folder_with_a_mistake_is_refused_with_the_name_of_the_file(
    tmp_path: Path, files: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        load_policies(folder(tmp_path, **files))
    assert all(word in str(refused.value) for word in words)


def test_a_file_that_is_not_utf8_is_refused_with_its_name(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "a.toml").write_bytes('title = "养老"'.encode("gb18030"))
    with pytest.raises(PolicyInvalid, match=r"a\.toml"):
        load_policies(tmp_path)


def test_bands_go_by_age_and_an_unknown_age_gets_the_strictest() -> None:
    policy = load_policies()["elderly_subsidy"].policy
    assert Channel.DATA in policy.accepted(94)
    assert Channel.DATA not in policy.accepted(95)
    assert Channel.DATA not in policy.accepted(None)
    assert policy.accepted(-1) == frozenset()
