"""Attacks by slow and many requests: half-sent heads and bodies hold nothing, and payers are answered meanwhile."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from api import intake
from api.intake import IN_MEMORY, UPLOADS_AT_ONCE, WAITING_FOR_A_NETWORK, Intake, Pace
from api.network import network_of_scope
from api.state import STRANGERS_CONNECTIONS
from certify.cli.timed_http import TimedHttp
from certify.doorstep.tablets import TabletRefused
from certify.issuers.tokens import Role
from tests.api.conftest import ENROLMENT, Caller

MEDIA, BUNDLE = "/v1/sessions/x/media", "/v1/tablet/bundles/x"


async def _any_head(scope: Scope, head: bytes) -> None:
    del scope, head


async def _unknown_tablet(scope: Scope, head: bytes) -> None:
    del scope, head
    raise TabletRefused("This tablet is not known here.")


class App:
    """An application that notes the bodies that it gets, and may be held up."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.inside = self.most = 0
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.go.wait()
        self.bodies.append((await receive())["body"])
        self.inside -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def scope_of(path: str, host: str = "192.0.2.1") -> Scope:
    headers = [(b"content-length", b"1")]
    return {"type": "http", "method": "PUT", "path": path, "headers": headers, "client": (host, 1)}


class Client:
    """Sends some parts of a body, and then nothing more unless the last part was sent."""

    def __init__(self, *parts: bytes, whole: bool) -> None:
        self._messages: list[Message] = [
            {"type": "http.request", "body": part, "more_body": not whole or number < len(parts)}
            for number, part in enumerate(parts, 1)
        ]
        self.sent = 0
        self.answers: list[Message] = []

    async def receive(self) -> Message:
        if not self._messages:
            await asyncio.Event().wait()
        self.sent += 1
        return self._messages.pop(0)

    async def send(self, message: Message) -> None:
        self.answers.append(message)

    @property
    def status(self) -> int:
        status: int = self.answers[0]["status"]
        return status


def taken(
    app: App, *, pace: Pace | None = None, head_check: Callable[[Scope, bytes], Awaitable[None]] = _any_head
) -> Callable[[str, Client], Awaitable[None]]:
    middleware = Intake(app, head_check=head_check, pace=pace)
    return lambda path, client: middleware(scope_of(path), client.receive, client.send)


FAST = Pace(grace_s=0.05, bytes_per_s=1e9, idle_s=0.05)


@pytest.mark.parametrize("path", [MEDIA, BUNDLE, "/v1/knock/sessions"])
def test_a_body_whose_last_byte_never_comes_is_refused(path: str) -> None:
    async def attack() -> None:
        app, client = App(), Client(b"x" * 4096, whole=False)
        await taken(app, pace=FAST)(path, client)
        assert client.status == 408
        assert b"body_too_slow" in client.answers[1]["body"]
        assert not app.bodies

    asyncio.run(attack())


def test_a_body_that_comes_in_drops_is_refused_by_its_rate() -> None:
    now = [0.0]

    class Dripping(Client):
        async def receive(self) -> Message:
            now[0] += 1.0
            return {"type": "http.request", "body": b"x" * 100, "more_body": True}

    async def attack() -> None:
        app, client = App(), Dripping(whole=False)
        middleware = Intake(app, head_check=_any_head, clock=lambda: now[0])
        await middleware(scope_of(MEDIA), client.receive, client.send)
        assert client.status == 408
        assert now[0] < 20  # 15 seconds of grace, and what 100 bytes a second earn

    asyncio.run(attack())


def test_many_bodies_under_way_hold_little_memory() -> None:
    part = b"x" * 500_000

    async def attack() -> None:
        app = App()
        middleware = Intake(app, head_check=_any_head)
        clients = [Client(*[part] * 4, whole=False) for _ in range(30)]
        tracemalloc.start()
        tasks = [asyncio.create_task(middleware(scope_of(MEDIA), c.receive, c.send)) for c in clients]
        while any(client.sent < 4 for client in clients):
            await asyncio.sleep(0)
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert held < 30 * (2 * IN_MEMORY + 20_000)  # and not 30 x 2 MB
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(attack())


