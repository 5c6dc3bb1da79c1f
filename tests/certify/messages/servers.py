"""Small real servers on this machine: an SMS gateway and a mail server that behave or misbehave as a test wants."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from certify.senders import Channel, Outgoing

MESSAGE_ID = UUID("6f2c1f5e-0b1d-4e0a-9f3c-7d2f0b1a2c3d")
PERSON = UUID("11111111-2222-4333-8444-555555555555")
LINK = "https://life.fund.example/#l=abcdefghijklmnopqrstuvwxyz0"


def outgoing(channel: Channel = "sms", **changes: Any) -> Outgoing:
    values: dict[str, Any] = {
        "id": MESSAGE_ID,
        "beneficiary_id": PERSON,
        "channel": channel,
        "day": dt.date(2027, 9, 1),
        "phone": "+8613800138000",
        "email": "maria@mail.example",
        "name": "Maria Silva",
        "language": "en",
        "subject": "Your proof of life",
        "text": f"Olá “{{phone}}” 你好 {{secret}} & more: {LINK}",
        "link": LINK,
    }
    return Outgoing(**(values | changes))


@dataclass(slots=True)
class Gateway:
    """The requests that a gateway got, and how it answers."""

    port: int = 0
    status: int = 200
    body: bytes = b'{"status": "accepted"}'
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    raw: bytes | None = None
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/messages"


@contextmanager
def gateway() -> Iterator[Gateway]:
    """Run an HTTP gateway."""
    state = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.requests.append((self.path, dict(self.headers), body))
            time.sleep(state.wait)
            if state.raw is not None:
                self.wfile.write(state.raw)
                self.close_connection = True
                return
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)

        do_GET = do_POST  # noqa: N815 - names that http.server calls

        def log_message(self, *_: Any) -> None:
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(slots=True)
class Mailbox:
    """The mails that a mail server got, and how it answers."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    sessions: int = 0
    rcpt: list[str] = field(default_factory=list)  # next answers to RCPT, instead of "250 OK"
    data: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_HELO(self, _server: SMTP, session: Any, _envelope: Envelope, hostname: str) -> str:  # noqa: N802
        session.host_name = hostname
        return "250 hello"

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Any, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.sessions += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Any, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.rcpt:
            return self.rcpt.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.data:
            answer = self.data.pop(0)
            if answer == "cut":
                assert isinstance(server.transport, asyncio.Transport)
                server.transport.abort()
            return answer
        content = envelope.content
        assert isinstance(content, bytes)
        mail = BytesParser(policy=default).parsebytes(content)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.encrypted.append(session.ssl is not None)
        return "250 OK"


@contextmanager
def mail_server(*, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None) -> Iterator[Mailbox]:
    """Run a mail server. With ``tls`` it offers STARTTLS; with ``login`` it requires a login."""
    box = Mailbox()

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=login == (data.login.decode(), data.password.decode()), handled=False)

    options: dict[str, Any] = {"tls_context": tls}
    if login is not None:
        options |= {"authenticator": check, "auth_required": True, "auth_require_tls": tls is not None}
    controller = Controller(box, hostname="127.0.0.1", port=_free_port(), ready_timeout=20, **options)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


@contextmanager
def silent_server(greeting: bytes = b"") -> Iterator[int]:
    """Run a server that accepts connections, sends a greeting, and then sends nothing more."""
    import socket  # noqa: PLC0415 - imported here, so that the test guard against sockets covers it

    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connection.sendall(greeting)
                kept.append(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in kept:
                connection.close()


def closed_port() -> int:
    """Return a port on which no server listens."""
    return _free_port()


def certificate(folder: Path, host: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """Return a TLS context for a server on this machine, and the file of its self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "mail.pem", folder / "mail.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, private)
    return context, public


def code_of(send: Callable[[], None]) -> tuple[str, bool]:
    """Return the code with which sending fails, or ``sent``, and whether the failure is final."""
    from certify.senders import SendFailed  # noqa: PLC0415

    try:
        send()
    except SendFailed as error:
        return error.code, error.final
    return "sent", False


def _free_port() -> int:
    import socket  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
