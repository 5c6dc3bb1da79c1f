"""Send due messages from the outbox, and store the result.

Before a message is sent, a transaction of its own claims it for some minutes. So no lock is held while the receiving
system answers, and if the sending process dies, another one sends the message later. A message can therefore go out
twice, if the process dies after the receiving system accepted it and before the result is stored. Both copies have the
same id, by which gateways and mail programs detect the repeat.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from certify.errors import CertifyError
from certify.messages.outbox import open_body
from certify.people.contact import quiet_until
from certify.senders import Channel, Outgoing, SendFailed
from certify.service import Service
from certify.storage.messages import (
    Claimed,
    claim_messages,
    mark_cancelled,
    mark_failed,
    mark_sent,
    postpone_messages,
    release_messages,
)
from certify.storage.reminders import still_to_do
from certify.texts import NOTICES, REMINDERS

log = logging.getLogger("certify.messages")

MAX_ATTEMPTS = 7
_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480, 1440))
"""Pauses between attempts. If a gateway is down for a day, no message is lost."""
_URGENT_PAUSE = timedelta(seconds=20)
_BATCH, _LEASE = 50, timedelta(minutes=15)
_URGENT_BATCH, _URGENT_LEASE = 5, timedelta(minutes=1)
"""A person waits for these messages. If the sending process dies, another process must take over soon."""
_BATCH_SECONDS = 300.0
"""Well within the lease; messages that were not reached by then are released."""
_MAX_FAILURES_IN_A_ROW = 5
"""After this many failures, the channel pauses until the next minute, so that the other messages lose no attempt."""

_Send = Callable[[Outgoing], None]


@dataclass(slots=True)
class _Run:
    """The work of one thread on one channel."""

    service: Service
    channel: Channel
    send: _Send
    deadline: float
    done: Counter[str]
    failures: int = 0  # in a row


def send_due(service: Service, *, seconds: float = 50.0) -> Counter[str]:
    """Send due messages on all channels at the same time. Any number of processes may call it at any time.

    Args:
        service: the service.
        seconds: when to stop, in seconds from now.

    Returns:
        The number of messages by result: ``sent``, ``put_off`` (a failure that is tried again), ``failed`` (given up),
        ``cancelled`` (the person need not act any more), ``quiet`` (held back until quiet hours end) or ``unreadable``.
    """
    deadline = time.monotonic() + seconds
    threads = [channel for channel, way in service.senders.ways.items() for _ in range(way.parallel)]
    done: Counter[str] = Counter()
    if threads:
        with ThreadPoolExecutor(len(threads), "send") as pool:
            for counts in pool.map(lambda channel: _send_on(service, channel, deadline), threads):
                done += counts
    return done


def send_now(service: Service, message_id: UUID) -> Counter[str]:
    """Send one urgent message, if it waits and no other process has claimed it; return the number by result."""
    done: Counter[str] = Counter()
    for channel, way in service.senders.ways.items():
        batch = _claim(service, channel, urgent=True, only=message_id)
        if batch:
            with way.sender.connected() as send:
                _send_batch(_Run(service, channel, send, time.monotonic() + 60, done), batch)
    return done


def _send_on(service: Service, channel: Channel, deadline: float) -> Counter[str]:
    done: Counter[str] = Counter()
    with service.senders.ways[channel].sender.connected() as send:
        run = _Run(service, channel, send, deadline, done)
        while time.monotonic() < deadline and run.failures < _MAX_FAILURES_IN_A_ROW:
            batch = _claim(service, channel, urgent=True) or _claim(service, channel, urgent=False)
            if not batch:
                break
            _send_batch(run, batch)
    if run.failures >= _MAX_FAILURES_IN_A_ROW:
        log.warning("a channel fails and rests", extra={"channel": channel})
    return done


def _claim(service: Service, channel: Channel, *, urgent: bool, only: UUID | None = None) -> list[Claimed]:
    limit, lease = (_URGENT_BATCH, _URGENT_LEASE) if urgent else (_BATCH, _LEASE)
    with service.unit() as unit:
        return claim_messages(
            unit.db, channel, urgent=urgent, now=unit.now, until=unit.now + lease, limit=limit, only=only
        )


def _send_batch(run: _Run, batch: Sequence[Claimed]) -> None:
    """Send claimed messages one after the other; release those that cannot be reached in time."""
    until = min(run.deadline, time.monotonic() + _BATCH_SECONDS)
    with run.service.reading() as unit:
        reminded = still_to_do(unit.db, {one.beneficiary_id for one in batch if one.kind in REMINDERS})
    for place, one in enumerate(batch):
        if time.monotonic() >= until or run.failures >= _MAX_FAILURES_IN_A_ROW:
            with run.service.unit() as unit:
                release_messages(unit.db, [rest.id for rest in batch[place:]], unit.now)
            return
        if one.kind not in REMINDERS or one.beneficiary_id in reminded:
            _send_one(run, one)
        else:  # the person was certified meanwhile, or must not get messages any more
            with run.service.unit() as unit:
                run.done["cancelled"] += mark_cancelled(unit.db, [one.id])


def _send_one(run: _Run, one: Claimed) -> None:
    with run.service.unit() as unit:
        if one.expires_at <= unit.now:
            mark_failed(unit.db, one.id, "expired")
            _count_failed(run, one, "expired")
            return
        try:
            body = open_body(unit, one.id, one.beneficiary_id, one.sealed)
        except CertifyError as error:
            # The person was erased meanwhile, and the message with them; or the master key is of another database.
            postpone_messages(unit.db, [one.id], unit.now + _pause(one), error=error.code)
            run.done["unreadable"] += 1
            return
        held = quiet_until(body.quiet, unit.now) if body.quiet else None
        if held is not None:
            release_messages(unit.db, [one.id], held)
            run.done["quiet"] += 1
            return
    failed = _try(run.send, body.outgoing(one.id, one.beneficiary_id, run.channel))
    with run.service.unit() as unit:
        if failed is None:
            mark_sent(unit.db, one.id, unit.now)
            run.done["sent"] += 1
            run.failures = 0
            return
        run.failures += 1
        if failed.final or one.attempts >= MAX_ATTEMPTS:
            mark_failed(unit.db, one.id, failed.code)
            _count_failed(run, one, failed.code)
        else:
            postpone_messages(unit.db, [one.id], unit.now + _pause(one), error=failed.code)
            run.done["put_off"] += 1


def _try(send: _Send, message: Outgoing) -> SendFailed | None:
    try:
        send(message)
    except SendFailed as error:
        return error
    except Exception as error:  # noqa: BLE001 - a defect of a sender; its text may contain parts of the message
        return SendFailed(f"error_{type(error).__name__}")
    return None


def _pause(one: Claimed) -> timedelta:
    if one.urgent and one.kind not in NOTICES:
        return _URGENT_PAUSE
    return _PAUSES[min(one.attempts, len(_PAUSES)) - 1]


def _count_failed(run: _Run, one: Claimed, code: str) -> None:
    run.done["failed"] += 1
    log.error(
        "a message was given up",
        extra={"id": str(one.id), "kind": one.kind, "channel": run.channel, "why": code, "attempts": one.attempts},
    )
