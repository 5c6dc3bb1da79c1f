"""The script of compose.yaml that makes the run-time role of the database."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg
import pytest

from certify.storage.roles import RUNTIME
from tests.test_backup import PROGRAMS

pytestmark = pytest.mark.integration

SCRIPT = Path(__file__).parents[1] / "deploy" / "roles.sh"


def test_the_role_is_made_again_with_another_password_and_with_no_more_rights(
    owner: psycopg.Connection, tmp_path: Path
) -> None:
    found = []
    for password in ("first", "a'b\\c \"$d"):
        (tmp_path / "password").write_text(f"{password}\n")
        owner.execute(f"alter role {RUNTIME} createdb")
        done = subprocess.run(
            ["/bin/sh", str(SCRIPT)],
            env={
                "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
                "PGHOST": owner.info.host,
                "PGUSER": owner.info.user,
                "PGDATABASE": owner.info.dbname,
                "RUNTIME_PASSWORD_FILE": str(tmp_path / "password"),
            },
            text=True,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == "roles: certify_runtime is ready\n"
        found.append(owner.execute("select * from pg_authid where rolname = %s", [RUNTIME]).fetchone())
        encrypted = owner.execute("select rolpassword from pg_authid where rolname = %s", [RUNTIME]).fetchone()
        assert encrypted is not None
        assert encrypted[0].startswith("SCRAM-SHA-256$"), "the password itself is not kept"
        rights = "rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls"
        assert owner.execute(f"select {rights} from pg_roles where rolname = %s", [RUNTIME]).fetchone() == (False,)
    assert found[0] != found[1]
