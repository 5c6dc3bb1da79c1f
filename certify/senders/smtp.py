"""E-mail through the fund's mail server."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from certify.senders import Outgoing, SendFailed
from certify.senders.table import SenderTable, Setup, is_loopback


class SmtpTable(SenderTable):
    """A mail server. ``ca_file`` names who vouches for its certificate, when that is nobody the system knows."""

    kind: Literal["smtp"]
    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: Path | None = None
    user: str | None = None
    sender: str = Field(alias="from", max_length=200)

    @field_validator("sender")
    @classmethod
    def _one_address(cls, sender: str) -> str:
        if "\n" in sender or "\r" in sender or "@" not in parseaddr(sender)[1]:
            raise ValueError("must be an address, like 'Pension Fund <no-reply@fund.example>'")
        return sender

    def unfit(self) -> str | None:
        """Return why this must not be used in production, or None."""
        open_line = self.security == "none" and not is_loopback(self.host)
        return "'security' must be starttls or tls" if open_line else None

    def build(self, setup: Setup) -> SmtpSender:
        """Make the sender."""
        context = None
        if self.security != "none":
            vouched = (setup.folder / self.ca_file).read_text("ascii") if self.ca_file else None
            context = ssl.create_default_context(cadata=vouched)
        return SmtpSender(self, self.the_secret(setup), context)


class SmtpSender:
    """Sends e-mails, many over one connection."""

    def __init__(self, table: SmtpTable, secret: str, context: ssl.SSLContext | None) -> None:
        self._table = table
        self._secret = secret
        self._context = context

    @contextmanager
    def connected(self) -> Iterator[Callable[[Outgoing], None]]:
        """Give what sends; it connects with the first message, and again after a failure."""
        line = _Line(self._connect)
        try:
            yield lambda message: line.send(self._compose(message))
        finally:
            line.close()

    def _connect(self) -> smtplib.SMTP:
        table = self._table
        if table.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                table.host, table.port, timeout=table.timeout, context=self._context
            )
        else:
            server = smtplib.SMTP(table.host, table.port, timeout=table.timeout)
        try:
            if table.security == "starttls":
                # Raises when the server does not offer it: nothing goes out in clear because somebody cut a line.
                server.starttls(context=self._context)
            if table.user is not None:
                server.login(table.user, self._secret)
        except BaseException:
            server.close()
            raise
        return server

    def _compose(self, message: Outgoing) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._table.sender
        mail["To"] = message.email
        mail["Subject"] = message.subject
        mail["Date"] = formatdate()
        # The same at every attempt: mail programs show a repeat once.
        mail["Message-ID"] = f"<{message.id}@{parseaddr(self._table.sender)[1].rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        mail["Content-Language"] = message.language  # which set_content would take away
        return mail


class _Line:
    """A connection that is made when it is needed."""

    def __init__(self, connect: Callable[[], smtplib.SMTP]) -> None:
        self._connect = connect
        self._server: smtplib.SMTP | None = None

    def send(self, mail: EmailMessage) -> None:
        try:
            if self._server is None:
                self._server = self._connect()
            self._server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            status = next(iter(error.recipients.values()))[0]
            raise SendFailed(f"smtp_{status}", final=500 <= status < 600) from None  # its text has the address
        except smtplib.SMTPResponseException as error:
            self.close()
            raise SendFailed(f"smtp_{error.smtp_code}") from None
        except TimeoutError as error:
            self.close()
            raise SendFailed("timeout") from error
        except ssl.SSLError as error:
            self.close()
            raise SendFailed("tls") from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            self.close()
            # smtplib says of a server that is too slow that it has gone.
            late = isinstance(error.__context__, TimeoutError)
            raise SendFailed("timeout" if late else "unreachable") from error

    def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            with suppress(smtplib.SMTPException, OSError, ValueError):
                server.quit()
            server.close()
