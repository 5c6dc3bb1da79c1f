"""Sessions of nobody: whoever enters an id and birth date that the fund does not know is filmed like everybody else.

Were they told at once, the service would tell anybody who receives a pension. So they get a session with a plan, can
send a video, and hear that it did not succeed; their attempts end as those of people end. All these sessions belong to
one row that stands for no person: it has no pension, no reference and no name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from certify.capture.attempts import MAX_SESSIONS_A_DAY, another_in_progress, too_many_sessions, used_up
from certify.domain.channels import Channel
from certify.domain.profile import Demand, Risk, choose
from certify.domain.schedule import age_on, latest_date
from certify.domain.states import SessionState
from certify.service import Unit
from certify.storage.people import STRANGER, enrol_people
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.tables.sessions import SessionRow


def demand_of_stranger(unit: Unit, mark: bytes, birth_date: date, needs: Sequence[str]) -> Demand:
    """Return how much is asked of an id and birth date that are nobody's; ``mark`` is their keyed hash.

    Raises Conflict (``too_many_sessions``, ``attempts_used_up``) as it would be for a person.
    """
    _require_row(unit)
    if _sessions_since(unit, mark, unit.now - timedelta(days=1)) >= MAX_SESSIONS_A_DAY:
        raise too_many_sessions()
    failed = _failed(unit, mark)
    if len(failed) >= attempt_limits(unit)[0]:
        raise used_up(visit_comes=True)
    return choose(needs, age_on(birth_date, latest_date(unit.now)), failed, Risk())


def refuse_stranger(unit: Unit, mark: bytes) -> None:
    """Refuse media as a person's would be. Raises Conflict (``another_in_progress``, ``attempts_used_up``)."""
    waiting = select(SessionRow.id).where(SessionRow.stranger == mark, SessionRow.state == SessionState.SUBMITTED)
    if unit.db.scalars(waiting.limit(1)).one_or_none() is not None:
        raise another_in_progress()
    if len(_failed(unit, mark)) >= attempt_limits(unit)[0]:
        raise used_up(visit_comes=True)


def attempts_left_of_stranger(unit: Unit, mark: bytes) -> int:
    """Return how many attempts remain after one that is about to be counted among the failed ones."""
    return max(0, attempt_limits(unit)[0] - len(_failed(unit, mark)) - 1)


def attempt_limits(unit: Unit) -> tuple[int, timedelta]:
    """Return attempts and the days in which they count: those of the strictest policy that takes remote proof."""
    rules = [document.policy.capture.get(Channel.REMOTE) for document in unit.service.policies.values()]
    known = [(rule.max_attempts, timedelta(days=rule.attempt_window_days)) for rule in rules if rule is not None]
    return min(known, default=(3, timedelta(days=30)))


def _failed(unit: Unit, mark: bytes) -> list[str]:
    since = unit.now - attempt_limits(unit)[1]
    query = select(SessionRow.profile).where(
        SessionRow.stranger == mark, SessionRow.state == SessionState.DECIDED, SessionRow.decided_at >= since
    )
    return [profile for profile in unit.db.scalars(query) if profile is not None]


def _sessions_since(unit: Unit, mark: bytes, since: datetime) -> int:
    query = select(func.count()).select_from(SessionRow)
    return unit.db.scalar(query.where(SessionRow.stranger == mark, SessionRow.created_at >= since)) or 0


def _require_row(unit: Unit) -> None:
    if unit.db.get(BeneficiaryRow, STRANGER) is None:
        person = {
            "id": STRANGER,
            "national_id_hash": unit.service.random_bytes(32),  # by chance: no id hashes to it
            "national_id_masked": "nobody",
            "needs": [],
            "created_at": unit.now,
        }
        key, _ = unit.service.vault.new_key(STRANGER)
        enrol_people(unit.db, [person], [key], [])
