"""The descriptions that come with certify are carried out: each invented sample pauses the dead and no one else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from certify.decision.determine import determine_many
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiaries
from certify.registry.feeds.description import load_feed
from certify.registry.runs.carry_out import Machine, carry_out
from certify.registry.runs.importing import import_file
from certify.service import Service
from certify.sources import parse_sources
from certify.storage.facts import evidence_of
from certify.storage.people import entitlements_of
from certify.storage.questions import open_questions_of
from tests.conftest import Clock

pytestmark = pytest.mark.integration

FOLDER = Path(__file__).parents[4] / "docs" / "feeds"
DEAD = {
    "us-death-file": [
        ("900120001", "Bert M Osterwald", "1942-06-07", "M", "2026-11-04"),
        ("900120002", "Cora Lindqvist", "1943-07-08", "F", "2026-11-24"),
        ("900120003", "Almo J Tellerton", "1941-05-06", "M", "2026-10-31"),
    ],
    "uk-death-list": [
        ("UK0001", "Winifred May Oldacre", "1938-04-12", "F", "2026-11-08"),
        ("UK0002", "Percival Thornebury", "1941-09-30", "M", "2026-10-31"),
    ],
    "fhir-fact-of-death": [
        ("900130001", "Dorothea Ann Vandermeer", "1939-03-21", "F", "2026-11-07"),
        ("900130002", "Leopold Castellane", "1944-12-02", "M", "2026-11-24"),
        ("900130003", "Ambrose Quillfeather", "1941-06-19", "M", "2026-10-31"),
    ],
    "opencrvs-death": [
        ("8800101", "Chanda Mulenga Phiri", "1940-10-02", "M", "2026-11-05"),
        ("8800102", "Bwalya Kapasa", "1943-01-19", "F", "2026-11-06"),
    ],
    "brazil-register": [
        ("39053344705", "José Conceição do Araújo", "1939-06-05", "M", "2026-11-03"),
        ("11144477735", "Benedita Gonçalves", "1942-08-12", "F", "2026-11-24"),
    ],
    "india-register": [
        ("999912340019", "Savitri Bai Deshpande", "1941-02-14", "F", "2026-11-02"),
        ("IN0002", "Ganpat Rao Kulkarni", "1938-08-09", "M", "2026-11-03"),
    ],
    "china-export": [
        ("110101194003041015", "欧阳建国", "1940-03-04", "M", "2026-11-01"),
        ("110101194309172026", "王秀英", "1943-09-17", "F", "2026-11-03"),
    ],
}
"""Of each sample: id, name, birth date and sex of the dead, and the day of death that is stored."""
INFORMANTS = [
    ("UK0099", "Harold Oldacre", "1936-02-03", "M"),
    ("900130099", "Informant Vandermeer", "1950-01-01", "F"),
    ("8800999", "Mutale Mulenga Phiri", "1945-01-01", "F"),
    ("IN0099", "Ramesh Deshpande", "1936-01-01", "M"),
]
"""Living people whom the samples name as informants or spouses."""


@pytest.fixture
def people(service: Service, clock: Clock) -> dict[str, UUID]:
    clock.now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    rows = [row[:4] for dead in DEAD.values() for row in dead] + INFORMANTS
    new = [
        NewBeneficiary(
            number,
            name,
            (NewEntitlement("employee", date(2015, 1, 1), date(2026, 6, 1)),),
            birth_date=date.fromisoformat(born),
            sex=sex,
        )
        for number, name, born, sex in rows
    ]
    with service.unit() as unit:
        found = [person for person in add_beneficiaries(unit, new) if isinstance(person, UUID)]
        determine_many(unit, found)
    return {number: person for (number, *_), person in zip(rows, found, strict=True)}


def test_every_description_has_a_sample_a_page_and_a_test() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == {path.stem for path in FOLDER.glob("*.md")} == set(DEAD)


def test_the_samples_of_all_descriptions_pause_the_dead_and_no_one_else(
    service: Service, people: dict[str, UUID], tmp_path: Path
) -> None:
    feeds = [load_feed(FOLDER / f"{name}.toml") for name in DEAD]
    listed = {
        feed.source: {"institution": "office", "principals": [f"feed:{feed.name}"], "kinds": ["death"]}
        for feed in feeds
    }
    sources = parse_sources({"institutions": {"office": "An office"}, "sources": listed})
    service = replace(service, sources=sources)
    expected: dict[str, str] = {}
    for feed in feeds:
        (sample,) = (path for path in FOLDER.glob(f"{feed.name}.*") if path.suffix not in (".toml", ".md"))
        found = import_file(service, feed, sample, quarantine=tmp_path / "bad.csv")
        assert (found.state, found.reasons, found.absent) == ("ready", {}, []), (feed.name, found)
        carry_out(service, found.run_id, machine=Machine(workers=1))
        expected |= {number: died for number, *_, died in DEAD[feed.name]}
    with service.reading() as unit:
        paused = {n for n, person in people.items() if entitlements_of(unit.db, person)[0].standing == "paused"}
        days = {
            number: fact.event_at.date().isoformat()
            for number in paused
            for fact in evidence_of(unit.db, people[number])
        }
        asked = {
            number: question.event_on.isoformat()
            for number, person in people.items()
            for question in open_questions_of(unit.db, person)
        }
    # Where the register has no id, linking may ask; how often it must is no matter of the description.
    assert days | asked == expected
    assert not {number for number in asked if number not in ("UK0001", "UK0002", "IN0002")}
