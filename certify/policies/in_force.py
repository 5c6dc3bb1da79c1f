"""The rules of each scheme that are in force today. A scheme may have later rules, which wait for their day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from certify.domain.codec import digest
from certify.domain.policy import Policy, parse_policy
from certify.domain.schedule import local_date


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A policy with the effective document that it was read from.

    Attributes:
        policy: the parsed rules.
        document: the effective document: the scheme's file merged with ``common.toml``.
        sha256: digest of the document, which identifies the rules in every replay.
    """

    policy: Policy
    document: Mapping[str, Any]
    sha256: str


def document_policy(document: Mapping[str, Any]) -> PolicyDocument:
    """Parse an effective document, such as one that is stored with a determination.

    Raises:
        PolicyInvalid: the document breaks a rule of the format.
    """
    return PolicyDocument(parse_policy(document), document, digest(document).hex())


class PoliciesInForce(Mapping[str, PolicyDocument]):
    """Policies by name of the scheme: of each scheme the latest whose first day has come in its time zone.

    A scheme whose first rules still wait is not known yet.

    Args:
        versions: all policies of each scheme, by first day; a policy without one comes first.
        clock: says what time it is.
    """

    def __init__(self, versions: Mapping[str, Sequence[PolicyDocument]], clock: Callable[[], datetime]) -> None:
        self._versions = {scheme: tuple(sorted(found, key=_first_day)) for scheme, found in versions.items()}
        self._clock = clock

    def at(self, clock: Callable[[], datetime]) -> PoliciesInForce:
        """Return the same policies by another clock."""
        return PoliciesInForce(self._versions, clock)

    def versions(self, scheme: str) -> tuple[PolicyDocument, ...]:
        """Return all rules of a scheme, past and coming ones, by first day."""
        return self._versions[scheme]

    def __getitem__(self, scheme: str) -> PolicyDocument:
        found = self._versions[scheme]
        if len(found) == 1 and found[0].policy.in_force_from is None:
            return found[0]
        now = self._clock()
        begun = [one for one in found if _first_day(one) <= local_date(now, one.policy.timezone)]
        if not begun:
            raise KeyError(scheme)
        return begun[-1]

    def __iter__(self) -> Iterator[str]:
        return (scheme for scheme in self._versions if scheme in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, scheme: object) -> bool:
        return isinstance(scheme, str) and self.get(scheme) is not None


def utc_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


def _first_day(document: PolicyDocument) -> date:
    return document.policy.in_force_from or date.min
