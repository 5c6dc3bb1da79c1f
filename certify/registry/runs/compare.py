"""Comparison of a new policy with the present one on all people's evidence: whose standing would rise or fall."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from certify.domain.decide import Entitlement, Payment, decide
from certify.domain.policy import Policy
from certify.domain.schedule import local_date
from certify.domain.terms import read_terms
from certify.service import Service
from certify.storage.dossiers import read_dossiers
from certify.storage.people import people_after

_BATCH = 1_000


@dataclass(slots=True)
class PolicyComparison:
    """What would change for one scheme.

    Attributes:
        scheme: the scheme.
        pensions: number of pensions that were decided under both policies.
        moves: numbers of pensions by (standing now, standing then), where the two differ.
        gained: number of pensions with a better standing.
        lost: number of pensions with a worse standing.
        stopped: number of payments that would stop and do not stop now.
        resumed: number of payments that are stopped now and would not be.
        longer: number of pensions with the same standing that would be valid for longer.
        shorter: number of pensions with the same standing that would be valid for a shorter time.
    """

    scheme: str
    pensions: int = 0
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    gained: int = 0
    lost: int = 0
    stopped: int = 0
    resumed: int = 0
    longer: int = 0
    shorter: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One pension whose standing would change."""

    beneficiary_id: UUID
    entitlement_id: str
    before: str
    after: str


def compare_policies(
    service: Service,
    new: Policy,
    *,
    scheme: str | None = None,
    start: UUID,
    limit: int | None,
    changed: Callable[[Change], None],
    progress: Callable[[int], None] = lambda _done: None,
) -> PolicyComparison:
    """Decide all pensions of the new policy's scheme under the present policy and the new one; nothing is stored.

    Args:
        service: the service.
        new: the policy to try.
        scheme: the scheme whose pensions are decided under it; by default its own. A new scheme has no pensions yet.
        start: the id from which people are taken. Ids are random, so people from any start are a random sample.
        limit: number of people; None for all.
        changed: is called with every pension whose standing would change.
        progress: is called with the number of people so far.

    Returns:
        The numbers of changes.

    Raises:
        Invalid: there is no such scheme yet (``unknown_scheme``).
    """
    now = service.policy(scheme or new.scheme).policy
    result, seen = PolicyComparison(now.scheme), 0
    for people in _pages(service, start, limit):
        with service.reading() as unit:
            dossiers = read_dossiers(unit.db, people)
            instant = unit.now
        for dossier in dossiers.values():
            for pension in dossier.pensions:
                if pension.scheme != now.scheme:
                    continue
                entitlement = Entitlement(
                    str(pension.id),
                    pension.scheme,
                    pension.starts_on,
                    dossier.birth_date,
                    pension.last_proof_on,
                    pension.first_due_on,
                    read_terms(pension.terms),
                )
                before = decide(entitlement, now, dossier.evidence, local_date(instant, now.timezone))
                after = decide(entitlement, new, dossier.evidence, local_date(instant, new.timezone))
                result.pensions += 1
                result.stopped += before.payment is Payment.CONTINUE and after.payment is Payment.STOP
                result.resumed += before.payment is Payment.STOP and after.payment is Payment.CONTINUE
                if before.standing == after.standing:
                    if before.valid_until and after.valid_until:
                        result.longer += after.valid_until > before.valid_until
                        result.shorter += after.valid_until < before.valid_until
                    continue
                result.gained += after.standing > before.standing
                result.lost += after.standing < before.standing
                names = before.standing.name.lower(), after.standing.name.lower()
                result.moves[names] += 1
                changed(Change(dossier.id, entitlement.id, *names))
        seen += len(people)
        progress(seen)
    return result


def _pages(service: Service, start: UUID, limit: int | None) -> Iterator[list[UUID]]:
    """Yield people in the order of their ids, from ``start`` to the last and then from the first to ``start``."""
    left = limit
    for first, last in ((start, None), (UUID(int=0), start)):
        after = UUID(int=max(first.int - 1, 0))
        while left is None or left > 0:
            with service.reading() as unit:
                people = list(people_after(unit.db, after, before=last, limit=min(_BATCH, left or _BATCH)))
            if not people:
                break
            yield people
            after = people[-1]
            left = None if left is None else left - len(people)
