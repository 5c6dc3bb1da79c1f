"""Give every use case its parts: database, vault, policies, a clock and a source of random bytes. Nothing is global."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from certify.config import Env, Settings
from certify.domain.codec import canonical
from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.errors import Invalid, Unavailable
from certify.policies import PoliciesInForce, PolicyDocument, load_policies
from certify.queue import DatabaseQueue, Lane, Queue
from certify.senders import NO_SENDERS, Senders
from certify.senders.config import load_senders
from certify.sources import SourceRegistry, load_sources
from certify.storage.database import Database, Session, holds_secrets, open_database
from certify.storage.keys import FileMasterKey
from certify.storage.ledger import append_entries
from certify.storage.row_macs import RowMacs
from certify.storage.vault import Sealer, Vault

if TYPE_CHECKING:
    from models.media.decoders import Decoders


def utc_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


def _in_process() -> Decoders:
    from models.media.decoders import InProcess  # noqa: PLC0415 - commands that decode nothing start faster

    return InProcess()


def _apart() -> Decoders:
    from models.media.decoder_process import start_decoders  # noqa: PLC0415 - likewise

    return start_decoders()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The parts of a running service. Tests replace the clock and the sources of ids and random bytes."""

    settings: Settings
    database: Database
    vault: Vault
    policies: Mapping[str, PolicyDocument]
    sources: SourceRegistry = field(default_factory=load_sources)
    queue: Queue = field(default_factory=DatabaseQueue)
    senders: Senders = NO_SENDERS
    clock: Callable[[], datetime] = utc_now
    new_id: Callable[[], UUID] = uuid4
    random_bytes: Callable[[int], bytes] = secrets.token_bytes
    # What reads the headers of videos. ``build_service`` takes a process without keys.
    decoders: Decoders = field(default_factory=_in_process)
    # Hashes of policies and parameters that are committed. They are never deleted, so they need not be stored again.
    stored_documents: set[str] = field(default_factory=set)
    macs: RowMacs = field(init=False)  # seals and checks rows, with the keys of the vault

    def __post_init__(self) -> None:
        object.__setattr__(self, "macs", RowMacs(self.vault))
        self.database.macs = self.macs
        if isinstance(self.policies, PoliciesInForce):
            object.__setattr__(self, "policies", self.policies.at(self.clock))

    @contextmanager
    def unit(self, actor: str = "service", *, formerly: str | None = None) -> Iterator[Unit]:
        """Open a unit of work: one transaction. Its ledger entries are appended last and commit with it.

        Args:
            actor: who caused the work, as the ledger shows it.
            formerly: another name under which the same actor may have worked before.

        Yields:
            The unit of work.
        """
        with self.database.transaction(self.macs) as db:
            unit = Unit(self, db, self.clock(), actor, formerly=formerly)
            yield unit
            unit.finish()
        self.stored_documents.update(unit.stored_documents)

    @contextmanager
    def reading(self) -> Iterator[Unit]:
        """Open a unit that only reads. Changed rows and ledger entries are not written."""
        with self.database.reading(self.macs) as db:
            yield Unit(self, db, self.clock())

    @contextmanager
    def snapshot(self) -> Iterator[Unit]:
        """Open a unit that only reads, and reads everything as it was at its first read."""
        with self.database.snapshot(self.macs) as db:
            yield Unit(self, db, self.clock())

    def refuted_by_life(self, kind: str) -> bool:
        """Tell whether every scheme that knows a kind of adverse record says that life refutes it, such as a death."""
        rules = [document.policy.adverse.get(kind) for document in self.policies.values()]
        known = [rule for rule in rules if rule is not None]
        return bool(known) and all(rule.refuted_by_life for rule in known)

    def policy(self, scheme: str) -> PolicyDocument:
        """Return the policy of a scheme.

        Raises:
            Invalid: the scheme is not known (``unknown_scheme``).
        """
        try:
            return self.policies[scheme]
        except KeyError:
            known = ", ".join(sorted(self.policies))
            raise Invalid(
                f"The scheme '{scheme}' is not known.", hint=f"Known: {known}.", code=ErrorCode.UNKNOWN_SCHEME
            ) from None


