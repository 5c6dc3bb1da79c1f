"""Migrations run up and down, and lead to the schema that the tables define."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from alembic import command
from sqlalchemy import text

from certify.storage.database import Database, DatabaseError
from certify.storage.embedded import PostgresServer, embedded_url
from certify.storage.migrate import _config, downgrade, is_current, upgrade

pytestmark = pytest.mark.integration


@pytest.fixture
def empty(embedded_server: PostgresServer) -> Iterator[Database]:
    database = Database(embedded_url(embedded_server, "migrations", owner=True))
    yield database
    database.close()
    with psycopg.connect(embedded_server.get_uri(), autocommit=True) as connection:
        connection.execute("drop database migrations with (force)")


def _tables(database: Database) -> set[tuple[str, str]]:
    with database.engine.connect() as connection:
        query = (
            "select table_schema, table_name from information_schema.tables where table_schema in ('public', 'jobs')"
        )
        return {(row[0], row[1]) for row in connection.execute(text(query))}


def test_up_down_and_up_again(empty: Database) -> None:
    assert not is_current(empty)
    upgrade(empty)
    assert is_current(empty)
    tables = _tables(empty)
    assert ("public", "beneficiaries") in tables
    assert ("jobs", "procrastinate_jobs") in tables
    downgrade(empty, "base")
    assert _tables(empty) == {("public", "alembic_version")}
    upgrade(empty)
    assert _tables(empty) == tables


def test_upgrading_twice_changes_nothing(empty: Database) -> None:
    upgrade(empty)
    upgrade(empty)
    assert is_current(empty)


def test_earlier_visits_are_migrated(empty: Database) -> None:
    """Up to 0008, a visit where no one was found stayed open under its id, and no visit named its bundle."""
    with empty.engine.begin() as connection:
        command.upgrade(_config(connection), "0008")
        connection.execute(text(_BEFORE_0009))
    upgrade(empty)
    with empty.engine.connect() as connection:
        visits = "select reason, id::text, bundle_id::text from visits order by reason"
        (audit, made, tried) = connection.execute(text(visits)).all()
    assert tuple(made) == ("fund", _id(11), _id(21))
    assert tuple(audit) == ("audit", _id(12), None)
    assert tried.reason == "overdue"
    assert tried.id != _id(13)
    with empty.engine.begin() as connection:
        connection.execute(text("update visits set state = 'missed' where reason = 'audit'"))
        command.downgrade(_config(connection), "0008")
        states = connection.execute(text("select state from visits order by reason")).scalars().all()
    assert states == ["cancelled", "made", "asked"]


def test_who_enrolled_and_opened_is_read_from_the_ledger_and_early_erasures_are_made_whole(empty: Database) -> None:
    with empty.engine.begin() as connection:
        command.upgrade(_config(connection), "0011")
        connection.execute(text(_BEFORE_0017))
    upgrade(empty)
    with empty.engine.connect() as connection:
        people = connection.execute(text("select enrolled_by from beneficiaries order by id")).scalars().all()
        assert people == ["idp|clerk", None]
        assert connection.execute(text("select opened_by from review_cases")).scalars().all() == ["idp|officer"]
        numbers = connection.execute(text("select external_id from evidence order by id")).scalars().all()
        assert numbers == ["D-1", f"erased:{_id(32)}"]
        born = "select inputs -> 'entitlement' ->> 'birth_date' from determinations order by id"
        assert connection.execute(text(born)).scalars().all() == ["1950-02-03", None]
        assert connection.execute(text("select beneficiary_id::text from consents")).scalars().all() == [_id(1)]
    for attack in ("update evidence set external_id = 'x'", "update determinations set inputs = '{}'"):
        with empty.engine.begin() as connection, pytest.raises(DatabaseError, match="append-only"):
            connection.execute(text(attack))
    with empty.engine.begin() as connection:
        command.downgrade(_config(connection), "0011")


def test_links_and_marks_of_earlier_releases_are_migrated(empty: Database) -> None:
    """Up to 0010, each reminder left a live link, and only decoy sessions had the mark of what was entered."""
    with empty.engine.begin() as connection:
        command.upgrade(_config(connection), "0010")
        connection.execute(text(_BEFORE_0012))
    upgrade(empty)
    with empty.engine.connect() as connection:
        links = connection.execute(text("select hash, used_by from access_codes order by hash")).all()
        asked = connection.execute(text("select asked from capture_sessions")).scalars().all()
        persistence = connection.scalar(text("select relpersistence from pg_class where relname = 'door_marks'"))
    assert [(bytes(found.hash), found.used_by) for found in links] == [
        (b"\x01", "replaced"),
        (b"\x02", None),
        (b"\x03", None),
        (b"\x04", "phone"),
    ]
    assert [bytes(mark) for mark in asked] == [b"\x05"]
    assert persistence in ("u", b"u"), "the counters are written without a log"
    with empty.engine.begin() as connection:
        command.downgrade(_config(connection), "0010")


def test_audits_of_earlier_releases_are_of_silent_passes(empty: Database) -> None:
    with empty.engine.begin() as connection:
        command.upgrade(_config(connection), "0010")
        connection.execute(text(_BEFORE_0015))
    upgrade(empty)
    with empty.engine.begin() as connection:
        assert connection.execute(text("select cause from audits")).scalars().all() == ["silent"]
        film = "insert into audits (pass_id, beneficiary_id, drawn_at, cause) values (:id, :person, now(), :cause)"
        connection.execute(text(film), {"id": _id(14), "person": _id(1), "cause": "no_possession"})
        command.downgrade(_config(connection), "0010")
        assert connection.execute(text("select count(*) from audits")).scalar() == 1


def _id(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012}"


_BORN = '{"entitlement": {"birth_date": "1950-02-03"}}'
_BEFORE_0017 = f"""
insert into beneficiaries (id, national_id_hash, national_id_masked, created_at, erased_at) values
 ('{_id(1)}', '\\x01', 'x', now(), null), ('{_id(2)}', '\\x02', 'erased', now(), now());
