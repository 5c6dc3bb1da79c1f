"""The DuckDB engine: the files that it reads, and results that do not depend on chance."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from certify.errors import Invalid
from certify.registry.linking import Model, Parameters, Source, link, load_people, open_engine
from tests.certify.registry.linking.scenes import FUND, REGISTRY, hard_scenes


def _run(people: Source, records: Source, *, threads: int = 2) -> tuple[pa.Table, Model]:
    with closing(open_engine("duckdb", memory="1GB", threads=threads)) as engine:
        result = link(engine, people, records)
        return result.links(), result.model


def test_two_runs_on_any_number_of_threads_are_identical() -> None:
    people, records = hard_scenes().sources()
    (links, model), (links_again, model_again) = _run(people, records), _run(people, records, threads=1)
    assert model.trained
    assert model.stored() == model_again.stored()
    assert links.equals(links_again)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_files_are_read_like_tables(tmp_path: Path, kind: str) -> None:
    sources = hard_scenes().sources(200)
    found = []
    for name, source in zip(("people", "records"), sources, strict=True):
        assert isinstance(source.data, pa.Table)
        path = tmp_path / f"{name}.{kind}"
        if kind == "parquet":
            pq.write_table(source.data, path)
        else:
            pc.write_csv(source.data, path)
        found.append(Source(path, source.layout))
    assert _run(*found)[0].equals(_run(*sources)[0])


def test_people_loaded_once_are_used_for_several_feeds() -> None:
    people, records = hard_scenes().sources(200)
    with closing(open_engine("duckdb", memory="1GB", threads=2)) as engine:
        load_people(engine, people)
        first = link(engine, people, records, people_loaded=True)
        assert "normalise people" not in first.seconds
        assert first.links().equals(_run(people, records)[0])


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "people.parquet"
    bad.write_bytes(b"no parquet")
    with pytest.raises(Invalid, match="cannot be read"):
        _run(Source(bad, FUND), Source(bad, REGISTRY))
    with pytest.raises(Invalid, match="no engine"):
        open_engine("abacus")


def test_parameters_survive_a_round_trip_through_text() -> None:
    parameters = Parameters(accept=12.5, one_to_one=True, model={"trained": True, "probabilities": {}})
    assert Parameters.from_json(parameters.to_json()) == parameters
