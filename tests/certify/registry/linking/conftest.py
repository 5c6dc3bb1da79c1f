"""One engine of each kind for all tests, because Spark takes seconds to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from certify.registry.linking import Engine, open_engine

ENGINES = [
    "duckdb",
    # Spark and its Python processes use loopback sockets.
    pytest.param("spark", marks=[pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.slow]),
]


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "spark":
        opened = open_engine("spark", session=request.getfixturevalue("spark_session"))
    else:
        opened = open_engine("duckdb", memory="1GB", threads=2)
    yield opened
    opened.close()