insert into ledger_leaves (index, entry, beneficiary_id, created_at) values
 (0, convert_to('{{"by":"idp|clerk","event":"person_enrolled"}}', 'UTF8'), '{_id(1)}', now()),
 (1, convert_to('{{"by":"idp|officer","case":"{_id(5)}","event":"review_opened"}}', 'UTF8'), '{_id(1)}', now());
insert into review_cases (id, beneficiary_id, kind, state, opened_at)
 values ('{_id(5)}', '{_id(1)}', 'appeal', 'open', now());
insert into policies (sha256, scheme, version, document) values ('p', 'employee', '1', '{{}}');
insert into entitlements (id, beneficiary_id, scheme, starts_on) values
 ('{_id(11)}', '{_id(1)}', 'employee', now()), ('{_id(12)}', '{_id(2)}', 'employee', now());
insert into determinations
 (id, entitlement_id, beneficiary_id, policy_sha256, as_of, inputs, verdict, digest, created_at) values
 ('{_id(21)}', '{_id(11)}', '{_id(1)}', 'p', now(), '{_BORN}', '{{}}', '\\x00', now()),
 ('{_id(22)}', '{_id(12)}', '{_id(2)}', 'p', now(), '{_BORN}', '{{}}', '\\x00', now());
insert into evidence
 (id, beneficiary_id, kind, source, external_id, event_at, recorded_at, body, institution, principal) values
 ('{_id(31)}', '{_id(1)}', 'adverse', 'r', 'D-1', now(), now(), '{{}}', 'r', 'r'),
 ('{_id(32)}', '{_id(2)}', 'adverse', 'r', 'D-2', now(), now(), '{{}}', 'r', 'r');
insert into consents (id, beneficiary_id, purpose, given, text_version, assisted, at) values
 ('{_id(41)}', '{_id(1)}', 'face', true, '1', false, now()), ('{_id(42)}', '{_id(2)}', 'face', true, '1', false, now());
"""


_BEFORE_0009 = f"""
insert into beneficiaries (id, national_id_hash, national_id_masked, created_at) values
 ('{_id(1)}', '\\x01', 'x', now()), ('{_id(2)}', '\\x02', 'x', now()), ('{_id(3)}', '\\x03', 'x', now());
insert into agents (id, badge, name, area, capacity, state, created_at)
 values ('{_id(4)}', 'A-1', 'Li', '', 3, 'active', now());
