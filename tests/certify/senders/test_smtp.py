"""E-mail, with a real mail server on this machine that answers well and badly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from certify.senders import Sender
from certify.senders.smtp import SmtpTable
from certify.senders.table import Setup
from tests.certify.messages.servers import (
    MESSAGE_ID,
    certificate,
    closed_port,
    code_of,
    mail_server,
    outgoing,
    silent_server,
)

pytestmark = pytest.mark.enable_socket


def _sender(port: int, folder: Path, **table: Any) -> Sender:
    values: dict[str, Any] = {
        "kind": "smtp",
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "from": "Pension Fund <no-reply@fund.example>",
        "timeout": 1.0,
    }
    return SmtpTable.model_validate(values | table).build(Setup(folder, folder, "Fund", "x", None))


def _send(port: int, folder: Path, **table: Any) -> tuple[str, bool]:
    with _sender(port, folder, **table).connected() as send:
        return code_of(lambda: send(outgoing("email")))


def test_a_mail_arrives_with_its_headers(tmp_path: Path) -> None:
    with mail_server() as box:
        assert _send(box.port, tmp_path) == ("sent", False)
    (mail,) = box.mails
    assert mail["To"] == "maria@mail.example"
    assert mail["From"] == "Pension Fund <no-reply@fund.example>"
    assert mail["Message-ID"] == f"<{MESSAGE_ID}@fund.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "en"
    assert mail.get_content().strip() == outgoing().text


def test_many_mails_over_one_connection(tmp_path: Path) -> None:
    with mail_server() as box, _sender(box.port, tmp_path).connected() as send:
        for _ in range(5):
            send(outgoing("email"))
    assert len(box.mails) == 5
    assert box.sessions == 1


def test_a_broken_connection_is_opened_again(tmp_path: Path) -> None:
    with mail_server() as box, _sender(box.port, tmp_path).connected() as send:
        send(outgoing("email"))
        box.data = ["cut"]
        assert code_of(lambda: send(outgoing("email"))) == ("unreachable", False)
        send(outgoing("email"))
    assert len(box.mails) == 2
    assert box.sessions == 2


def test_a_refused_address_is_given_up_at_once(tmp_path: Path) -> None:
    with mail_server() as box, _sender(box.port, tmp_path).connected() as send:
        box.rcpt = ["550 no such user", "450 mailbox busy"]
        assert code_of(lambda: send(outgoing("email"))) == ("smtp_550", True)
        assert code_of(lambda: send(outgoing("email"))) == ("smtp_450", False)
        send(outgoing("email"))  # the next message is sent
    assert len(box.mails) == 1


def test_a_server_that_refuses_everything_is_tried_again_later(tmp_path: Path) -> None:
    with mail_server() as box:
        box.data = ["554 no thanks"]
        assert _send(box.port, tmp_path) == ("smtp_554", False)


def test_over_an_encrypted_connection_with_login(tmp_path: Path) -> None:
    context, authority = certificate(tmp_path)
    (tmp_path / "password").write_text("pa55\n")
    secure = {"security": "starttls", "ca_file": authority.name, "user": "fund", "secret_file": "password"}
    with mail_server(tls=context, login=("fund", "pa55")) as box:
        assert _send(box.port, tmp_path, **secure) == ("sent", False)
        assert _send(box.port, tmp_path, **(secure | {"user": "another"})) == ("smtp_535", False)
        # No known authority signed the certificate of this server, so it gets neither password nor mail.
        assert _send(box.port, tmp_path, **{k: v for k, v in secure.items() if k != "ca_file"}) == ("tls", False)
    assert box.encrypted == [True]


def test_nothing_is_sent_in_clear_if_encryption_is_not_offered(tmp_path: Path) -> None:
    with mail_server() as box:
        assert _send(box.port, tmp_path, security="starttls") == ("unreachable", False)
        assert _send(box.port, tmp_path, security="tls")[0] == "tls"
    assert box.mails == []


def test_servers_that_say_nothing_or_nonsense(tmp_path: Path) -> None:
    assert _send(closed_port(), tmp_path)[0] == "unreachable"
    with silent_server() as port:
        assert _send(port, tmp_path)[0] == "timeout"
    with silent_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert _send(port, tmp_path)[0] in ("unreachable", "smtp_-1")
    with silent_server(b"220 " + b"x" * 100_000) as port:
        assert _send(port, tmp_path)[0] in ("unreachable", "smtp_500")


def test_headers_cannot_be_injected(tmp_path: Path) -> None:
    with mail_server() as box, _sender(box.port, tmp_path).connected() as send:
        for changes in ({"email": "a@x.example\nBcc: b@x.example"}, {"subject": "x\r\nBcc: b@x.example"}):
            with pytest.raises(ValueError, match=r"linefeed|newline|header"):
                send(outgoing("email", **changes))
    assert box.mails == []
