"""Text messages through the gateway of a telephone company or service: one POST a message."""

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
from certify.senders.table import SenderTable, Setup, filled, is_safe

_MAX_ANSWER = 64_000


class HttpTable(SenderTable):
    """A gateway.

    ``fields`` is the body, ``headers`` go with it; in both stand {phone}, {text}, {id} and {secret}. ``expect`` names
    what the JSON answer must say when the status code alone does not tell. ``refused`` are status codes by which the
    gateway says that this message can never be delivered.
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

    def unfit(self) -> str | None:
        """Return why this must not be used in production, or None."""
        return None if is_safe(self.url) else "'url' must begin with https://"

    def build(self, setup: Setup) -> HttpSender:
        """Make the sender."""
        return HttpSender(self, self.the_secret(setup))


class _NoRedirect(HTTPRedirectHandler):
    """A gateway that sends us elsewhere is not the one that was configured."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


class HttpSender:
    """Sends text messages through a gateway."""

    def __init__(self, table: HttpTable, secret: str) -> None:
        self._table = table
        self._secret = secret
        self._opener = build_opener(_NoRedirect)

    @contextmanager
    def connected(self) -> Iterator[Callable[[Outgoing], None]]:
        """Give what sends; every message is a request of its own."""
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
        fields = filled(table.fields, values)
        body = json.dumps(fields, ensure_ascii=False) if table.format == "json" else urlencode(fields, doseq=True)
        kind = "application/json" if table.format == "json" else "application/x-www-form-urlencoded"
        headers = {
            "Content-Type": f"{kind}; charset=utf-8",
            # Sent again after an answer that was lost, it is the same message, and the gateway can tell.
            "Idempotency-Key": str(message.id),
            **filled(table.headers, values),
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
            found = json.loads(answer)
        except ValueError as error:
            raise SendFailed("bad_answer") from error
        if not isinstance(found, dict):
            raise SendFailed("bad_answer")
        if any(found.get(name) != value for name, value in self._table.expect.items()):
            raise SendFailed("not_accepted")
