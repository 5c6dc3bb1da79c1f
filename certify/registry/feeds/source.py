"""Check a feed against the registry of sources: only a listed source may speak, and only within its limits."""

from __future__ import annotations

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.feeds.description import Feed
from certify.sources import Source, SourceRegistry, require_reportable


def principal_of(feed_name: str) -> str:
    """Return the principal that facts of a feed carry: the way by which its institution delivers."""
    return f"feed:{feed_name}"


def require_feed_source(sources: SourceRegistry, feed: Feed) -> Source:
    """Return the source of a feed, if the feed may speak for it and reports nothing else than the source may.

    Args:
        sources: the registry of sources.
        feed: the description of the feed.

    Returns:
        The source.

    Raises:
        Invalid: there is no such source (``source_unknown``), or the feed reports a kind or an act, or claims a weight,
            beyond what the source may (``source_limits``).
        NotAllowed: the feed does not speak for the source (``source_not_yours``).
    """
    source = sources.require(feed.source, principal_of(feed.name))
    require_reportable(feed.source, source, adverse=feed.adverse_kind)
    for act in sorted(set(feed.acts.values())):
        require_reportable(feed.source, source, act=act)
    if feed.evidence.weight > source.weight:
        raise Invalid(
            f"The feed '{feed.name}' claims the weight {feed.evidence.weight:g}; its source has {source.weight:g}.",
            hint="Lower [evidence] weight in the feed's description.",
            code=ErrorCode.SOURCE_LIMITS,
        )
    return source