insert into tablets (id, agent_id, state, invited_by, invited_at, invite_expires_at)
 values ('{_id(5)}', '{_id(4)}', 'active', 'o', now(), now());
insert into bundles
 (id, sha256, tablet_id, agent_id, seq, previous, visit_id, state, size, received_at, result, opened_at)
 values ('{_id(21)}', '\\x01', '{_id(5)}', '{_id(4)}', 1, '\\x00', '{_id(11)}', 'opened', 1, now(), 'face', now()),
        ('{_id(22)}', '\\x02', '{_id(5)}', '{_id(4)}', 2, '\\x00', '{_id(13)}', 'opened', 1, now(), 'not_found', now());
insert into visits (id, beneficiary_id, state, reason, asked_at, tries) values
 ('{_id(11)}', '{_id(1)}', 'made', 'fund', now(), 0), ('{_id(12)}', '{_id(2)}', 'asked', 'audit', now(), 0),
 ('{_id(13)}', '{_id(3)}', 'asked', 'overdue', now(), 1);
"""


_BEFORE_0012 = f"""
insert into beneficiaries (id, national_id_hash, national_id_masked, created_at) values
 ('{_id(1)}', '\\x01', 'x', now()), ('{_id(2)}', '\\x02', 'x', now());
insert into access_codes (hash, beneficiary_id, kind, created_at, expires_at, used_by, used_at) values
 ('\\x01', '{_id(1)}', 'link', now() - interval '9 days', now() + interval '9 days', null, null),
 ('\\x02', '{_id(1)}', 'link', now(), now() + interval '9 days', null, null),
 ('\\x03', '{_id(1)}', 'code', now(), now() + interval '9 minutes', null, null),
 ('\\x04', '{_id(2)}', 'link', now(), now() + interval '9 days', 'phone', now());
insert into capture_sessions (id, beneficiary_id, channel, state, nonce, created_at, expires_at, stranger, knocked)
 values ('{_id(3)}', '{_id(1)}', 'remote', 'expired', '\\x00', now(), now(), '\\x05', true);
"""

_BEFORE_0015 = f"""
insert into beneficiaries (id, national_id_hash, national_id_masked, created_at)
 values ('{_id(1)}', '\\x01', 'x', now());
insert into runs (id, feed, source, kind, state, sha256, description, shape, departures, started_at)
 values ('{_id(5)}', 'f', 's', 'life_events', 'done', 'x', '{{}}', '{{}}', '[]', now());
insert into silent_passes
 (id, run_id, chunk, entitlement_id, beneficiary_id, scheme, as_of, starts_on, proven_on, valid_until, evidence)
 values ('{_id(13)}', '{_id(5)}', 0, '{_id(23)}', '{_id(1)}', 'c', now(), now(), now(), now(), '{{}}');
insert into audits (pass_id, run_id, beneficiary_id, drawn_at) values ('{_id(13)}', '{_id(5)}', '{_id(1)}', now());
"""


def test_migrations_and_tables_agree(empty: Database) -> None:
    upgrade(empty)
    with empty.engine.connect() as connection:
        command.check(_config(connection))


def test_evidence_and_references_from_before_claims_were_stored_are_migrated(empty: Database) -> None:
    """Up to 0010, a fact had no institution and no principal, and a reference had no provenance."""
    with empty.engine.begin() as connection:
        command.upgrade(_config(connection), "0010")
        connection.execute(text(_BEFORE_0011))
    upgrade(empty)
    with empty.engine.connect() as connection:
        facts = connection.execute(text("select source, institution, principal from evidence")).all()
        references = connection.execute(text("select provenance, provenance_of, added_by from face_references")).all()
        triggers = "select count(*) from pg_trigger where tgrelid = 'evidence'::regclass and tgenabled = 'D'"
        assert connection.execute(text(triggers)).scalar_one() == 0, "evidence is append-only again"
    assert [tuple(row) for row in facts] == [("civil-registry", "civil-registry", "civil-registry")]
    assert [tuple(row) for row in references] == [("unknown", None, "unknown")]


_BEFORE_0011 = f"""
insert into beneficiaries (id, national_id_hash, national_id_masked, created_at)
 values ('{_id(1)}', '\\x01', 'x', now());
