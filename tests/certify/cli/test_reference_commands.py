"""Templates of another system as an operator imports them, and how old references are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.certify.cli.conftest import Command
from tests.certify.files.test_encodings import made

pytestmark = pytest.mark.integration

PEOPLE = """national_id,name,scheme,starts_on
ID000001,Maria Silva,employee,2015-01-01
ID000002,Alan Turing,employee,2015-01-01
"""


def test_templates_are_imported_with_every_row_accounted_for(command: Command, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    command("beneficiary", "import", str(tmp_path / "people.csv"))
    np.save(tmp_path / "t.npy", np.stack([made(1), made(2), made(3)]))
    rows = ["ID000001,2019-05-01,former-faces", "ID000002,2001-05-01,former-faces", "ID000009,2019-05-01,former-faces"]
    (tmp_path / "who.csv").write_text("\n".join(["national_id,taken_on,source", *rows]) + "\n")
    words = ("reference", "import", str(tmp_path / "t.npy"), "--people", str(tmp_path / "who.csv"))
    said = command(*words, code=3).output
    assert "3 rows: 2 stored, 0 unchanged, 1 quarantined." in said
    assert "beneficiary_not_found" in (tmp_path / "t.quarantine.csv").read_text("utf-8-sig")
    again = json.loads(command(*words, "--json", code=3).stdout)
    assert (again["done"], again["unchanged"], again["quarantined"]) == (0, 2, 1)
    ages = json.loads(command("reference", "ages", "--json").stdout)
    assert sum(entry["people"] for entry in ages) == sum(entry["only_template"] for entry in ages) == 2
    assert len(ages) == 2
    assert "of these with a template only" in command("reference", "ages").output
