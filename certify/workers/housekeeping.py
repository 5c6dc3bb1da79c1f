"""Do the regular duties of the service, such as purging data, publishing checkpoints and enqueueing lost work."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

from certify.approvals.actions import carry_out_due
from certify.audit.checkpoints import publish_checkpoint
from certify.audit.standing_check import audit_some
from certify.decision.determine import determine_due
from certify.decision.unprocessable import UnprocessableReason, close_unprocessable, refuse_unprocessable
from certify.doorstep.receive import give_up_bundle
from certify.doorstep.watch import watch_agents
from certify.errors import Unavailable
from certify.messages.notices import warn_asked_for
from certify.people.access import purge_access_codes
from certify.people.consent import purge_withdrawn
from certify.people.sign_ins import KEPT
from certify.queue import EVALUATE, MEASURE, OPEN, Lane, failures, running
from certify.service import Service, Unit
from certify.storage.bundles import purge_refused, waiting_bundles
from certify.storage.door_marks import purge_marks
from certify.storage.idempotency import purge_answers
from certify.storage.journal import forget_reads
from certify.storage.media import purge_media
from certify.storage.messages import purge_messages
from certify.storage.people import pending_references
from certify.storage.public_sessions import purge_public_sessions
from certify.storage.sessions import expire_sessions, waiting_sessions
from certify.storage.sign_ins import purge_sign_ins
from certify.storage.tablets import purge_challenges

log = logging.getLogger("certify.worker")

_ORPHANED_AFTER = timedelta(minutes=2)
"""After this time without a result, a session, reference or visit is enqueued again, unless a worker has its job."""

_MESSAGES_KEPT = timedelta(days=90)
"""How long an operator can see that a message went out. Its text is deleted as soon as it is sent."""

_NOTHING_CAME_AFTER = timedelta(days=1)
"""After this time, sessions of unrecognised callers without media are deleted, and counters of attempts."""

_GIVEN_UP_AFTER = timedelta(days=1)
_MAX_FAILURES = 3
"""After a day, and after this many jobs that failed with all their retries, a session, reference or visit is given up.
A day is enough to repair causes that make everything fail, such as missing models or a wrong key, which are not the
fault of a photo."""


def run_housekeeping(service: Service) -> None:
    """Do the regular duties once. Any number of workers may call it at any time."""
    _give_up_failing(service)
    with service.unit() as unit:
        expire_sessions(unit.db, unit.now)
        purge_media(unit.db, unit.now)
        purge_answers(unit.db, unit.now - timedelta(days=2))
        warn_asked_for(unit)
        purge_public_sessions(unit.db, unit.now - _NOTHING_CAME_AFTER)
        purge_marks(unit.db, unit.now - _NOTHING_CAME_AFTER)
        purge_sign_ins(unit.db, unit.now - KEPT)
        purge_access_codes(unit)
        purge_withdrawn(unit)
        purge_challenges(unit.db, unit.now)
        purge_refused(unit.db, unit.now)
        forget_reads(unit.db, unit.now - timedelta(days=service.settings.access_journal_days))
        purge_messages(unit.db, unit.now - _MESSAGES_KEPT)
        lost_since = unit.now - _ORPHANED_AFTER
        # If a worker has the job, even a dead worker, no second job is added. The first job is rescued, and its rescues
        # are counted; a second job would count from zero, and would keep the first from going back into the queue.
        for task, waiting in (
            (EVALUATE, waiting_sessions(unit.db, submitted_before=lost_since, limit=100)),
            (MEASURE, pending_references(unit.db, created_before=lost_since, limit=100)),
            (OPEN, waiting_bundles(unit.db, received_before=lost_since)),
        ):
            taken = running(unit.db, task, waiting)
            for subject in waiting:
                if subject not in taken:
                    # Whether a lost session was a stranger's is not looked up: none may come before the recognised.
                    unit.put_job(task, subject, Lane.SHORT if task == EVALUATE else Lane.RECOGNISED)
    _sign_ledger(service)
    carry_out_due(service)
    watch_agents(service)
    determine_due(service)
    audit_some(service)


def _sign_ledger(service: Service) -> None:
    """Sign the ledger. If it must not be signed, the log says so, and the other duties go on."""
    try:
        with service.unit() as unit:
            publish_checkpoint(unit)
    except Unavailable as error:
        log.error("the ledger was not signed", extra={"code": error.code})  # noqa: TRY400 - the sentence is logged


def _give_up_failing(service: Service) -> None:
    """Give up the work whose jobs keep failing, each subject in a transaction of its own."""
    with service.reading() as unit:
        since = unit.now - _GIVEN_UP_AFTER
        sessions = failures(unit.db, EVALUATE, waiting_sessions(unit.db, submitted_before=since, limit=100))
        bundles = failures(unit.db, OPEN, waiting_bundles(unit.db, received_before=since))
        references = failures(unit.db, MEASURE, pending_references(unit.db, created_before=since, limit=100))
    ends: tuple[tuple[Callable[[Unit, UUID], object], dict[UUID, int]], ...] = (
        (partial(close_unprocessable, reason=UnprocessableReason.KEEPS_FAILING), sessions),
        (partial(refuse_unprocessable, reason=UnprocessableReason.KEEPS_FAILING), references),
        (give_up_bundle, bundles),
    )
    for end, failed in ends:
        for subject, times in failed.items():
            if times >= _MAX_FAILURES:
                try:
                    with service.unit() as unit:
                        end(unit, subject)
                    log.error("given up: its jobs keep failing", extra={"subject": str(subject)})
                except Exception:
                    log.exception("giving up failed; the other jobs are not affected")