insert into evidence (id, beneficiary_id, kind, source, external_id, event_at, recorded_at, body)
 values ('{_id(2)}', '{_id(1)}', 'adverse', 'civil-registry', 'D-1', now(), now(), '{{}}');
insert into face_references (id, beneficiary_id, state, media_sha256, created_at)
 values ('{_id(3)}', '{_id(1)}', 'active', 'x', now());
"""


def test_files_of_earlier_releases_may_come_again_and_their_voids_are_voids(empty: Database) -> None:
    """Up to 0030 a file came once for all, and 0032 tells corrections from voids: all that waited were voids."""
    with empty.engine.begin() as connection:
        command.upgrade(_config(connection), "0030")
        connection.execute(text(_BEFORE_0031))
    upgrade(empty)
    with empty.engine.begin() as connection:
        waiting = connection.execute(text("select target, operation from early_voids")).all()
        assert [tuple(row) for row in waiting] == [("D-1", "void")]
        assert connection.execute(text("select count(*) from run_records")).scalar() == 0
        connection.execute(text(_RUN.format(id=_id(2), state="done")))
        connection.execute(text("insert into early_voids values ('r', 'D-2', 'D-3', :run, 'correct')"), {"run": _id(2)})
        kept = "insert into run_records (run_id, row, number, outcome) values (:run, 1, 'D-3', 'linked')"
        connection.execute(text(kept), {"run": _id(2)})
    with empty.engine.begin() as connection:
        command.downgrade(_config(connection), "0031")
        assert connection.execute(text("select target from early_voids")).scalars().all() == ["D-1"]
    with empty.engine.begin() as connection:
        files = connection.execute(text("select count(*) from runs where sha256 = 'same'")).scalar()
        assert files == 2, "a file that came again is not lost"
        connection.execute(text("delete from runs where id = :run"), {"run": _id(2)})
        command.downgrade(_config(connection), "0030")


_RUN = """insert into runs (id, feed, source, kind, state, sha256, description, shape, departures, started_at)
    values ('{id}', 'deaths', 'r', 'deaths', '{state}', 'same', '{{}}', '{{}}', '[]', now())"""
_BEFORE_0031 = f"""
{_RUN.format(id=_id(1), state="done")};
insert into early_voids (source, target, external_id, run_id) values ('r', 'D-1', 'V-1', '{_id(1)}');
"""


def test_people_of_earlier_releases_stay_and_first_determinations_only_lose_a_birthday(empty: Database) -> None:
    with empty.engine.begin() as connection:
        command.upgrade(_config(connection), "0032")
        connection.execute(text(_BEFORE_0034))
    upgrade(empty)
    pension = '{"birth_date": "1950-01-02", "id": "x"}'
    first = f"""insert into first_determinations
        (id, chunk_id, entitlement_id, beneficiary_id, as_of, entitlement, digest)
        values ('{_id(9)}', '{_id(8)}', '{_id(11)}', '{_id(1)}', now(), '{pension}', 'd')"""
    erase = 'update first_determinations set entitlement = \'{"id": "x", "birth_date": null}\''
    with empty.engine.begin() as connection:
        assert connection.execute(text("select count(*) from beneficiaries")).scalar() == 1
        connection.execute(text(first.replace(": ", "\\: ")))
    attacks = ("update first_determinations set digest = 'x'", "delete from import_chunks", erase.replace(": ", "\\: "))
    for attack in attacks:  # the last one: the person is not erased
        with empty.engine.begin() as connection, pytest.raises(DatabaseError, match="append-only"):
            connection.execute(text(attack))
    with empty.engine.begin() as connection:
        connection.execute(text("update beneficiaries set erased_at = now()"))
        connection.execute(text(erase.replace(": ", "\\: ")))
        command.downgrade(_config(connection), "0032")


_BEFORE_0034 = f"""
insert into beneficiaries (id, national_id_hash, national_id_masked, created_at)
 values ('{_id(1)}', '\\x01', 'x', now());
insert into entitlements (id, beneficiary_id, scheme, starts_on) values ('{_id(11)}', '{_id(1)}', 'employee', now());
"""
