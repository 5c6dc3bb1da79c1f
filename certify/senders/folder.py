"""Messages as files, to look at them: for development and the demo, never for production."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from certify.private_file import write_private
from certify.senders import Outgoing, SendFailed
from certify.senders.table import SenderTable, Setup


class FolderTable(SenderTable):
    """A folder, by default ``messages`` in the data folder."""

    kind: Literal["folder"]
    folder: Path = Path("messages")

    def unfit(self) -> str | None:
        """Return why this must not be used in production."""
        return "'folder' is for development: nobody would be reached"

    def build(self, setup: Setup) -> FolderSender:
        """Make the sender."""
        return FolderSender(setup.data_dir / self.folder)


class FolderSender:
    """Writes each message as a text file of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def connected(self) -> Iterator[Callable[[Outgoing], None]]:
        """Give what writes."""
        yield self._write

    def _write(self, message: Outgoing) -> None:
        to = {"sms": message.phone, "email": message.email, "letter": message.name}
        lines = [
            f"To: {to.get(message.channel) or message.phone or message.email}",
            f"Subject: {message.subject}",
            "",
            message.text,
        ]
        if message.link is not None and message.link not in message.text:
            lines += ["", message.link]
        try:
            write_private(self._folder / f"{message.channel}-{message.id}.txt", "\n".join([*lines, ""]).encode())
        except OSError as error:
            raise SendFailed("not_written") from error
