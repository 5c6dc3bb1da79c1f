"""The SMS gateway, with a real HTTP server on this machine that answers well and badly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from certify.senders import Outgoing
from certify.senders.sms_http import HttpTable
from certify.senders.table import Setup, fill_placeholders
from tests.certify.messages.servers import MESSAGE_ID, Gateway, closed_port, code_of, gateway, outgoing, silent_server

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def there() -> Iterator[Gateway]:
    with gateway() as server:
        yield server


def _send(url: str, message: Outgoing | None = None, **table: Any) -> tuple[str, bool]:
    values: dict[str, Any] = {
        "kind": "http",
        "url": url,
        "timeout": 0.4,
        "secret": "s3cret",
        "fields": {"to": ["{phone}"], "content": {"text": "{text}"}, "from": "FUND", "flash": False},
        "headers": {"Authorization": "Bearer {secret}"},
    }
    sender = HttpTable.model_validate(values | table).build(Setup(Path(), Path(), "Fund", url, None))
    with sender.connected() as send:
        return code_of(lambda: send(message or outgoing()))


def test_json_as_the_gateway_wants_it(there: Gateway) -> None:
    assert _send(there.url) == ("sent", False)
    ((path, headers, body),) = there.requests
    assert path == "/v1/messages"
    assert headers["Authorization"] == "Bearer s3cret"
    assert headers["Idempotency-Key"] == str(MESSAGE_ID)
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    sent = json.loads(body)
    # Text of a message is never taken for a placeholder.
    assert sent == {"to": ["+8613800138000"], "content": {"text": outgoing().text}, "from": "FUND", "flash": False}


def test_a_form_as_the_gateway_wants_it(there: Gateway) -> None:
    fields = {"mobile": "{phone}", "message": "{text}", "key": "{secret}", "ref": "{id}"}
    assert _send(there.url, format="form", fields=fields) == ("sent", False)
    (_, headers, body) = there.requests[0]
    assert headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert parse_qs(body.decode()) == {
        "mobile": ["+8613800138000"],
        "message": [outgoing().text],
        "key": ["s3cret"],
        "ref": [str(MESSAGE_ID)],
    }


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 503])
def test_any_answer_but_success_is_tried_again(there: Gateway, status: int) -> None:
    there.status = status
    there.headers = {"Location": there.url + "/elsewhere"}
    assert _send(there.url) == (f"http_{status}", False)
    assert len(there.requests) == 1  # a redirect is not followed: the text would go to another server


def test_a_status_by_which_the_gateway_refuses_permanently(there: Gateway) -> None:
    there.status = 422
    assert _send(there.url, refused=[422]) == ("http_422", True)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"status": "accepted", "n": 1}', "sent"),
        (b'{"status": "rejected"}', "not_accepted"),
        (b"{}", "not_accepted"),
        (b"[]", "bad_answer"),
        (b"<html>welcome</html>", "bad_answer"),
        (b"\xff\xfe\x00", "bad_answer"),
        (b"", "bad_answer"),
        (b'{"status": "accepted"' + b" " * 100_000 + b"}", "bad_answer"),
    ],
)
def test_the_answer_must_confirm_when_the_status_does_not(there: Gateway, body: bytes, code: str) -> None:
    there.body = body
    assert _send(there.url, expect={"status": "accepted"})[0] == code


@pytest.mark.parametrize("raw", [b"garbage\r\n\r\n", b"", b"\x00" * 10_000, b"HTTP/1.1 999999 x\r\n\r\n"])
def test_garbage_is_a_failure(there: Gateway, raw: bytes) -> None:
    there.raw = raw
    assert _send(there.url)[0] == "bad_answer"


def test_a_slow_gateway_is_not_waited_for(there: Gateway) -> None:
    there.wait = 1.0
    assert _send(there.url)[0] == "timeout"


def test_a_silent_gateway_is_not_waited_for() -> None:
    with silent_server() as port:
        assert _send(f"http://127.0.0.1:{port}/")[0] == "timeout"
    with silent_server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n") as port:
        assert _send(f"http://127.0.0.1:{port}/")[0] == "timeout"


def test_an_unreachable_gateway() -> None:
    assert _send(f"http://127.0.0.1:{closed_port()}/")[0] == "unreachable"
    assert _send("http://gateway.invalid/")[0] == "unreachable"


def test_placeholders_are_filled_once() -> None:
    values = {"a": "{b}", "b": "x"}
    assert fill_placeholders("{a}{b}{c}{", values) == "{b}x{c}{"
    assert fill_placeholders([{"k": "{a}"}, 5, None], values) == [{"k": "{b}"}, 5, None]