def test_a_sealed_visit_of_an_unknown_tablet_is_refused_by_its_head() -> None:
    async def attack() -> None:
        app, client = App(), Client(b"h" * 2048, *[b"x" * 100_000] * 50, whole=True)
        await taken(app, head_check=_unknown_tablet)(BUNDLE, client)
        assert client.status == 401
        assert client.sent == 1
        assert not app.bodies

    asyncio.run(attack())


def test_a_body_arrives_whole_and_once() -> None:
    async def send() -> None:
        app, client = App(), Client(b"a" * 70_000, b"b" * 70_000, b"c", whole=True)
        await taken(app)(BUNDLE, client)
        assert app.bodies == [b"a" * 70_000 + b"b" * 70_000 + b"c"]
        assert client.status == 200

    asyncio.run(send())


def test_few_uploads_are_worked_on_at_once_and_a_network_has_a_share() -> None:
    async def attack() -> None:
        app = App()
        app.go.clear()
        middleware = Intake(app, head_check=_any_head)

        def send(host: str) -> tuple[Client, asyncio.Task[None]]:
            client = Client(b"x", whole=True)
            return client, asyncio.create_task(middleware(scope_of(MEDIA, host), client.receive, client.send))

        many = [send(f"2001:db8::{number:x}") for number in range(WAITING_FOR_A_NETWORK + 5)]
        honest, done = send("192.0.2.7")
        while app.inside < UPLOADS_AT_ONCE:
            await asyncio.sleep(0)
        app.go.set()
        await asyncio.gather(done, *(task for _, task in many))
        assert app.most == UPLOADS_AT_ONCE
        assert sorted(client.status for client, _ in many) == [200] * WAITING_FOR_A_NETWORK + [503] * 5
        assert honest.status == 200

    asyncio.run(attack())


def test_uploads_that_wait_too_long_for_their_turn_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "_TURN_S", 0.01)

    async def attack() -> None:
        app = App()
        app.go.clear()
        send = taken(app)
        clients = [Client(b"x", whole=True) for _ in range(UPLOADS_AT_ONCE + 1)]
        tasks = [asyncio.ensure_future(send(MEDIA, client)) for client in clients]
        while not clients[-1].answers:
            await asyncio.sleep(0.001)
        assert clients[-1].status == 503
        app.go.set()
        await asyncio.gather(*tasks)

    asyncio.run(attack())


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1::5", "2001:db8:0:1::/64"),
        ("2001:DB8:0:1:ffff::1", "2001:db8:0:1::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),  # an IPv4 caller of a socket that takes both
        ("testclient", "testclient"),
    ],
)
def test_a_network_is_an_address_or_a_64(host: str, network: str) -> None:
    assert network_of_scope({"client": (host, 1)}) == network


class _ShortPatience(TimedHttp):
    head_s = 0.1


@contextmanager
def served(app: Any) -> Iterator[tuple[str, int]]:
    server = uvicorn.Server(uvicorn.Config(app, http=_ShortPatience, log_config=None, lifespan="off"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join(20)


async def _hello(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.mark.enable_socket
def test_half_sent_heads_are_cut_off_and_whole_ones_answered() -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\n"
    with served(_hello) as address, ExitStack() as stack:
        silent, half, again = (stack.enter_context(socket.create_connection(address, 20)) for _ in range(3))
        half.sendall(head)
        again.sendall(head + b"\r\n")
        answer = b""
        while not answer.endswith(b"hello"):
            answer += again.recv(1000)
        again.sendall(head)
        for attacker in (silent, half, again):
            assert attacker.recv(1000) == b""
        honest = stack.enter_context(socket.create_connection(address, 20))
        honest.sendall(head + b"\r\n")
        assert honest.recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.integration
def test_strangers_who_hold_all_their_connections_leave_payers_theirs(
    officer: Caller, call: Callable[[Role], Caller]
) -> None:
    payer, person = call(Role.PAYER), officer.post("/v1/beneficiaries", ENROLMENT).json()["id"]
    state = officer.client.app.state.certify  # type: ignore[attr-defined]
    assert state.strangers.database.engine is not state.service.database.engine
    with ExitStack() as held:
        for _ in range(STRANGERS_CONNECTIONS):
            held.enter_context(state.strangers.database.engine.connect())
        assert state.strangers.database.engine.pool.checkedout() == STRANGERS_CONNECTIONS
        assert payer.get(f"/v1/standings/{person}").status_code == 200
