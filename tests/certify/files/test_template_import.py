"""The import of templates of another system: every row is accounted for, and each bad one has its reason."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import text

from certify.cli.service import operator
from certify.domain.states import Provenance, ReferenceState
from certify.errors import Invalid
from certify.files.row_file import FileReport, ImportSource
from certify.files.template_import import import_templates
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.foreign import MOST, open_foreign
from certify.people.references import add_reference
from certify.service import Service
from certify.sources import SourceRegistry, parse_sources
from certify.storage.people import references_of
from certify.storage.row_macs import RowAltered
from fixtures import faces
from models.face.foreign_form import FOREIGN, foreign_template
from tests.certify.files.test_encodings import made

pytestmark = pytest.mark.integration

HEADER = "national_id,taken_on,source,encoding"


@pytest.fixture
def service(service: Service) -> Service:
    registry: SourceRegistry = parse_sources(
        {
            "institutions": {"old-provider": "Provider", "hospital": "Hospital"},
            "sources": {
                "old-faces": {"institution": "old-provider", "principals": ["operator:*"], "templates": True},
                "their-faces": {"institution": "old-provider", "principals": ["feed:x"], "templates": True},
                "hospital": {"institution": "hospital", "principals": ["*"]},
            },
        }
    )
    return replace(service, sources=registry)


@pytest.fixture
def people(service: Service) -> list[UUID]:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        return [
            add_beneficiary(
                unit, NewBeneficiary(f"FACE{number:03}", f"Person {number}", pension, birth_date=date(1950, 1, 1))
            )
            for number in range(4)
        ]


def row(number: int, seed: int, *, day: str = "2019-05-01", source: str = "old-faces", person: str = "") -> str:
    encoding = json.dumps(made(seed).tolist()).replace('"', '""')
    return f'{person or f"FACE{number:03}"},{day},{source},"{encoding}"'


def run(service: Service, tmp_path: Path, *rows: str) -> FileReport:
    path = tmp_path / "templates.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
    return import_templates(service, ImportSource(path=path, actor=operator()))


def reasons(report: FileReport) -> dict[int, str]:
    if report.quarantine_path is None:
        return {}
    with report.quarantine_path.open(encoding="utf-8-sig", newline="") as file:
        return {int(entry["quarantine_line"]): entry["quarantine_code"] for entry in csv.DictReader(file)}


def test_every_row_is_stored_or_quarantined_with_its_reason(
    service: Service, people: list[UUID], tmp_path: Path
) -> None:
    with service.unit() as unit:
        add_reference(unit, people[3], faces.encode(faces.portraits()["eileen_collins"]))
    broken = row(1, 9)
    report = run(
        service,
        tmp_path,
        row(0, 1),
        row(0, 2, day="2021-05-01T10:00:00"),
        row(1, 3),
        row(1, 4, person="NOBODY01"),  # 5
        row(1, 5, day="2031-01-01"),
        row(1, 5, day="1949-12-31"),
        row(1, 5, day="31.12.2019"),
        row(1, 5, day=""),
        row(1, 5, source="unheard-of"),  # 10
        row(1, 5, source="their-faces"),
        row(1, 5, source="hospital"),
        row(2, 1),  # the template of another person
        row(3, 6),  # the person has a picture
        f"FACE002,2019-05-01,old-faces,{','.join(['0.1'] * 4)}",  # 15
        'FACE002,2019-05-01,old-faces,"[0.1, 0.2]"',
        f"FACE002,2019-05-01,old-faces,{broken.split(',', 3)[3].replace('[', '[nan, ', 1)}",
        "FACE002,2019-05-01,old-faces,",
        row(0, 1),  # the first one again
    )
    assert reasons(report) == {
        5: "beneficiary_not_found",
        6: "taken_on_invalid",
        7: "taken_on_invalid",
        8: "taken_on_invalid",
        9: "taken_on_missing",
        10: "source_unknown",
        11: "source_not_yours",
        12: "source_limits",
        13: "encoding_twice",
        14: "reference_exists",
        15: "row_unreadable",
        16: "encoding_length",
        17: "encoding_not_finite",
        18: "encoding_missing",
    }
    assert (report.rows, report.done, report.unchanged, report.quarantined) == (18, 3, 1, 14)
    with service.reading() as unit:
        rows = references_of(unit.db, people[0])
        opened = open_foreign(unit.db, unit.sealer(people[0]), people[0])
    assert {(one.state, one.provenance, one.provenance_of, one.taken_on) for one in rows} == {
        (ReferenceState.ACTIVE.value, Provenance.TEMPLATE.value, "old-faces", day)
        for day in (date(2019, 5, 1), date(2021, 5, 1))
    }
    assert {one.added_by for one in rows} == {operator()}
    found = {one.taken_on: opened[one.id][FOREIGN] for one in rows}
    np.testing.assert_array_equal(found[date(2019, 5, 1)], foreign_template(made(1)))


def test_the_quarantine_file_can_be_corrected_and_imported_again(
    service: Service, people: list[UUID], tmp_path: Path
) -> None:
    first = run(service, tmp_path, row(0, 1), row(1, 2, day="2031-01-01"))
    assert first.quarantine_path is not None
    corrected = tmp_path / "corrected.csv"
    corrected.write_text(first.quarantine_path.read_text("utf-8-sig").replace("2031-01-01", "2021-01-01"), "utf-8")
    again = import_templates(service, ImportSource(path=corrected, actor=operator()))
    assert (again.done, again.quarantined) == (1, 0)


def test_a_stopped_import_is_started_again(
    service: Service, people: list[UUID], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certify.files.row_file.CHUNK", 2)
    path = tmp_path / "templates.csv"
    path.write_text("\n".join([HEADER, *(row(number, number + 1) for number in range(4))]) + "\n", "utf-8")

    def stop(done: int, _total: int | None) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_templates(service, ImportSource(path=path, actor=operator()), progress=stop)
    again = import_templates(service, ImportSource(path=path, actor=operator()))
    assert (again.rows, again.done, again.unchanged, again.quarantined) == (4, 2, 2, 0)


def test_a_person_has_a_bounded_number(service: Service, people: list[UUID], tmp_path: Path) -> None:
    report = run(service, tmp_path, *(row(0, seed, day=f"20{seed:02}-01-01") for seed in range(10, 17)))
    assert Counter(reasons(report).values()) == {"too_many_references": 7 - MOST}


def test_templates_are_sealed_and_their_rows_bound(
    service: Service, people: list[UUID], tmp_path: Path, owner: object
) -> None:
    """No template stands in the database in clear, and a changed day is noticed; so is one that is removed."""
    run(service, tmp_path, row(0, 1))
    with service.reading() as unit:
        (sealed,) = unit.db.execute(text("select sealed from templates")).scalars().all()
    assert foreign_template(made(1)).tobytes() not in sealed
    for change in ("taken_on = '2001-01-01'", "taken_on = null", "provenance = 'camera'"):
        owner.execute(f"update face_references set {change}")  # type: ignore[attr-defined]
        with service.reading() as unit, pytest.raises(RowAltered):
            references_of(unit.db, people[0])


def test_attack_a_day_is_added_to_a_reference_of_an_earlier_release(
    service: Service, people: list[UUID], owner: object
) -> None:
    """Rows without a day keep their MAC, and still no day can be written into them."""
    with service.unit() as unit:
        add_reference(unit, people[0], faces.encode(faces.portraits()["eileen_collins"]))
    with service.reading() as unit:
        assert references_of(unit.db, people[0])[0].taken_on is None
    owner.execute("update face_references set taken_on = '2001-01-01'")  # type: ignore[attr-defined]
    with service.reading() as unit, pytest.raises(RowAltered):
        references_of(unit.db, people[0])


def test_a_file_that_cannot_be_read_changes_nothing(service: Service, people: list[UUID], tmp_path: Path) -> None:
    path = tmp_path / "templates.csv"
    path.write_text("national_id,encoding\n")
    with pytest.raises(Invalid):
        import_templates(service, ImportSource(path=path))
    with service.reading() as unit:
        assert not references_of(unit.db, people[0])
