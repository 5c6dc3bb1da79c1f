"""One Spark session for all tests, because its Java takes seconds to start."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def spark_session() -> Iterator[Any]:
    """Start a Spark session that plans small data quickly: interpreted, and in one partition."""
    sql = pytest.importorskip("pyspark.sql", reason="SPARK IS NOT TESTED: pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("SPARK IS NOT TESTED: there is no Java on the path")
    import pytest_socket  # noqa: PLC0415 - this fixture may be set up before the test's marker is seen

    pytest_socket.enable_socket()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    quick = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        # Full compilation of Java would take longer than these tests.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }
    builder = sql.SparkSession.builder.master("local[2]").appName("certify-tests")
    for key, value in quick.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()
