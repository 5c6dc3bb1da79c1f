"""Send messages through messengers and other gateways with Apprise (``certify[apprise]``)."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import quote

from pydantic import field_validator

from certify.senders import Channel, Outgoing, SendFailed
from certify.senders.table import SenderTable, Setup, fill_placeholders


class AppriseTable(SenderTable):
    """A table of the senders file: a service with its Apprise URL.

    In the URL, ``{phone}`` and ``{email}`` are replaced by the person's, and ``{secret}`` by the secret of the table.
    """

    kind: Literal["apprise"]
    url: str

    @field_validator("url")
    @classmethod
    def _to_the_person(cls, url: str) -> str:
        # Without a placeholder, the one-time links of all people would go to the same address.
        if "{phone}" not in url and "{email}" not in url:
            raise ValueError("must have {phone} or {email}, so that each message goes to its person")
        return url

    def needs(self, channel: Channel) -> frozenset[str]:
        """Return the contact details that are needed of a person: those of the channel and those in the URL."""
        named = {name for name in ("phone", "email") if f"{{{name}}}" in self.url}
        return super().needs(channel) | named

    def build(self, setup: Setup) -> AppriseSender:
        """Build the sender.

        Raises:
            ValueError: the package ``apprise`` is not installed.
            OSError: the file of the secret cannot be read.
        """
        if importlib.util.find_spec("apprise") is None:
            raise ValueError("apprise is not installed: pip install 'certify[apprise]'")
        return AppriseSender(self.url, self.read_secret(setup))


class AppriseSender:
    """Sends through a service that Apprise knows."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret

    @contextmanager
    def connected(self) -> Iterator[Callable[[Outgoing], None]]:
        """Return a context with a function that sends one message; Apprise connects for each message."""
        apprise: Any = importlib.import_module("apprise")
        # Its log would contain the addresses to which it could not send.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)

        def send(message: Outgoing) -> None:
            values = {"phone": message.phone or "", "email": message.email or "", "secret": self._secret}
            url = fill_placeholders(self._url, {name: quote(value, safe="") for name, value in values.items()})
            service = apprise.Apprise()
            try:
                known = service.add(url)
                sent = known and service.notify(
                    body=message.text, title=message.subject, body_format=apprise.NotifyFormat.TEXT
                )
            except Exception:  # noqa: BLE001 - plugins raise any kind of error, and its text may hold the address
                raise SendFailed("apprise_failed") from None
            if not sent:
                raise SendFailed("not_accepted" if known else "apprise_url")

        yield send
