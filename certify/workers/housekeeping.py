"""Regular chores of the service: expire, purge, publish a checkpoint, enqueue lost work."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

from certify.audit.checkpoints import publish_checkpoint
from certify.decision.determine import determine_due
from certify.decision.unprocessable import Reason, give_up, give_up_reference
from certify.doorstep.receive import give_up_bundle
from certify.doorstep.watch import watch_agents
from certify.people.access import purge_access_codes
from certify.people.consent import purge_withdrawn
from certify.queue import EVALUATE, MEASURE, OPEN, failures, running
from certify.service import Service, Unit
from certify.storage.bundles import purge_refused, waiting_bundles
from certify.storage.idempotency import purge_answers
from certify.storage.media import purge_media
from certify.storage.messages import purge_messages
from certify.storage.people import pending_references
from certify.storage.sessions import expire_sessions, waiting_sessions
from certify.storage.tablets import purge_challenges

log = logging.getLogger("certify.worker")

_ORPHANED_AFTER = timedelta(minutes=2)
"""A session or reference that has waited so long is enqueued again, whatever became of its job."""

_MESSAGES_KEPT = timedelta(days=90)
"""For so long an operator can see that a message went out; what it said is gone once it did."""

_HOPELESS_AFTER = timedelta(days=1)
_MAX_FAILURES = 3
"""A session whose jobs, each with all its retries, failed so often is given up after a day: long enough to repair what
makes everything fail (models missing, a wrong key), which is nobody's photo."""


def run_housekeeping(service: Service) -> None:
    """Do the regular chores once; safe at any time, by any number of workers."""
    _give_up_hopeless(service)
    with service.unit() as unit:
        expire_sessions(unit.db, unit.now)
        purge_media(unit.db, unit.now)
        purge_answers(unit.db, unit.now - timedelta(days=2))
        purge_access_codes(unit)
        purge_withdrawn(unit)
        purge_challenges(unit.db, unit.now)
        purge_refused(unit.db, unit.now)
        purge_messages(unit.db, unit.now - _MESSAGES_KEPT)
        publish_checkpoint(unit)
        lost_since = unit.now - _ORPHANED_AFTER
        # A job in a worker's hands is not doubled, even if that worker is dead: it is rescued, and its rescues counted,
        # while a second job would count from nought, and hinder the first from going back into the queue.
        for task, waiting in (
            (EVALUATE, waiting_sessions(unit.db, submitted_before=lost_since, limit=100)),
            (MEASURE, pending_references(unit.db, created_before=lost_since, limit=100)),
            (OPEN, waiting_bundles(unit.db, received_before=lost_since)),
        ):
            taken = running(unit.db, task, waiting)
            for subject in waiting:
                if subject not in taken:
                    unit.put_job(task, subject)
    watch_agents(service)
    determine_due(service)


def _give_up_hopeless(service: Service) -> None:
    with service.reading() as unit:
        since = unit.now - _HOPELESS_AFTER
        sessions = failures(unit.db, EVALUATE, waiting_sessions(unit.db, submitted_before=since, limit=100))
        bundles = failures(unit.db, OPEN, waiting_bundles(unit.db, received_before=since))
        references = failures(unit.db, MEASURE, pending_references(unit.db, created_before=since, limit=100))
    ends: tuple[tuple[Callable[[Unit, UUID], object], dict[UUID, int]], ...] = (
        (partial(give_up, reason=Reason.KEEPS_FAILING), sessions),
        (partial(give_up_reference, reason=Reason.KEEPS_FAILING), references),
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
                    log.exception("giving up failed; the others go on")
