"""Write letters as PDF files into a folder, from which the payer's print service takes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from certify.private_file import delete_named, write_private
from certify.senders import Outgoing, SendFailed
from certify.senders.table import SenderTable, Setup


class LetterTable(SenderTable):
    """A table of the senders file: a folder for the print service, by default ``letters`` in the data folder."""

    kind: Literal["pdf"]
    folder: Path = Path("letters")

    def build(self, setup: Setup) -> LetterSender:
        """Build the sender."""
        return LetterSender(setup.data_dir / self.folder, setup)


class LetterSender:
    """Writes letters as PDF.

    The name of a file has the id of the beneficiary, by which the print service finds the address to print, and the id
    of the message, so that a repeated message replaces its own file.
    """

    def __init__(self, folder: Path, setup: Setup) -> None:
        self._folder = folder
        self._setup = setup

    def forget(self, ids: Collection[str]) -> None:
        """Delete the letters of these messages and people that the print service has not taken yet."""
        delete_named(self._folder, ids)

    @contextmanager
    def connected(self) -> Iterator[Callable[[Outgoing], None]]:
        """Return a context with a function that writes one letter."""
        from certify.certificates.fonts import CannotPrint  # noqa: PLC0415 - the HTTP process writes no letters
        from certify.senders.letter_pdf import letter_pdf  # noqa: PLC0415 - as above

        def write(message: Outgoing) -> None:
            try:
                pdf = letter_pdf(message, self._setup.fund, self._setup.address, self._setup.contact)
                write_private(self._folder / f"{message.beneficiary_id}-{message.id}.pdf", pdf)
            except CannotPrint as error:
                raise SendFailed("no_font") from error
            except OSError as error:
                raise SendFailed("not_written") from error

        yield write
