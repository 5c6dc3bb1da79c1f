"""Errors of libraries become sentences; faults of ours do not."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
import sqlalchemy.exc
from alembic.util.exc import CommandError
from procrastinate.exceptions import ConnectorException

from certify.certificates.errors import BadSignature
from certify.cli.exit_codes import ExitCode
from certify.cli.failures import failure_of
from certify.domain.policy import PolicyInvalid
from certify.errors import Conflict, NotFound, Unavailable
from models.errors import ImageRefused, ModelMissing
from tests.certify.cli.here import ended

CONNECTION = 'connection failed: connection to server at "db" (10.0.0.7), port 5432 failed:'
URL = "postgresql+psycopg://certify:open-sesame@db:5432/pensions"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTIFY_DATABASE_URL", URL)


def wrapped(error: psycopg.Error) -> sqlalchemy.exc.DBAPIError:
    kind = sqlalchemy.exc.OperationalError if isinstance(error, psycopg.OperationalError) else sqlalchemy.exc.DBAPIError
    return kind("select 1", {}, error)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unavailable("The key is missing.", hint="Restore it."), ExitCode.UNAVAILABLE),
        (NotFound("No such person."), ExitCode.REFUSED),
        (Conflict("Decided already."), ExitCode.REFUSED),
        (ImageRefused("no_face", "No face."), ExitCode.REFUSED),
        (ModelMissing("The model is missing."), ExitCode.UNAVAILABLE),
        (PolicyInvalid("a.toml: x"), ExitCode.UNAVAILABLE),
        (BadSignature(), ExitCode.NO),
        (FileNotFoundError(2, "No such file or directory", "/policies"), ExitCode.UNAVAILABLE),
        (OSError(28, "No space left on device"), ExitCode.UNAVAILABLE),
        (sqlalchemy.exc.ArgumentError("Could not parse"), ExitCode.UNAVAILABLE),
        (sqlalchemy.exc.NoSuchModuleError("Can't load plugin"), ExitCode.UNAVAILABLE),
        (sqlalchemy.exc.TimeoutError("QueuePool limit"), ExitCode.UNAVAILABLE),
        (CommandError("Can't locate revision identified by '0099'"), ExitCode.UNAVAILABLE),
    ],
)
def test_what_is_known_has_a_sentence_and_a_code(error: Exception, code: ExitCode) -> None:
    found = failure_of(error)
    assert found is not None
    assert found.code is code
    assert found.message.rstrip(".")
    assert not found.message.endswith("..")
    assert "\n" not in found.message


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("08006", "closed the connection"),
        ("28P01", "refuses the user or the password"),
        ("3D000", "does not exist"),
        ("42P01", "not the one that this release needs"),
        ("42703", "not the one that this release needs"),
        ("42501", "may not do this"),
        ("25006", "can only be read"),
        ("40P01", "was busy"),
        ("55P03", "was busy"),
        ("53100", "has no room left"),
        ("53300", "has no room left"),
        ("57P01", "closed the connection"),
        ("58030", "has a fault"),
        ("XX001", "has a fault"),
    ],
)
def test_states_of_the_database(state: str, said: str) -> None:
    error = psycopg.errors.lookup(state)("FATAL:  the server's own words.\nDETAIL: more")
    for given in (error, wrapped(error)):
        found = failure_of(given)
        assert found is not None
        assert found.code is ExitCode.UNAVAILABLE
        assert said in found.message
        assert "he database db:5432/pensions" in found.message
        assert "DETAIL" not in found.message
        assert found.hint


@pytest.mark.parametrize("state", ["23505", "22P02", "42601", "21000"])
def test_states_that_are_faults_of_ours(state: str) -> None:
    assert failure_of(wrapped(psycopg.errors.lookup(state)("ERROR: x"))) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{CONNECTION} Connection refused\n\tIs the server running?", "does not answer: Connection refused."),
        (f"{CONNECTION} FATAL:  no entry for user x", "does not answer: no entry for user x."),
        ("failed to resolve host 'db': [Errno -2] Name or service not known", "Name or service not known."),
        ("connection timeout expired", "does not answer: connection timeout expired."),
        ("server closed the connection unexpectedly\n\tThis probably means", "closed the connection: server closed"),
        ("consuming input failed: EOF detected", "closed the connection: EOF detected."),
        ("the connection is closed", "closed the connection: the connection is closed."),
    ],
)
def test_connections_that_fail(text: str, reason: str) -> None:
    for given in (psycopg.OperationalError(text), wrapped(psycopg.OperationalError(text))):
        found = failure_of(given)
        assert found is not None
        assert found.code is ExitCode.UNAVAILABLE
        assert reason in found.message


def test_the_queue_wraps_errors_of_the_database() -> None:
    error = ConnectorException("Database error.")
    error.__cause__ = psycopg.OperationalError("connection timeout expired")
    found = failure_of(error)
    assert found is not None
    assert "does not answer" in found.message


def test_a_session_that_lost_its_connection() -> None:
    error = sqlalchemy.exc.PendingRollbackError("Can't reconnect until invalid transaction is rolled back.")
    error.__context__ = wrapped(psycopg.OperationalError("server closed the connection unexpectedly"))
    found = failure_of(error)
    assert found is not None
    assert "closed the connection" in found.message


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(UnicodeEncodeError) as raised:
        "\udcff".encode()
    found = failure_of(raised.value)
    assert found is not None
    assert found.code is ExitCode.REFUSED


def test_a_password_in_the_words_of_the_driver_is_not_shown() -> None:
    found = failure_of(psycopg.OperationalError('connection is bad: missing "=" after "open-sesame@db"'))
    assert found is not None
    assert "open-sesame" not in found.message + found.hint


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("x"), RuntimeError("x"), psycopg.ProgrammingError("x")])
def test_faults_of_ours_have_no_sentence(error: Exception) -> None:
    assert failure_of(error) is None


def test_a_fault_keeps_its_traceback_and_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from certify.cli import models  # noqa: PLC0415

    def broken() -> None:
        raise KeyError("nothing there")

    monkeypatch.setattr(models, "pack_store", broken)
    code, out, err = ended(tmp_path, "models", "list")
    assert code == ExitCode.FAULT
    assert out == ""
    assert "Traceback" in err
    assert "nothing there" in err
    assert "fault in certify" in err


def test_the_list_of_codes_is_the_list_in_the_module_and_in_the_help() -> None:
    from certify.cli import _HELP, exit_codes  # noqa: PLC0415

    for code in ExitCode:
        assert f"\n{code.value}     {code.name} " in (exit_codes.__doc__ or "")
        assert f"{code.value} " in _HELP.split("Exit codes:")[1]
