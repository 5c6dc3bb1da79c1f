"""Send e-mails through the fund's mail server."""

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
    """A table of the senders file: a mail server.

    ``ca_file`` holds the certificate of the authority that issued the server's certificate, if the system does not
    trust that authority already.
    """

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

    def production_problem(self) -> str | None:
        """Return why this must not be used in production, or None."""
        unencrypted = self.security == "none" and not is_loopback(self.host)
        return "'security' must be starttls or tls" if unencrypted else None

    def build(self, setup: Setup) -> SmtpSender:
        """Build the sender.

        Raises:
            OSError: the file of the secret or of the authority cannot be read.
        """
        context = None
        if self.security != "none":
            authority = (setup.folder / self.ca_file).read_text("ascii") if self.ca_file else None
            context = ssl.create_default_context(cadata=authority)
        return SmtpSender(self, self.read_secret(setup), context)


class SmtpSender:
    """Sends e-mails, several over one connection."""

    def __init__(self, table: SmtpTable, secret: str, context: ssl.SSLContext | None) -> None:
        self._table = table
        self._secret = secret
        self._context = context

    @contextmanager
    def connected(self) -> Iterator[Callable[[Outgoing], None]]:
        """Return a context with a function that sends one message.

        It connects for the first message, and again after a failure.
        """
        connection = _Connection(self._connect)
        try:
            yield lambda message: connection.send(self._compose(message))
        finally:
            connection.close()

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
                # Raises if the server does not offer it, so an attacker cannot force a message to go out in clear.
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
        # The same at every attempt, so that mail programs show a repeated message once.
        mail["Message-ID"] = f"<{message.id}@{parseaddr(self._table.sender)[1].rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        mail["Content-Language"] = message.language  # after set_content, which would remove it
        return mail


class _Connection:
    """A connection to the mail server that is opened when it is needed."""

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
            raise SendFailed(f"smtp_{status}", final=500 <= status < 600) from None  # its text contains the address
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
            # If a server is too slow, smtplib reports that it disconnected.
            timed_out = isinstance(error.__context__, TimeoutError)
            raise SendFailed("timeout" if timed_out else "unreachable") from error

    def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            with suppress(smtplib.SMTPException, OSError, ValueError):
                server.quit()
            server.close()
