"""Decoy sessions: an unknown identifier gets the same session as a known one, so that no answer reveals a pensioner.

A caller who enters an identifier and a birth date that the fund does not know gets a session with a plan, can send a
video, and is told that the attempt did not succeed. Attempts are limited as for a person. All decoy sessions belong
to one row of ``beneficiaries`` that stands for no person: it has no pension, no reference and no name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from certify.capture.attempts import MAX_SESSIONS_A_DAY, another_in_progress, too_many_sessions, used_up
from certify.capture.open_plan import FAILURES_COUNT, hardest_failed
from certify.domain.channels import Channel
from certify.domain.profile import Demand, Risk, choose
from certify.domain.schedule import age_on, latest_date
from certify.service import Unit
from certify.storage.decoys import decoy_waiting, decoys_since, failed_decoy_profiles
from certify.storage.people import DECOY_PERSON, enrol_people
from certify.storage.tables.people import BeneficiaryRow


def decoy_demand(unit: Unit, mark: bytes, birth_date: date, needs: Sequence[str]) -> Demand:
    """Choose how much a decoy session asks, as it would be chosen for a person.

    Args:
        unit: the transaction; the row that stands for no person is made in it if it is missing.
        mark: keyed hash of the identifier and birth date that were entered.
        birth_date: as entered.
        needs: accessibility needs, as entered for this session.

    Returns:
        The demand, from which the plan is drawn.

    Raises:
        Conflict: too many failed (``attempts_used_up``).
    """
    _ensure_decoy_person(unit)
    if len(_failed(unit, mark)) >= attempt_limits(unit)[0]:
        raise used_up(visit_comes=True)
    least = hardest_failed(unit, DECOY_PERSON, decoy=mark, window=FAILURES_COUNT)
    return choose(needs, age_on(birth_date, latest_date(unit.now)), (), Risk(), least=least)


def require_decoy_session(unit: Unit, mark: bytes) -> None:
    """Refuse another decoy session when a person would be refused one.

    Raises:
        Conflict: too many sessions today (``too_many_sessions``).
    """
    if decoys_since(unit.db, mark, unit.now - timedelta(days=1)) >= MAX_SESSIONS_A_DAY:
        raise too_many_sessions()


def require_decoy_open(unit: Unit, mark: bytes) -> None:
    """Refuse media of a decoy session where media of a person would be refused.

    Raises:
        Conflict: an earlier video is not decided yet (``another_in_progress``), or too many sessions failed
            (``attempts_used_up``).
    """
    if decoy_waiting(unit.db, mark):
        raise another_in_progress()
    if len(_failed(unit, mark)) >= attempt_limits(unit)[0]:
        raise used_up(visit_comes=True)


def decoy_attempts_left(unit: Unit, mark: bytes) -> int:
    """Return how many attempts remain after one that is about to be counted among the failed ones."""
    return max(0, attempt_limits(unit)[0] - len(_failed(unit, mark)) - 1)


def attempt_limits(unit: Unit) -> tuple[int, timedelta]:
    """Return how many remote attempts may fail and in which time: those of the strictest policy that accepts them."""
    rules = [document.policy.capture.get(Channel.REMOTE) for document in unit.service.policies.values()]
    known = [(rule.max_attempts, timedelta(days=rule.attempt_window_days)) for rule in rules if rule is not None]
    return min(known, default=(3, timedelta(days=30)))


def _failed(unit: Unit, mark: bytes) -> list[str]:
    return failed_decoy_profiles(unit.db, mark, unit.now - attempt_limits(unit)[1])


def _ensure_decoy_person(unit: Unit) -> None:
    if unit.db.get(BeneficiaryRow, DECOY_PERSON) is None:
        person = {
            "id": DECOY_PERSON,
            "national_id_hash": unit.service.random_bytes(32),  # random: no identifier hashes to it
            "national_id_masked": "decoy",
            "needs": [],
            "created_at": unit.now,
        }
        key, _ = unit.service.vault.new_key(DECOY_PERSON)
        enrol_people(unit.db, [person], [key], [])
