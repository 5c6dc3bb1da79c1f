"""Groups of rows that are one person, from pairs."""

from __future__ import annotations

from collections.abc import Iterable


def join_rows(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the groups of rows that pairs join, directly or through others.

    Args:
        pairs: keys of two rows that are one person.

    Returns:
        The groups of two and more, each sorted by key.
    """
    leader: dict[str, str] = {}

    def first(key: str) -> str:
        while (above := leader.setdefault(key, key)) != key:
            leader[key] = leader[above]
            key = above
        return key

    for one, two in pairs:
        leader[max(first(one), first(two))] = min(first(one), first(two))
    groups: dict[str, list[str]] = {}
    for key in leader:
        groups.setdefault(first(key), []).append(key)
    return sorted(sorted(group) for group in groups.values())
