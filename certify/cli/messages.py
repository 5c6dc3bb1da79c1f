"""``certify messages``, ``certify remind`` and ``certify letter``: write to people, and see what was sent."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from certify.cli.choices import Language
from certify.cli.exit_codes import ExitCode
from certify.cli.options import AsJson, command_group, output_file
from certify.cli.output import complain, print_json, say
from certify.cli.person import PersonId
from certify.cli.service import opened_service, operator
from certify.cli.tables import Column, show_table
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from certify.service import Service
    from certify.storage.tables.messages import MessageRow

app = command_group("List, send and cancel messages to people.")

_MANY = 1_000_000_000


class State(StrEnum):
    """State of a message."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


def register(root: typer.Typer) -> None:
    """Add ``certify remind`` and ``certify letter`` to the command."""
    root.command("remind")(remind_people)
    root.command("letter")(letter)


@app.command("list")
def list_them(
    state: Annotated[State | None, typer.Option(help="Only messages in this state.")] = None,
    beneficiary: PersonId = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most messages to list.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List messages, newest first, with channel and state. Their text is not shown."""
    from certify.storage.messages import count_messages, list_messages

    with opened_service() as service, service.reading() as unit:
        rows = list_messages(unit.db, state=state, beneficiary_id=beneficiary, limit=limit)
        counts = count_messages(unit.db)
    if as_json:
        names = (
            *("id", "beneficiary_id", "kind", "channel", "state", "attempts", "created_at", "not_before", "sent_at"),
            "last_error",
        )
        print_json([{name: getattr(row, name) for name in names} for row in rows])
        return
    if rows:
        show_table(
            [Column("id", whole=True), "message", "state"],
            [(str(row.id), f"{row.kind}, {row.channel}", _state_in_words(row)) for row in rows],
        )
    else:
        say("There are no such messages.")
    for (channel, name), number in sorted(counts.items()):
        say(f"  {channel}, {name}: {number:,}")


@app.command()
def send(
    again: Annotated[
        bool, typer.Option("--again", help="Also send messages that were given up, counting their attempts from zero.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send the messages that are due now, as the messages worker does every minute. Quiet hours are kept.

    Exit code 0 when nothing failed, 1 when a message failed and waits for its next attempt or was given up.
    """
    from certify.messages.send import send_due
    from certify.storage.messages import retry_failed

    with opened_service() as service:
        _require_senders(service)
        with service.unit(operator()) as unit:
            revived = retry_failed(unit.db, unit.now) if again else 0
        done = send_due(service, seconds=float(_MANY))
    if as_json:
        print_json(dict(done) | {"revived": revived})
    else:
        words = {
            "sent": "sent",
            "put_off": "failed, will be tried again",
            "failed": "given up",
            "quiet": "in quiet hours",
            "cancelled": "no longer needed",
            "unreadable": "cannot be read",
        }
        for name, number in done.items():
            say(f"{number:,} {words.get(name, name)}")
        if not done:
            say("Nothing was due.")
    if done["put_off"] or done["failed"] or done["unreadable"]:
        raise typer.Exit(ExitCode.NO)


@app.command()
def cancel(
    message: Annotated[list[UUID] | None, typer.Argument(help="Ids, from 'certify messages list'.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Cancel all messages that wait.")] = False,
    kind: Annotated[str | None, typer.Option(help="With --all: only this kind, such as reminder_30.")] = None,
) -> None:
    """Cancel messages that wait, and delete their text. The same reminder is not written again.

    Exit code 1 when one of the messages named did not wait.
    """
    from certify.storage.messages import mark_cancelled, waiting_messages

    if bool(message) == every:
        raise Invalid("Give ids of messages, or --all.", code=ErrorCode.MESSAGES_UNNAMED)
    with opened_service() as service, service.unit(operator()) as unit:
        wanted = message or waiting_messages(unit.db, kind=kind, limit=_MANY)
        done = mark_cancelled(unit.db, wanted)
    say(f"{done:,} cancelled.")
    if message and done < len(set(message)):
        complain("The others do not wait: they were sent, given up or cancelled before, or do not exist.", "")
        raise typer.Exit(ExitCode.NO)


def remind_people(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the people to remind.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write today's reminders into the outbox, as the messages worker does every day. Safe to repeat.

    People are reminded 90, 30 and 7 days before their proof of life is due, and every two weeks after it
    (docs/reminders.md). 'certify messages send' or the worker sends the reminders.
    """
    from certify.messages.announce import announce
    from certify.messages.reminders import remind

    with opened_service() as service:
        _require_senders(service)
        put = remind(service, dry_run=dry_run) + announce(service, dry_run=dry_run)
    if as_json:
        print_json(dict(put))
        return
    for name, number in put.items():
        say(f"{name}: {number:,} messages")
    if not put:
        say("All reminders of today are written.")
    elif dry_run:
        say("Nothing was put into the outbox.")


def letter(
    beneficiary: Annotated[UUID, typer.Argument(help="Id of the person.")],
    out: Annotated[Path, output_file("PDF file to write; only you can read it.", private=True)],
    language: Annotated[
        str | None, typer.Option(help=f"Language, instead of the person's own: {', '.join(Language)}.")
    ] = None,
) -> None:
    """Write a letter to a person as PDF, with a QR code that opens the person's own pages once.

    It can be handed over at a counter. The letter gives access to the person's pages, so treat it like a key.
    """
    from certify.messages.letters import write_letter
    from certify.private_file import write_private

    if language is not None and language not in tuple(Language):
        raise Invalid(
            "There are no letters in this language.", hint=f"Known: {', '.join(Language)}.", code=ErrorCode.LANGUAGE
        )
    with opened_service() as service, service.unit(operator()) as unit:
        pdf = write_letter(unit, beneficiary, language=language)
        try:
            write_private(out, pdf)
        except OSError as error:
            raise Invalid(f"{out} cannot be written: {error.strerror}.", code=ErrorCode.FILE_UNWRITABLE) from error
    say(f"Written: {out}")


def _state_in_words(row: MessageRow) -> str:
    """Return the state of a message in words."""
    tries = f" after {row.attempts} tries" if row.attempts > 1 else ""
    error = f" ({row.last_error})" if row.last_error else ""
    when = f", not before {row.not_before:%Y-%m-%d %H:%M} UTC" if row.state == State.WAITING else ""
    return f"{row.state}{tries}{when}{error}"


def _require_senders(service: Service) -> None:
    """Raise Unavailable if the fund has configured no sender.

    Args:
        service: the service.

    Raises:
        Unavailable: the settings name no senders file, or it has no channel (``senders_missing``).
    """
    if not service.senders.ways:
        raise Unavailable(
            "There is no way to send messages.",
            hint="Write a senders file and name it in CERTIFY_SENDERS_FILE (docs/reminders.md).",
            code=ErrorCode.SENDERS_MISSING,
        )
