"""Everything else people read: messengers and further gateways, by Apprise (``certify[apprise]``)."""

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
from certify.senders.table import SenderTable, Setup, filled


class AppriseTable(SenderTable):
    """A service by its Apprise URL, in which {phone} or {email} stands for the person, and {secret} for the secret."""

    kind: Literal["apprise"]
    url: str

    @field_validator("url")
    @classmethod
    def _to_the_person(cls, url: str) -> str:
        # Without one, everybody's one-time links would go to the same place.
        if "{phone}" not in url and "{email}" not in url:
            raise ValueError("must have {phone} or {email}, so that each message goes to its person")
        return url

    def needs(self, channel: Channel) -> frozenset[str]:
        """Return what must be known of a person: also whatever the URL names."""
        named = {name for name in ("phone", "email") if f"{{{name}}}" in self.url}
        return super().needs(channel) | named

    def build(self, setup: Setup) -> AppriseSender:
        """Make the sender."""
        if importlib.util.find_spec("apprise") is None:
            raise ValueError("apprise is not installed: pip install 'certify[apprise]'")
        return AppriseSender(self.url, self.the_secret(setup))


class AppriseSender:
    """Sends through a service that Apprise knows."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret

    @contextmanager
    def connected(self) -> Iterator[Callable[[Outgoing], None]]:
        """Give what sends; Apprise connects for every message."""
        apprise: Any = importlib.import_module("apprise")
        # It writes into its log to whom it could not send.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)

        def send(message: Outgoing) -> None:
            values = {"phone": message.phone or "", "email": message.email or "", "secret": self._secret}
            url = filled(self._url, {name: quote(value, safe="") for name, value in values.items()})
            service = apprise.Apprise()
            try:
                known = service.add(url)
                sent = known and service.notify(
                    body=message.text, title=message.subject, body_format=apprise.NotifyFormat.TEXT
                )
            except Exception:  # noqa: BLE001 - a plugin's own, of any kind; its text may hold the address
                raise SendFailed("apprise_failed") from None
            if not sent:
                raise SendFailed("not_accepted" if known else "apprise_url")

        yield send
