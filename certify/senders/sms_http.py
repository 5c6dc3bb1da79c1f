"""Send text messages through the HTTP gateway of a telephone company or service, with one POST for each message."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pydantic import Field, field_validator

from certify.senders import Outgoing, SendFailed
from certify.senders.table import SenderTable, Setup, fill_placeholders, is_safe

_MAX_ANSWER = 64_000


class HttpTable(SenderTable):
    """A table of the senders file: an HTTP gateway.

    In ``fields`` and ``headers``, the placeholders ``{phone}``, ``{text}``, ``{id}`` and ``{secret}`` are filled.

    Attributes:
        kind: ``http``.
        url: address of the gateway.
        format: encoding of the body.
        fields: the body.
        headers: further headers of the request.
        expect: fields and values that the JSON answer must have, if the status code alone does not tell.
        refused: status codes by which the gateway says that it can never deliver this message.
    """

    kind: Literal["http"]
    url: str = Field(pattern=r"^https?://")
    format: Literal["json", "form"] = "json"
    fields: dict[str, Any]
    headers: dict[str, str] = Field(default_factory=dict)
    expect: dict[str, str | int | bool] = Field(default_factory=dict)
    refused: frozenset[int] = frozenset()

    @field_validator("fields")
    @classmethod
    def _names_both(cls, fields: dict[str, Any]) -> dict[str, Any]:
        if not all(name in repr(fields) for name in ("{phone}", "{text}")):
            raise ValueError("must have {phone} and {text} somewhere")
        return fields

    def production_problem(self) -> str | None:
        """Return why this must not be used in production, or None."""
        return None if is_safe(self.url) else "'url' must begin with https://"

    def build(self, setup: Setup) -> HttpSender:
        """Build the sender.

        Raises:
            OSError: the file of the secret cannot be read.
        """
        return HttpSender(self, self.read_secret(setup))


class _NoRedirect(HTTPRedirectHandler):
    """Refuses redirects, because their target is not the gateway that was configured."""

    def redirect_request(self, *_: Any) -> None:
        """Do not follow a redirect."""


class HttpSender:
    """Sends text messages through an HTTP gateway."""

    def __init__(self, table: HttpTable, secret: str) -> None:
        self._table = table
        self._secret = secret
        self._opener = build_opener(_NoRedirect)

    @contextmanager
    def connected(self) -> Iterator[Callable[[Outgoing], None]]:
        """Return a context with a function that sends one message; each message is a request of its own."""
        yield self._send

    def _send(self, message: Outgoing) -> None:
        status, answer = self._post(self._request(message))
        if not 200 <= status < 300:
            raise SendFailed(f"http_{status}", final=status in self._table.refused)
        self._check(answer)

    def _request(self, message: Outgoing) -> Request:
        table = self._table
        values = {
            "phone": message.phone or "",
            "text": message.text,
            "id": str(message.id),
            "secret": self._secret,
        }
        fields = fill_placeholders(table.fields, values)
        body = json.dumps(fields, ensure_ascii=False) if table.format == "json" else urlencode(fields, doseq=True)
        kind = "application/json" if table.format == "json" else "application/x-www-form-urlencoded"
        headers = {
            "Content-Type": f"{kind}; charset=utf-8",
            # If an answer was lost and the message is sent again, the gateway can detect the repeat.
            "Idempotency-Key": str(message.id),
            **fill_placeholders(table.headers, values),
        }
        return Request(table.url, body.encode(), headers, method="POST")  # noqa: S310 - http or https, by the pattern

    def _post(self, request: Request) -> tuple[int, bytes]:
        try:
            with self._opener.open(request, timeout=self._table.timeout) as answer:
                return answer.status, answer.read(_MAX_ANSWER)
        except HTTPError as error:
            with error:
                return error.code, b""
        except TimeoutError as error:
            raise SendFailed("timeout") from error
        except URLError as error:
            raise SendFailed("timeout" if isinstance(error.reason, TimeoutError) else "unreachable") from error
        except (OSError, HTTPException, ValueError) as error:
            raise SendFailed("bad_answer") from error

    def _check(self, answer: bytes) -> None:
        if not self._table.expect:
            return
        try:
            content = json.loads(answer)
        except ValueError as error:
            raise SendFailed("bad_answer") from error
        if not isinstance(content, dict):
            raise SendFailed("bad_answer")
        if any(content.get(name) != value for name, value in self._table.expect.items()):
            raise SendFailed("not_accepted")
