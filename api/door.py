"""Admit callers who are not signed in before any other work for their request, and end a sign-in by its cookie.

certify/people/door.py has the limits and the reasons.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from uuid import UUID

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool

from api.auth import COOKIE, same_origin
from api.errors import TooManyRequests
from api.network import address_of
from api.schemas.own_pages import SignedIn
from api.state import State
from certify.domain.states import SignInWay
from certify.issuers.tokens import Role, TokenRefused
from certify.people.access import device_mark
from certify.people.door import Admission, Purpose, Visitor, admit, forgive
from certify.people.sign_ins import LONG, SHORT, sign_in_person, sign_out
from certify.service import Unit


class Gate:
    """The limits of one request at the entrance."""

    def __init__(
        self,
        state: State,
        request: Request,
        purpose: Purpose,
        device_id: str | None,
        asked: Callable[[Unit], bytes | None],
    ) -> None:
        """Prepare the gate; ``enter`` counts the attempt.

        Args:
            state: the shared objects.
            request: the request.
            purpose: what the caller tries.
            device_id: what the caller's device calls itself.
            asked: returns the keyed hash of what was entered.
        """
        self._service = state.service
        self._visitor = Visitor(address_of(request), device_id)
        self._purpose = purpose
        self._asked = asked
        self._admission: Admission | None = None

    def enter(self) -> float:
        """Count the attempt, and return the seconds by which its answer is held back.

        Raises:
            TooManyRequests: this device or network has to wait (``too_many_requests``).
            Invalid: what was entered is not well formed.
        """
        admission = admit(self._service, self._visitor, self._purpose, self._asked)
        if admission.wait_s > 0:
            raise TooManyRequests("There were too many attempts.", retry_after=max(1, math.ceil(admission.wait_s)))
        self._admission = admission
        return admission.slow_s

    def level(self, kind: str) -> float:
        """Return the level of a kind of mark after this attempt; 0 before ``enter``."""
        return 0.0 if self._admission is None else self._admission.levels.get(kind, 0.0)

    def forgive(self, unit: Unit) -> None:
        """Take the attempt back, because it succeeded."""
        if self._admission is not None:
            forgive(unit, self._admission)


async def signed_out(state: State, request: Request, cookie: str, role: Role) -> None:
    """End the sign-in whose cookie a request carries. A request without a good cookie changes nothing.

    Args:
        state: the shared objects.
        request: the request.
        cookie: name of the cookie.
        role: the role that its token must have.
    """
    token = request.cookies.get(cookie)
    if token is None or not same_origin(request):
        return
    try:
        principal = state.authenticator.authenticate(token, state.service.clock())
    except TokenRefused:
        return
    sign_in = principal.sign_in
    if principal.role is not role or sign_in is None:
        return

    def work() -> None:
        with state.service.unit(principal.key) as unit:
            sign_out(unit, sign_in)

    await run_in_threadpool(work)


def signed_in(
    state: State,
    unit: Unit,
    person: UUID,
    way: SignInWay,
    device_id: str,
    *,
    remember: bool,
    capture: UUID | None = None,
) -> Response:
    """Sign a person in, and set their cookie.

    A code or a link shows that the person holds their telephone, mailbox or letter; the token says when.

    Args:
        state: the shared objects.
        unit: the transaction to write in.
        person: who signs in.
        way: how they showed who they are.
        device_id: the device that the cookie is good on.
        remember: whether it is the person's own phone.
        capture: the capture session in which the face was recognised.

    Returns:
        The answer, with the cookie.

    Raises:
        Conflict: this capture session has signed in already (``sign_in_ended``).
    """
    device = device_mark(device_id)
    row = sign_in_person(unit, person, way, device=device, lifetime=LONG if remember else SHORT, capture_id=capture)
    lifetime = row.expires_at - unit.now
    token = state.session_signer.issue(
        subject=str(person),
        role=Role.SELF,
        now=unit.now,
        lifetime=lifetime,
        device=device,
        sign_in=row.id,
        confirmed_at=unit.now if way in (SignInWay.CODE, SignInWay.LINK) else None,
    )
    answer = Response(SignedIn(until=row.expires_at).model_dump_json().encode(), media_type="application/json")
    age = int(lifetime.total_seconds())
    answer.set_cookie(COOKIE, token, max_age=age, path="/", secure=True, httponly=True, samesite="strict")
    return answer
