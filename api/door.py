"""Admit callers who are not signed in before any other work for their request, and end a sign-in by its cookie.

certify/people/door.py has the limits and the reasons.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from api.auth import address_of, same_origin
from api.errors import TooManyRequests
from api.state import State
from certify.people.door import Admission, Purpose, Visitor, admit, forgive
from certify.people.sign_ins import sign_out
from certify.service import Unit
from certify.tokens import Role, TokenRefused


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
