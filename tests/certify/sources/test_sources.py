"""The registry of sources: what it refuses in a file, and what it refuses of a caller."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from certify.domain.sources import FUND
from certify.errors import CertifyError, Unavailable
from certify.policies import load_policies
from certify.sources import load_sources, parse_sources, require_reportable

_GOOD: dict[str, Any] = {
    "institutions": {"city-hospital": "City Hospital"},
    "sources": {
        "hospital": {
            "institution": "city-hospital",
            "principals": ["https://id.example|hospital-7", "feed:*"],
            "kinds": ["death"],
            "acts": ["hospital_stay"],
            "weight": 0.8,
        }
    },
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"institutions": {}}, "not listed in [institutions]"),
        ({"institutions": {FUND: "The fund"}}, "not listed"),
        ({"principals": ["a*b"]}, "principals"),
        ({"weight": 1.5}, "weight"),
        ({"attests": ["barber"]}, "barber"),
        ({"trust": 1.0}, "trust"),
    ],
)
def test_a_file_with_a_mistake_is_refused(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    source = {**_GOOD["sources"]["hospital"], **{k: v for k, v in change.items() if k != "institutions"}}
    lines = ["[institutions]"]
    lines += [f'{name} = "{title}"' for name, title in change.get("institutions", _GOOD["institutions"]).items()]
    lines += ["[sources.hospital]", *(f"{key} = {value!r}" for key, value in source.items())]
    path = tmp_path / "sources.toml"
    path.write_text("\n".join(lines))
    with pytest.raises(Unavailable, match="registry of sources") as refused:
        load_sources(path)
    assert refused.value.code == "sources_file"
    assert said in refused.value.message


def test_a_missing_file_and_the_fund_as_a_source_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        load_sources(tmp_path / "none.toml")
    for name, institution in (("officer-x", "city-hospital"), ("certify", "city-hospital"), ("x", FUND)):
        named = {**_GOOD, "institutions": {**_GOOD["institutions"], FUND: "The fund"}}
        with pytest.raises(ValueError, match=r"fund|service"):
            parse_sources(named | {"sources": {name: {"institution": institution, "principals": ["*"]}}})


@pytest.mark.parametrize(
    ("name", "principal", "code"),
    [
        ("hospital", "https://id.example|hospital-7", None),
        ("hospital", "feed:deaths", None),
        ("hospital", "https://id.example|hospital-77", "source_not_yours"),
        ("hospital", "https://id.example|bank", "source_not_yours"),
        ("another", "feed:deaths", "source_unknown"),
    ],
)
def test_only_listed_principals_speak_for_a_listed_source(name: str, principal: str, code: str | None) -> None:
    registry = parse_sources(_GOOD)
    if code is None:
        assert registry.require(name, principal).weight == 0.8
        return
    with pytest.raises(CertifyError) as refused:
        registry.require(name, principal)
    assert refused.value.code == code


def test_a_source_reports_only_what_its_list_names() -> None:
    hospital = parse_sources(_GOOD).sources["hospital"]
    require_reportable("hospital", hospital, adverse="death")
    require_reportable("hospital", hospital, act="hospital_stay")
    for words in ({"adverse": "emigration"}, {"act": "transport_card"}):
        with pytest.raises(CertifyError) as refused:
            require_reportable("hospital", hospital, **words)
        assert refused.value.code == "source_limits"


def test_the_shipped_file_names_known_words_and_no_issuer_of_a_fund() -> None:
    registry = load_sources()
    policies = [document.policy for document in load_policies().values()]
    kinds = {kind for policy in policies for kind in policy.adverse}
    acts = {act for policy in policies for act in policy.signs}
    feeds = {"remarriage", "reemployment"}  # kinds of feeds that a fund's own policies may know
    for rules in (*registry.sources.values(), registry.officers):
        assert rules.kinds <= kinds | feeds
        assert rules.acts <= acts
    assert registry.officers.acts == frozenset(), "an officer alone must not prove life by a record"
    text = (resources.files("certify.sources") / "shipped.toml").read_text("utf-8")
    for source in tomllib.loads(text)["sources"].values():
        assert set(source["principals"]) <= {"feed:*", "operator:*", "certify:development|*"}
