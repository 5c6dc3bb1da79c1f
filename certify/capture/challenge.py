"""Challenges: how much is asked of this person now, and a plan of it that nobody can foresee.

All chance comes from the caller's source, ``service.random_bytes`` in the service: a cryptographic one. Every draw is
unbiased (rejection sampling), so that the most likely plan is no likelier than any other. There are 22 plans of two
prompts, 150 of three and 720 of four, when all prompts are allowed; six colours multiply each by 134,456 (8 x 7^5). The
gentle way alone has three: it shows that a body moves when asked, and hardly that the film was made after asking.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from itertools import permutations
from typing import TypeVar

from certify.domain.decide import Determination
from certify.domain.draws import RandomBytes, below
from certify.domain.profile import TURNS, Demand, Risk, choose
from certify.domain.reasons import Code
from certify.domain.schedule import age_on, latest_date
from certify.service import Unit
from certify.storage.sessions import failed_profiles, is_new_device, others_on_device, sessions_since
from certify.storage.tables.people import BeneficiaryRow
from models.liveness.plan import Flash, Plan, Profile, Prompt, Step

_T = TypeVar("_T")

# Milliseconds. A prompt must be read, understood and done. Starting values, to be measured with old people; the neutral
# start is what answers are compared with (models/liveness/prompts.py looks at the two seconds before a prompt).
_START, _WINDOW = 2000, 3500
_GENTLE_START, _GENTLE_WINDOW = 4000, 6000
_SETTLE = 500
"""Between the last prompt and the first colour: the face goes back to rest."""
_COLOUR = 700
"""How long a colour stands: 1.4 changes a second, 0.7 flashes (pairs of changes). WCAG 2.3.1 allows three."""
_END = 1000
_VISIT = 6000

MAX_SECONDS = 20.0
"""No plan takes longer: an arm tires, and a film grows."""

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
"""Saturated, where the three channels of a camera differ most, and two neutral ones to compare them with."""

_FAILURES_COUNT = timedelta(days=30)
"""As long as the shipped policies count attempts."""
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
    found: Sequence[Determination],
    *,
    also: Sequence[str] = (),
) -> Demand:
    """Find out how much to ask of a person now, who would be determined as ``found``. Before the session is stored.

    ``also`` are needs that are said for this session only.
    """
    db, now = unit.db, unit.now
    adverse = {fact for d in found for reason in d.reasons if reason.code in _ADVERSE for fact in reason.facts or ("",)}
    risk = Risk(
        open_adverse=len(adverse),
        new_device=is_new_device(db, person.id, device),
        sessions_last_hour=sessions_since(db, person.id, now - timedelta(hours=1)),
        others_on_device=others_on_device(db, person.id, device, now - timedelta(days=30)),
    )
    age = age_on(person.birth_date, latest_date(now)) if person.birth_date else None
    return choose([*person.needs, *also], age, failed_profiles(db, person.id, now - _FAILURES_COUNT), risk)


def draw(demand: Demand, random_bytes: RandomBytes) -> Plan:
    """Draw the plan of a session. The same bytes of chance give the same plan.

    Raises RuntimeError when the source of chance is broken, ValueError when the demand cannot be met.
    """
    prompts = _draw_prompts(demand, random_bytes)
    now, window = (_GENTLE_START, _GENTLE_WINDOW) if demand.gentle else (_START, _WINDOW)
    if not prompts and not demand.flashes:
        return Plan(Profile(demand.profile), (), (), _VISIT / 1000)
    steps = []
    for prompt in prompts:
        steps.append(Step(prompt, now / 1000, (now + window) / 1000))
        now += window
    flashes = []
    if demand.flashes:
        now += _SETTLE
        for red, green, blue in _draw_colours(demand.flashes, random_bytes):
            flashes.append(Flash(red, green, blue, now / 1000, (now + _COLOUR) / 1000))
            now += _COLOUR
    return Plan(Profile(demand.profile), tuple(steps), tuple(flashes), (now + _END) / 1000)


def _draw_prompts(demand: Demand, random_bytes: RandomBytes) -> Sequence[Prompt]:
    if not demand.prompts:
        return ()
    # In a fixed order: that of a set differs from process to process, and the same chance must give the same plan.
    names = tuple(prompt.value for prompt in Prompt if prompt.value in demand.allowed)
    rows = _rows(names, demand.prompts, needs_turn=not demand.gentle and bool(TURNS & demand.allowed))
    if not rows:
        raise ValueError(f"{demand.prompts} different prompts cannot be drawn from {names}")
    return [Prompt(name) for name in _one(rows, random_bytes)]


@cache
def _rows(names: tuple[str, ...], length: int, *, needs_turn: bool) -> tuple[tuple[str, ...], ...]:
    """All orders that may be asked: no prompt twice, and a turn of the head, which flat pictures cannot follow."""
    return tuple(row for row in permutations(names, length) if not needs_turn or TURNS & set(row))


def _draw_colours(count: int, random_bytes: RandomBytes) -> list[tuple[int, int, int]]:
    """No two neighbours are equal: between equal ones there would be nothing to see."""
    drawn: list[tuple[int, int, int]] = []
    for _ in range(count):
        drawn.append(_one([colour for colour in COLOURS if colour not in drawn[-1:]], random_bytes))
    return drawn


def _one(choices: Sequence[_T], random_bytes: RandomBytes) -> _T:
    return choices[below(len(choices), random_bytes)]
