"""Challenges: choose how much a session asks of the person, and draw an unpredictable plan for it.

Random bytes come from the caller; in the service from ``service.random_bytes``, a cryptographic source. Every draw is
unbiased (rejection sampling), so that all plans are equally likely. Prompts and their order are drawn (16 plans of two
prompts, 96 of three; on a phone that is not known 4 and 42, all with coming closer), and so is each moment: when a
prompt is shown, and when the person is asked back, in steps of 50 ms. Six colours multiply that by 134,456 (8 x 7^5). A
gentle plan asks for one kind of movement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import permutations, product
from typing import TypeVar

from certify.domain.decide import Determination
from certify.domain.draws import RandomBytes, below
from certify.domain.profile import COME_CLOSER, TURNS, Demand, Risk, choose
from certify.domain.reasons import Code
from certify.domain.schedule import age_on, latest_date
from certify.service import Unit
from certify.storage.sessions import failed_attempts, is_new_device, others_on_device, sessions_since
from certify.storage.tables.people import BeneficiaryRow
from models.liveness.plan import Command, CommandKind, Flash, Plan, Profile, Prompt, Step

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Pace:
    """How fast a plan goes, in milliseconds. Starting values, to be measured with old people.

    Attributes:
        start: from the first frame to the first prompt, at least.
        hold: from a prompt until the person is asked back, at least: reading, understanding and moving.
        rest: from being asked back to the next prompt, at least.
        back: time to come back after the last prompt.
    """

    start: int
    hold: int
    rest: int
    back: int


_GENTLE = _Pace(start=2500, hold=3000, rest=3200, back=2500)
_STANDARD = _Pace(start=2000, hold=2900, rest=3100, back=2300)
_LIT = _Pace(start=1800, hold=2700, rest=3000, back=2200)
_BRISK = _Pace(start=1400, hold=2500, rest=3100, back=2100)
"""For three prompts: more than two leave no time for more."""

_MOST_JITTER = 2000
"""Milliseconds that are added to each of these times at most; how many is drawn. No recording can know them."""
_GRAIN = 50
_SETTLE = 500
"""Milliseconds between the last prompt and the first colour, in which the face comes to rest."""
_COLOUR = 700
"""Milliseconds of one colour: 1.4 changes a second, 0.7 flashes (pairs of changes). WCAG 2.3.1 allows three flashes."""
_END = 800
_COMMAND, _COMMAND_JITTER, _COMMAND_STEP = 1300, 800, 50
"""Milliseconds of a command to the camera, and by how many it comes later than it could, in which steps."""
COMMAND_SECONDS = (_SETTLE + _COMMAND_JITTER + _COMMAND) / 1000
"""Seconds that a command adds to a plan with colours."""
_APPROACH = 1.4
"""Growth of a face that is asked to come closer: from 45 cm to 32 cm. With less, the landmarks do not show the
change of perspective (models/liveness/perspective.py)."""
_VISIT = 6000

MAX_SECONDS = 20.0
"""Seconds of the longest plan, without its command: an arm gets tired, and a video grows."""

COLOURS: tuple[tuple[int, int, int], ...] = (
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (255, 255, 0),
    (0, 255, 255),
    (255, 0, 255),
    (255, 255, 255),
    (0, 0, 0),
)
"""RGB, 0 to 255. Saturated colours, for which a camera's three channels differ most, and two neutral ones to compare
them with."""

_FAILURES_COUNT = timedelta(days=30)
"""The time in which the shipped policies count attempts."""
_ADVERSE = frozenset(
    {
        Code.ADVERSE_PAUSES,
        Code.ADVERSE_OTHER_PATH,
        Code.ADVERSE_REVIEW,
        Code.ADVERSE_UNKNOWN_KIND,
        Code.STOPPED_BY_SOURCES,
    }
)


def demand_of(
    unit: Unit,
    person: BeneficiaryRow,
    device: bytes | None,
    determinations: Sequence[Determination],
    *,
    also: Sequence[str] = (),
) -> Demand:
    """Choose how much to ask of a person now. To be called before the session is stored.

    Args:
        unit: the transaction to read in.
        person: the person.
        device: keyed hash of what the phone calls itself; None when it did not say.
        determinations: how the person would be determined now.
        also: accessibility needs for this session only.

    Returns:
        The demand, from which ``draw`` draws the plan.
    """
    db, now = unit.db, unit.now
    adverse = {
        fact
        for determination in determinations
        for reason in determination.reasons
        if reason.code in _ADVERSE
        for fact in reason.facts or ("",)
    }
    risk = Risk(
        open_adverse=len(adverse),
        new_device=is_new_device(db, person.id, device),
        sessions_last_hour=sessions_since(db, person.id, now - timedelta(hours=1)),
        others_on_device=others_on_device(db, person.id, device, now - timedelta(days=30)),
    )
    age = age_on(person.birth_date, latest_date(now)) if person.birth_date else None
    failed = failed_attempts(db, person.id, now - _FAILURES_COUNT)
    # Only a plan of one kind of movement was about it; of several, it is not known which one did not help.
    about_one = [attempt.prompts for attempt in failed if len(attempt.prompts) == 1 or attempt.prompts <= TURNS]
    advice = failed[-1].guidance if failed else ()
    # Coming closer was not seen well: another movement is, and no one is asked for the same without end.
    unclear = {COME_CLOSER} if "come_much_closer" in advice else set()
    asked = frozenset(unclear).union(*about_one)
    turn = "turn_a_little" in advice
    profiles = [attempt.profile for attempt in failed]
    return choose([*person.needs, *also], age, profiles, risk, asked=asked, turn=turn)


def draw(demand: Demand, random_bytes: RandomBytes) -> Plan:
    """Draw the plan of a session. The same random bytes give the same plan.

    Args:
        demand: how much the session asks.
        random_bytes: source of random bytes, called with how many are wanted.

    Returns:
        The plan, with its times in seconds.

    Raises:
        RuntimeError: the source of random bytes is broken.
        ValueError: there is no plan that meets the demand.
    """
    prompts = _draw_prompts(demand, random_bytes)
    if not prompts and not demand.flashes:
        return Plan(Profile(demand.profile), (), (), _VISIT / 1000)
    light = _SETTLE + demand.flashes * _COLOUR if demand.flashes else 0
    steps, now = _draw_moments(prompts, _pace(demand), 1000 * MAX_SECONDS - light - _END, random_bytes)
    flashes = []
    if demand.flashes:
        now += _SETTLE
        for red, green, blue in _draw_colours(demand.flashes, random_bytes):
            flashes.append(Flash(red, green, blue, now / 1000, (now + _COLOUR) / 1000))
            now += _COLOUR
    commands, now = _draw_commands(now, random_bytes) if demand.flashes else ((), now)
    return Plan(Profile(demand.profile), steps, tuple(flashes), (now + _END) / 1000, _APPROACH, commands)


def _pace(demand: Demand) -> _Pace:
    if demand.gentle:
        return _GENTLE
    if demand.prompts > 2:
        return _BRISK
    return _LIT if demand.flashes else _STANDARD


def _draw_moments(
    prompts: Sequence[Prompt], pace: _Pace, room: float, random_bytes: RandomBytes
) -> tuple[tuple[Step, ...], int]:
    """Draw when each prompt is shown and when the person is asked back.

    Args:
        prompts: in their order.
        pace: the least times.
        room: milliseconds that all steps have together.
        random_bytes: source of random bytes.

    Returns:
        The steps, and the milliseconds at which the last one ends.
    """
    count = len(prompts)
    least = pace.start + count * pace.hold + (count - 1) * pace.rest + pace.back
    spare = max(0, min(_MOST_JITTER, int((room - least) / (2 * count)))) if count else 0

    def drawn(least_ms: int) -> int:
        return least_ms + _GRAIN * below(spare // _GRAIN + 1, random_bytes)

    steps: list[Step] = []
    now = drawn(pace.start)
    for number, prompt in enumerate(prompts, 1):
        back = now + drawn(pace.hold)
        end = back + pace.back
        steps.append(Step(prompt, now / 1000, end / 1000, back / 1000))
        now = end if number == count else back + drawn(pace.rest)
    return tuple(steps), now


def _draw_commands(now: int, random_bytes: RandomBytes) -> tuple[tuple[Command, ...], int]:
    """Draw the order of the camera's settings and their moment after the colours; the page gives the first it can."""
    begin = now + _SETTLE + _COMMAND_STEP * below(_COMMAND_JITTER // _COMMAND_STEP + 1, random_bytes)
    order = _one(tuple(permutations(CommandKind)), random_bytes)
    commands = tuple(Command(kind, begin / 1000, (begin + _COMMAND) / 1000) for kind in order)
    return commands, now + _SETTLE + _COMMAND_JITTER + _COMMAND


def _draw_prompts(demand: Demand, random_bytes: RandomBytes) -> Sequence[Prompt]:
    if not demand.prompts:
        return ()
    # In a fixed order: the order of a set differs between processes, and the same bytes must give the same plan.
    names = tuple(prompt.value for prompt in Prompt if prompt.value in demand.allowed)
    if demand.gentle:
        rows = _repeated(tuple(name for name in names if name in demand.must) or names, demand.prompts)
    else:
        every = _rows(names, demand.prompts, needs_turn=bool(TURNS & demand.allowed))
        rows = tuple(row for row in every if demand.must <= set(row))
    if not rows:
        raise ValueError(f"{demand.prompts} different prompts cannot be drawn from {names}")
    return [Prompt(name) for name in _one(rows, random_bytes)]


@cache
def _rows(names: tuple[str, ...], length: int, *, needs_turn: bool) -> tuple[tuple[str, ...], ...]:
    """List the orders that may be asked: no prompt twice, and a turn of the head, which flat pictures cannot follow.

    Not turns alone: they are one kind of movement.
    """
    return tuple(
        row for row in permutations(names, length) if not needs_turn or (TURNS & set(row) and set(row) - TURNS)
    )


@cache
def _repeated(names: tuple[str, ...], length: int) -> tuple[tuple[str, ...], ...]:
    """List what may be asked of a person who does one kind of movement: turns to any side, or one prompt again."""
    turns = tuple(name for name in names if name in TURNS)
    return tuple(product(turns, repeat=length)) + tuple((name,) * length for name in names if name not in TURNS)


def _draw_colours(count: int, random_bytes: RandomBytes) -> list[tuple[int, int, int]]:
    """Draw colours of which no two neighbours are equal, because between equal ones the camera could see no change."""
    drawn: list[tuple[int, int, int]] = []
    for _ in range(count):
        drawn.append(_one([colour for colour in COLOURS if colour not in drawn[-1:]], random_bytes))
    return drawn


def _one(choices: Sequence[_T], random_bytes: RandomBytes) -> _T:
    return choices[below(len(choices), random_bytes)]
