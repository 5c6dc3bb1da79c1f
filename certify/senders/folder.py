"""Write messages as files, to read them in development and in the demo. Production refuses it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from certify.private_file import delete_named, write_private
from certify.senders import Outgoing, SendFailed
from certify.senders.table import SenderTable, Setup


class FolderTable(SenderTable):
    """A table of the senders file: a folder, by default ``messages`` in the data folder."""

    kind: Literal["folder"]
    folder: Path = Path("messages")

    def production_problem(self) -> str | None:
        """Return why this must not be used in production."""
        return "'folder' is for development: it reaches no one"

    def build(self, setup: Setup) -> FolderSender:
        """Build the sender."""
        return FolderSender(setup.data_dir / self.folder)


class FolderSender:
    """Writes each message as a text file of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def connected(self) -> Iterator[Callable[[Outgoing], None]]:
        """Return a context with a function that writes one message."""
        yield self._write

    def forget(self, ids: Collection[str]) -> None:
        """Delete the files of these messages."""
        delete_named(self._folder, ids)

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