class Unit:
    """One unit of work. ``now`` is one instant for everything that happens in it."""

    def __init__(
        self, service: Service, db: Session, now: datetime, actor: str = "service", *, formerly: str | None = None
    ) -> None:
        self.actor = actor
        self.formerly = formerly
        self.service = service
        self.db = db
        self.now = now
        self.stored_documents: set[str] = set()
        self._entries: list[tuple[bytes, UUID | None]] = []
        self._sealers: dict[UUID, Sealer] = {}

    def is_actor(self, principal: str, other: str | None) -> bool:
        """Tell whether two names are one person: they are equal, or both are names of this unit's actor."""
        mine = {self.actor, self.formerly or self.actor}
        return principal == other or (principal in mine and other in mine)

    def sealer(self, beneficiary_id: UUID) -> Sealer:
        """Return the sealer of a person, opened once in this unit.

        Raises:
            Gone: the person was erased (``person_erased``).
        """
        if beneficiary_id not in self._sealers:
            self._sealers[beneficiary_id] = self.service.vault.sealer(self.db, beneficiary_id)
        return self._sealers[beneficiary_id]

    def open_sealers(self, people: Sequence[UUID]) -> None:
        """Open the sealers of many people at once, for later calls of ``sealer``. Erased people are skipped."""
        missing = [beneficiary_id for beneficiary_id in people if beneficiary_id not in self._sealers]
        if missing:
            self._sealers |= self.service.vault.sealers(self.db, missing)

    def adopt_sealer(self, sealer: Sealer) -> None:
        """Use a sealer that an earlier unit of the same piece of work opened."""
        self._sealers[sealer.beneficiary_id] = sealer

    def ledger(self, event: LedgerEvent, beneficiary_id: UUID | None, **details: Any) -> None:
        """Note a change of a person's standing for the ledger.

        Args:
            event: what happened.
            beneficiary_id: id of the person; None for an event about no person.
            **details: plain values that identify no person by name.
        """
        entry = {
            "event": event.value,
            "by": self.actor,
            "at": self.now.isoformat(),
            "subject": str(beneficiary_id),
            **details,
        }
        self._entries.append((canonical(entry), beneficiary_id))

    def put_job(self, task: str, subject: UUID, lane: Lane = Lane.RECOGNISED) -> None:
        """Enqueue a job that starts once this unit has committed."""
        self.db.flush()
        self.service.queue.put(self.db, task, str(subject), lane)

    def finish(self) -> None:
        """Write the ledger entries; the last thing before the commit."""
        self.db.flush()
        if self._entries:
            append_entries(self.db, self._entries, self.now)
            self._entries = []


def build_service(settings: Settings, *, queue: Queue | None = None, pool_size: int = 10) -> Service:
    """Build the service that the settings describe: open the database (start the embedded one) and the master key.

    Args:
        settings: of the service.
        queue: the job queue; None for the one in the database.
        pool_size: connections that the database pool keeps.

    Returns:
        The service; the caller closes its database.

    Raises:
        Unavailable: the master key is missing or damaged (``master_key_missing``, ``master_key_damaged``), or the
            senders file or the registry of sources cannot be used (``senders_unusable``, ``sources_file``).
        PolicyInvalid: a policy is not valid.
    """
    database = open_database(settings, pool_size=pool_size)
    try:
        _require_key(settings, database)
        return Service(
            settings=settings,
            database=database,
            vault=Vault(FileMasterKey(settings.key_file)),
            policies=load_policies(settings.policies_dir),
            sources=load_sources(settings.sources_file),
            queue=queue or DatabaseQueue(),
            senders=load_senders(settings),
            decoders=_apart(),
        )
    except BaseException:
        database.close()
        raise


def _require_key(settings: Settings, database: Database) -> None:
    if settings.env is Env.PRODUCTION and not settings.key_file.exists():
        raise Unavailable(
            f"The master key {settings.key_file} does not exist, and production makes none by itself.",
            hint="Restore it from your backup. For a new service, make one with 'certify keys init'.",
            code=ErrorCode.MASTER_KEY_MISSING,
        )
    if not settings.key_file.exists() and holds_secrets(database):
        raise Unavailable(
            f"The master key {settings.key_file} is missing, and this database was written with one.",
            hint="Restore the key from your backup; a new one could read nothing.",
            code=ErrorCode.MASTER_KEY_MISSING,
        )
