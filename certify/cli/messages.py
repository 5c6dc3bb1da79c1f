"""``certify messages``, ``certify remind`` and ``certify letter``: what people are told, and how it goes out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich import box
from rich.table import Column, Table

from certify.cli.output import AsJson, ExitCode, complain, console, opened_service, operator, print_json
from certify.cli.person import PersonId
from certify.errors import Invalid, Unavailable
from certify.service import Service
from certify.storage.messages import count_messages, list_messages, mark_cancelled, retry_failed, waiting_messages
from certify.storage.tables.messages import MessageRow
from certify.texts import LANGUAGES

app = typer.Typer(help="See, send and cancel messages to people.", no_args_is_help=True)

_MANY = 1_000_000_000


class State(StrEnum):
    """What becomes of a message."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


@app.callback()
def _group() -> None:
    """See, send and cancel messages to people."""


def register(root: typer.Typer) -> None:
    """Add ``certify remind`` and ``certify letter`` to the command."""
    root.command("remind")(remind_people)
    root.command("letter")(letter)


@app.command("list")
def list_them(
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    beneficiary: PersonId = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List messages, newest first: on which channel, and what became of them. What they say is not shown."""
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
    table = Table(Column("id", no_wrap=True), "message", "what became of it", box=box.SIMPLE)
    for row in rows:
        table.add_row(str(row.id), f"{row.kind}, {row.channel}", _fate(row))
    console.print(table if rows else "There are no such messages.")
    for (channel, name), number in sorted(counts.items()):
        console.print(f"  {channel}, {name}: {number:,}", highlight=False)


@app.command()
def send(
    again: Annotated[bool, typer.Option("--again", help="Also those that were given up, from the start.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send now what is due, as the messages worker does every minute. Quiet hours are kept.

    Exit code 0 when nothing failed, 1 when something did and waits for its next try or was given up.
    """
    from certify.messages.send import send_due  # noqa: PLC0415 - few commands send

    with opened_service() as service:
        _check_ways(service)
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
        }
        words |= {"cancelled": "no longer needed", "unreadable": "cannot be read"}
        for name, number in done.items():
            console.print(f"{number:,} {words.get(name, name)}", highlight=False)
        if not done:
            console.print("Nothing was due.")
    if done["put_off"] or done["failed"] or done["unreadable"]:
        raise typer.Exit(ExitCode.NO)


@app.command()
def cancel(
    message: Annotated[list[UUID] | None, typer.Argument(help="Ids, from 'certify messages list'.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Everything that waits.")] = False,
    kind: Annotated[str | None, typer.Option(help="With --all: only this kind, such as reminder_30.")] = None,
) -> None:
    """Cancel messages that wait, and forget what they say. The same occasion is not brought up again."""
    if bool(message) == every:
        raise Invalid("Give ids of messages, or --all.", code="messages_unnamed")
    with opened_service() as service, service.unit(operator()) as unit:
        wanted = message or waiting_messages(unit.db, kind=kind, limit=_MANY)
        done = mark_cancelled(unit.db, wanted)
    console.print(f"{done:,} cancelled.", highlight=False)
    if message and done < len(set(message)):
        complain("The others do not wait: they were sent, given up or cancelled before, or do not exist.", "")
        raise typer.Exit(ExitCode.NO)


def remind_people(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count who would be reminded.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put today's reminders into the outbox, as the messages worker does every day. Safe to repeat.

    People are reminded 90, 30 and 7 days before their proof of life is due, and every two weeks after it
    (docs/reminders.md). 'certify messages send' or the worker sends them.
    """
    from certify.messages.reminders import remind  # noqa: PLC0415 - few commands remind

    with opened_service() as service:
        _check_ways(service)
        put = remind(service, dry_run=dry_run)
    if as_json:
        print_json(dict(put))
        return
    for name, number in put.items():
        console.print(f"{name}: {number:,} messages", highlight=False)
    if not put:
        console.print("Nobody has to be reminded today who was not yet.")
    elif dry_run:
        console.print("Nothing was put into the outbox.")


def letter(
    beneficiary: Annotated[UUID, typer.Argument(help="Id of the person.")],
    out: Annotated[Path, typer.Option(help="PDF file to write; only you can read it.")],
    language: Annotated[str | None, typer.Option(help=f"Instead of the person's own: {', '.join(LANGUAGES)}.")] = None,
) -> None:
    """Write a letter to a person now, with a QR code that opens their own pages once.

    It can be handed over at a counter. Whoever has it can come in as that person, so treat it like a key.
    """
    from certify.messages.letters import write_letter  # noqa: PLC0415 - loads the PDF library
    from certify.private_file import write_private  # noqa: PLC0415

    if language is not None and language not in LANGUAGES:
        raise Invalid("There are no letters in this language.", hint=f"Known: {', '.join(LANGUAGES)}.", code="language")
    with opened_service() as service, service.unit(operator()) as unit:
        pdf = write_letter(unit, beneficiary, language=language)
        try:
            write_private(out, pdf)
        except OSError as error:
            raise Invalid(f"{out} cannot be written: {error.strerror}.", code="file_unwritable") from error
    console.print(f"Written: {out}", highlight=False, soft_wrap=True)


def _fate(row: MessageRow) -> str:
    """Say what became of a message."""
    tries = f" after {row.attempts} tries" if row.attempts > 1 else ""
    error = f" ({row.last_error})" if row.last_error else ""
    when = f", not before {row.not_before:%Y-%m-%d %H:%M} UTC" if row.state == State.WAITING else ""
    return f"{row.state}{tries}{when}{error}"


def _check_ways(service: Service) -> None:
    if not service.senders.ways:
        raise Unavailable(
            "There is no way to send messages.",
            hint="Write a senders file and name it in CERTIFY_SENDERS_FILE (docs/reminders.md).",
            code="senders_missing",
        )
