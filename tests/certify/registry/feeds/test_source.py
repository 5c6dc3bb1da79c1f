"""A feed speaks for a listed source only, and only within the limits of that source."""

from __future__ import annotations

from typing import Any

import pytest

from certify.errors import CertifyError
from certify.registry.feeds.description import parse_feed
from certify.registry.feeds.source import require_feed_source
from certify.sources import parse_sources
from tests.certify.registry.feeds.test_description import GOOD, LIFE

_ACTS = sorted(set(LIFE["acts"].values()))


@pytest.mark.parametrize(
    ("feed", "source", "code"),
    [
        (GOOD, {}, None),
        (LIFE, {}, None),
        (GOOD, {"principals": ["feed:another"]}, "source_not_yours"),
        (GOOD, {"principals": ["https://id.example|7"]}, "source_not_yours"),
        (GOOD, {"kinds": ["prison"]}, "source_limits"),
        (LIFE, {"acts": []}, "source_limits"),
        (GOOD, {"weight": 0.1}, "source_limits"),
        (GOOD, None, "source_unknown"),
    ],
)
def test_a_feed_is_held_to_the_registry_of_sources(
    feed: dict[str, Any], source: dict[str, Any] | None, code: str | None
) -> None:
    listed = {"institution": "office", "principals": ["feed:*"], "kinds": ["death"], "acts": _ACTS}
    sources = {} if source is None else {feed["source"]: listed | source}
    registry = parse_sources({"institutions": {"office": "An office"}, "sources": sources})
    if code is None:
        assert require_feed_source(registry, parse_feed(feed)).institution == "office"
        return
    with pytest.raises(CertifyError) as refused:
        require_feed_source(registry, parse_feed(feed))
    assert refused.value.code == code
