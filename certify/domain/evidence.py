"""Evidence about a beneficiary: immutable, typed facts with a source, an event time and a recorded time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from certify.domain.channels import Channel
from certify.domain.states import Challenge, FaceZone, Possession


class Check(StrEnum):
    """The three states of every check. A check that was not assessed never counts as passed."""

    PASS = "pass"  # noqa: S105 - a state, not a password
    FAIL = "fail"
    NOT_ASSESSED = "not_assessed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """The fields that every piece of evidence has.

    Attributes:
        id: id of the fact.
        source: the register or part of the service that the fact comes from.
        event_at: when the fact happened in the world; timezone-aware.
        recorded_at: when the service learned of it; timezone-aware.
        institution: the institution behind the source; None for facts from before institutions were recorded.
        principal: the caller who told the service; None for facts from before callers were recorded.
    """

    id: str
    source: str
    event_at: datetime
    recorded_at: datetime
    institution: str | None = None
    principal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture(Fact):
    """One capture session: a face compared with the references, and the liveness checks that were made.

    Attributes:
        session_id: id of the capture session.
        channel: the channel of the session.
        acquired: whether a usable face was captured.
        llr: calibrated log10 likelihood ratio "same person : different persons"; None when no comparison could be made.
        embedders: number of face models that took part.
        liveness: the result of all liveness checks together.
        filmed: True for a video, which can show life; False for a still photo, which cannot.
        guidance: machine codes of what the person can do better.
        public_entry: whether the session was opened by a caller who only gave an identifier and a birth date. If the
            face does not pass, it need not have been the person, and the attempt does not count against them.
        possession: whether the session was opened with something that only the person has.
        eyes: whether the eyes were open; closed ones fail.
        zone: where ``llr`` lies between the thresholds of the calibration of that day; None without ``llr``, and in
            captures of releases that had one threshold, in the policy.
        pooled_with: id of the earlier capture whose faces were averaged with those of this one; empty if none was.
        challenge: how much of the plan of its session a film answered.
        foreign: whether the person has no reference but templates that another system made. They never decide alone.
        drifted: whether the face matches references of later proofs, and is far from the enrolled ones.
        reference_on: day of the reference that the face is nearest to; None in captures of earlier releases, and when
            no comparison could be made.
    """

    session_id: str
    channel: Channel
    acquired: Check
    llr: float | None
    embedders: int
    liveness: Check
    filmed: bool = False
    guidance: tuple[str, ...] = ()
    public_entry: bool = False
    possession: Possession = Possession.NOT_ASKED
    eyes: Check = Check.NOT_ASSESSED
    zone: FaceZone | None = None
    pooled_with: str = ""
    challenge: Challenge = Challenge.UNRECORDED
    foreign: bool = False
    drifted: bool = False
    reference_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOfLife(Fact):
    """A record that the person was alive on a date.

    Attributes:
        act: what was done; the policy gives it a weight.
        trust: how reliable the feed is, from 0 to 1; it scales the policy's weight of the act.
    """

    act: str
    trust: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation(Fact):
    """The word of a named institution that one of its people saw the person alive.

    Attributes:
        channel: in which capacity the institution attests: consulate, bank, post, notary or doctor.
        seen_by: the institution's own mark of the person who saw them, such as a staff number.
        place: where they were seen, such as a town.
        country: the country of the place, two letters (ISO 3166-1).
        document: kind of the document that was checked, such as passport.
    """

    channel: Channel
    seen_by: str
    place: str
    country: str
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdverseRecord(Fact):
    """A record that speaks against the entitlement: death, prison, residence abroad, duplicate benefit and others.

    Attributes:
        kind: the kind, as policies name it.
        country: of a move, where the person lives now, two letters (ISO 3166-1); None if the source does not say it.
        event_from: the first day on which it can have happened, if the day is not known exactly; ``event_at`` is the
            last one then. None if the day is known, and in facts of releases that did not record it.
    """

    kind: str
    country: str | None = None
    event_from: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Void(Fact):
    """A record that takes back another fact. It is valid from the fact's own source, or from an officer.

    Attributes:
        target: id of the fact that is taken back.
        by_officer: whether an officer takes it back.
        by_person: whether the person said "that was not me"; that takes back a sign of life or an attestation only.
    """

    target: str
    by_officer: bool = False
    by_person: bool = False


class Ruling(StrEnum):
    """What an officer can rule."""

    CONFIRM_ALIVE = "confirm_alive"  # the officer saw or spoke to the person: a proof of life
    STOP = "stop"  # the payment stops


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficerRuling(Fact):
    """An officer's decision on a review case.

    Attributes:
        ruling: what the officer decided.
        dismisses: ids of the adverse records and earlier stop rulings that the officer found to be wrong. They have
            effect only with ``CONFIRM_ALIVE``.
        events: the events of the dismissed records, as ``kind@instant``. They stand in the ruling itself, so that a
            later copy of such an event is recognised whatever else is known (``Policy.same_event_days``).
    """

    ruling: Ruling
    dismisses: tuple[str, ...] = ()
    events: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Read the events once, so that a ruling that cannot be read is refused when it is made.

        Raises:
            ValueError: an event is not ``kind@instant`` with a time zone.
        """
        for _, moment in self.refuted_events:
            if moment.tzinfo is None:
                raise ValueError("the instant of an event needs a time zone")

    @property
    def refuted_events(self) -> list[tuple[str, datetime]]:
        """Return the events as kind and instant."""
        parts = [event.rpartition("@") for event in self.events]
        return [(kind, datetime.fromisoformat(moment)) for kind, _, moment in parts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Fact):
    """What an officer found about one pension, or what two officers found where the policy needs two.

    A condition that keeps a pension going (study, a medical review), one that makes only a part payable (prison), or
    that a record about the person is wrong or changes nothing.

    Attributes:
        scheme: the scheme of the pension.
        about: name of the condition, or kind of the records.
        holds: whether it holds; False says that the records in ``rests_on`` change nothing.
        since: the first day on which it holds; None if it does not matter.
        until: the last day on which it holds, or the day of the next review; None if it is not known yet.
        rests_on: ids of the records that the officers looked at.
    """

    scheme: str
    about: str
    holds: bool = True
    since: date | None = None
    until: date | None = None
    rests_on: tuple[str, ...] = ()


def event_name(record: AdverseRecord) -> str:
    """Return the event of an adverse record as a ruling names it: ``kind@instant``."""
    return f"{record.kind}@{record.event_at.isoformat()}"


Evidence = Capture | SignOfLife | Attestation | AdverseRecord | Void | OfficerRuling | Finding
