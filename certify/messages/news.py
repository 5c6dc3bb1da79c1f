"""Say which message follows from what happened to a person's pensions. Pure: no clock, no database.

The message describes how the person stands *now*, not each step on the way. If a record was entered and taken back
before anybody was told, no one is frightened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date

from certify.domain.case_kinds import CaseKind
from certify.domain.channels import ATTESTERS, Channel
from certify.domain.determination import Payment, Standing
from certify.domain.reasons import Code
from certify.storage.news import PensionNow

TOLD_CASES = frozenset({CaseKind.NOT_ME, CaseKind.FACE_IN_DOUBT, CaseKind.PROOF_IN_PERSON, CaseKind.QUESTION})
"""Cases that the person asked for, or was told that an officer looks at. The others are the fund's own affair, or their
result shows in the standing of the pension."""

_IN_DOUBT = frozenset({Standing.PAUSED.name.lower(), Standing.STOPPED.name.lower()})
_STOPPED = Standing.STOPPED.name.lower()
_CERTIFIED = Standing.CERTIFIED.name.lower()


@dataclass(frozen=True, slots=True)
class Happenings:
    """What the ledger says of a person since it was last read.

    Attributes:
        standings: of each pension whose standing changed, the first one and the last one.
        issued: last day of each certificate that was issued.
        rulings: kind of each case that an officer closed, and the decision.
    """

    standings: Sequence[tuple[str | None, str]] = ()
    issued: Sequence[date] = ()
    rulings: Sequence[tuple[CaseKind, str]] = ()


@dataclass(frozen=True, slots=True)
class News:
    """A message to write: kind of the text, the day that it names (None: today), and how life was proven."""

    kind: str
    day: date | None = None
    how: str | None = None


def news_of(
    happened: Happenings,
    pensions: Sequence[PensionNow],
    *,
    refuted_by_life: Callable[[str], bool],
    told_years: Collection[int],
) -> News | None:
    """Return the message that a person gets, the most important one; None if there is nothing to say.

    Args:
        happened: what happened since the person was told last.
        pensions: how the pensions stand now.
        refuted_by_life: whether a kind of record says that the person is dead.
        told_years: calendar years until which the person was certified before. A proof by records alone is news once
            for each year.
    """
    appeal = next((ruling for kind, ruling in reversed(happened.rulings) if kind is CaseKind.APPEAL), None)
    in_doubt = [pension for pension in pensions if pension.standing in _IN_DOUBT]
    stopped = [pension for pension in pensions if pension.payment == Payment.STOP]
    if appeal is not None:
        return News("appeal_denied" if in_doubt or stopped else "appeal_granted")
    fell = {after for before, after in happened.standings if after in _IN_DOUBT and before != after}
    if stopped and _STOPPED in fell:
        day = max((pension.stopped_on for pension in stopped if pension.stopped_on), default=None)
        return News("death_stopped" if _says_dead(stopped, refuted_by_life) else "pension_stopped", day)
    if in_doubt and fell:
        return News("death_reported" if _says_dead(in_doubt, refuted_by_life) else "pension_paused")
    if not in_doubt and any(before in _IN_DOUBT and after not in _IN_DOUBT for before, after in happened.standings):
        return News("pension_resumed")
    certified = [pension for pension in pensions if pension.standing == _CERTIFIED and not in_doubt]
    if happened.issued and certified:
        return _certified(max(happened.issued), certified, told_years)
    if any(kind in TOLD_CASES for kind, _ in happened.rulings):
        return News("case_decided")
    return None


def _certified(until: date, certified: Sequence[PensionNow], told_years: Collection[int]) -> News | None:
    methods = [pension.method for pension in certified if pension.method is not None]
    method = methods[0] if methods else Channel.DATA
    if method == Channel.PRIOR:
        return None
    if method == Channel.DATA:
        return None if until.year in told_years else News("certified_silently", until)
    return News("certified", until, "attested" if method in ATTESTERS else method)


def _says_dead(pensions: Sequence[PensionNow], refuted_by_life: Callable[[str], bool]) -> bool:
    """Tell whether a report of death holds one of these pensions."""
    return any(
        code in (Code.ADVERSE_PAUSES, Code.STOPPED_BY_SOURCES) and kind is not None and refuted_by_life(kind)
        for pension in pensions
        for code, kind in pension.reasons
    )
