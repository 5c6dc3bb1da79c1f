"""Rules tried before they are released: who would gain or lose standing, on everybody's evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from certify.domain.decide import Entitlement, Payment, decide
from certify.domain.policy import Policy
from certify.domain.schedule import local_date
from certify.service import Service
from certify.storage.dossiers import read_dossiers
from certify.storage.people import people_after

_BATCH = 1_000


@dataclass(slots=True)
class Comparison:
    """What would change for one scheme.

    Attributes:
        scheme: the scheme.
        pensions: how many were decided under both policies.
        moves: (standing now, standing then) to their number, where they differ.
        gained: pensions that would stand better.
        lost: pensions that would stand worse.
        stopped: pensions whose payment would stop and does not stop now.
        resumed: the other way round.
        longer: pensions that would be valid for longer at the same standing.
        shorter: pensions that would be valid for less long at the same standing.
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
    """One pension that would stand otherwise."""

    beneficiary_id: UUID
    entitlement_id: str
    before: str
    after: str


def compare_policies(
    service: Service,
    new: Policy,
    *,
    start: UUID,
    limit: int | None,
    changed: Callable[[Change], None],
    progress: Callable[[int], None] = lambda _done: None,
) -> Comparison:
    """Decide all pensions of the new policy's scheme under the present policy and the new one; nothing is stored.

    Args:
        service: where people are.
        new: the policy to be tried.
        start: the id from which people are taken. Ids are random, so so many from anywhere are a random sample.
        limit: how many people; everybody when None.
        changed: is called with every pension that would stand otherwise.
        progress: is called with the number of people seen.

    Raises Invalid (``unknown_scheme``) when there is no such scheme yet.
    """
    now = service.policy(new.scheme).policy
    found, seen = Comparison(new.scheme), 0
    for people in _pages(service, start, limit):
        with service.reading() as unit:
            dossiers = read_dossiers(unit.db, people)
            instant = unit.now
        for dossier in dossiers.values():
            for pension in dossier.pensions:
                if pension.scheme != new.scheme:
                    continue
                entitlement = Entitlement(
                    str(pension.id), pension.scheme, pension.starts_on, dossier.birth_date, pension.last_proof_on
                )
                before = decide(entitlement, now, dossier.evidence, local_date(instant, now.timezone))
                after = decide(entitlement, new, dossier.evidence, local_date(instant, new.timezone))
                found.pensions += 1
                found.stopped += before.payment is Payment.CONTINUE and after.payment is Payment.STOP
                found.resumed += before.payment is Payment.STOP and after.payment is Payment.CONTINUE
                if before.standing == after.standing:
                    if before.valid_until and after.valid_until:
                        found.longer += after.valid_until > before.valid_until
                        found.shorter += after.valid_until < before.valid_until
                    continue
                found.gained += after.standing > before.standing
                found.lost += after.standing < before.standing
                names = before.standing.name.lower(), after.standing.name.lower()
                found.moves[names] += 1
                changed(Change(dossier.id, entitlement.id, *names))
        seen += len(people)
        progress(seen)
    return found


def _pages(service: Service, start: UUID, limit: int | None) -> Iterator[list[UUID]]:
    """Go through people in the order of their ids, from ``start`` around to where it began."""
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
