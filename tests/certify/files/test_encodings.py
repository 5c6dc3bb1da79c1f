"""Templates of face_recognition in the texts in which programs and databases keep them."""

from __future__ import annotations

import base64
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from certify.errors import Invalid
from certify.files.encodings import read_encoding
from certify.files.quarantine import escape_formula
from certify.files.template_file import TemplateFile
from models.face.foreign_form import foreign_calibration

Floats = NDArray[np.float64]


def made(seed: int = 1) -> Floats:
    """Return numbers that look like a template of the network: its direction, its length, and a face of its own."""
    mean = np.asarray(foreign_calibration().details["typical"]["mean"], np.float64)
    values = mean / np.linalg.norm(mean) + np.random.default_rng(seed).standard_normal(128) * 0.04
    return np.asarray(1.42 * values / np.linalg.norm(values), np.float64)


def _cube(values: Floats) -> str:
    return "(" + ", ".join(map(repr, values.tolist())) + ")"


FORMS: dict[str, Callable[[Floats], str]] = {
    "json": lambda v: json.dumps(v.tolist()),
    "python list of numpy 2 scalars": lambda v: "[" + ", ".join(f"np.float64({x!r})" for x in v.tolist()) + "]",
    "numpy str over lines": lambda v: np.array2string(v, precision=8),
    "numpy repr": lambda v: f"array({np.array2string(v, separator=', ', precision=8)})",
    "list of one array with dtype": lambda v: f"[array({np.array2string(v, separator=', ')}, dtype=float64)]",
    "postgres array": lambda v: "{" + ",".join(map(repr, v.tolist())) + "}",
    "postgres cube": _cube,
    "pgvector": lambda v: "[" + ",".join(map(repr, v.astype(np.float32).tolist())) + "]",
    "semicolons": lambda v: ";".join(map(repr, v.tolist())),
    "savetxt, one value a line": lambda v: "\n".join(f"{x:.18e}" for x in v),
    "base64 of float64": lambda v: base64.b64encode(v.tobytes()).decode(),
    "base64 over lines": lambda v: base64.encodebytes(v.tobytes()).decode(),
    "base64 as python prints it": lambda v: str(base64.b64encode(v.tobytes())),
    "base64 of float32": lambda v: base64.b64encode(v.astype(np.float32).tobytes()).decode(),
    "bytea": lambda v: "\\x" + v.tobytes().hex(),
    "hexadecimal with 0x": lambda v: "0x" + v.tobytes().hex().upper(),
    "bytes as python prints them": lambda v: repr(v.tobytes()),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_that_can_be_read_in_one_way_only(form: str) -> None:
    values = made()
    np.testing.assert_allclose(read_encoding(FORMS[form](values)), values, atol=1e-6)
    np.testing.assert_allclose(read_encoding(escape_formula(FORMS[form](values))), values, atol=1e-6)


def _scaled(values: Floats) -> str:
    return json.dumps((values / np.linalg.norm(values)).tolist())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "encoding_missing"),
        (json.dumps(made().tolist()[:127]), "encoding_length"),
        (json.dumps([*made().tolist(), 0.1]), "encoding_length"),
        (json.dumps([*made().tolist()[:127], float("nan")]), "encoding_not_finite"),
        (json.dumps([*made().tolist()[:127], float("inf")]), "encoding_not_finite"),
        (base64.b64encode(np.full(128, np.nan).tobytes()).decode(), "encoding_not_finite"),
        (json.dumps([0.0] * 128), "encoding_norm"),
        (_scaled(made()), "encoding_norm"),
        (json.dumps((made() * 100).tolist()), "encoding_norm"),
        (json.dumps((-made()).tolist()), "encoding_network"),
        ("[-0.096  0.121 ... 0.099  0.031]", "encoding_truncated"),
        (json.dumps(made().tolist()).replace(".", ","), "encoding_length"),
        ("hello", "encoding_unreadable"),
        ("[[1, 2], [3, 4]]", "encoding_unreadable"),
        ("__import__('os').system('true')", "encoding_unreadable"),
        ("b'' + open('/etc/passwd').read()", "encoding_unreadable"),
        (pickle.dumps(made()).hex(), "encoding_pickled"),
        (base64.b64encode(pickle.dumps(made())).decode(), "encoding_pickled"),
        (base64.b64encode(made().tobytes()[:1000]).decode(), "encoding_length"),
    ],
)
def test_attack_what_is_no_template_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_encoding(text)
    assert refused.value.code == code


def test_attack_a_template_of_another_network_is_refused() -> None:
    """128 numbers of the right length, as SFace or OpenFace would give them if someone scaled them."""
    for seed in range(20):
        other = np.random.default_rng(seed).standard_normal(128)
        with pytest.raises(Invalid) as refused:
            read_encoding(json.dumps((1.42 * other / np.linalg.norm(other)).tolist()))
        assert refused.value.code == "encoding_network"


def _rows(path: Path, **options: Any) -> list[tuple[Any, ...]]:
    return [(row.line, row.problem) if row.problem else row.cells for row in TemplateFile(path, **options).rows()]


def _csv(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path


HEAD = "national_id,taken_on,source"


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("word", ["", "e", "v_", "encoding_"])
def test_128_numbered_columns_are_one_template(tmp_path: Path, word: str, start: int) -> None:
    names = [f"{word}{number + start}" for number in range(128)]
    order = np.random.default_rng(3).permutation(128)  # a data frame may have sorted them as texts
    file = _csv(
        tmp_path / "t.csv",
        ",".join([HEAD, *(names[place] for place in order)]),
        ",".join(["A1", "2019-01-02", "x", *(repr(float(made()[place])) for place in order)]),
    )
    ((national_id, *_, text),) = _rows(file)
    assert national_id == "A1"
    np.testing.assert_allclose(read_encoding(text), made(), atol=1e-9)


def test_two_cubes_are_one_template(tmp_path: Path) -> None:
    """PostgreSQL's cube holds 100 dimensions, so programs store two halves."""
    low, high = _cube(made()[:64]), _cube(made()[64:])
    file = _csv(tmp_path / "t.csv", f"{HEAD},vec_high,vec_low", f'A1,2019-01-02,x,"{high}","{low}"')
    np.testing.assert_allclose(read_encoding(_rows(file)[0][-1]), made(), atol=1e-9)


def test_rows_over_several_lines_and_a_wrong_quotation_mark(tmp_path: Path) -> None:
    """A quotation mark that is never closed spoils its own line; the lines after it are not lost."""
    long = np.array2string(made(), precision=8)
    assert long.count("\n") > 10
    file = _csv(
        tmp_path / "t.csv",
        f"{HEAD},encoding",
        f'A1,2019-01-02,x,"{long}"',
        'A2,2019-01-02,x,"[0.1, 0.2',
        f'A3,2019-01-02,x,"{json.dumps(made(3).tolist())}"',
        "A4,2019-01-02,x",
    )
    found = _rows(file)
    assert [row[0] for row in found] == ["A1", long.count("\n") + 3, "A3", long.count("\n") + 5]
    np.testing.assert_allclose(read_encoding(found[2][-1]), made(3), atol=1e-9)


def test_parquet_and_arrays(tmp_path: Path) -> None:
    both = np.stack([made(1), made(2)])
    people = {"national_id": ["A1", "A2"], "taken_on": ["2019-01-02"] * 2, "source": ["x"] * 2}
    table = {
        "lists.parquet": pa.table({**people, "encoding": pa.array(both.tolist())}),
        "floats.parquet": pa.table({**people, "face_encoding": pa.array(both.astype(np.float32).tolist())}),
        "bytes.parquet": pa.table({**people, "embedding": pa.array([one.tobytes() for one in both])}),
    }
    for name, content in table.items():
        pq.write_table(content, tmp_path / name)
    arrays: dict[str, Any] = {name: np.array(values) for name, values in people.items()}
    np.savez(tmp_path / "a.npz", encodings=both, **arrays)
    for path in [*(tmp_path / name for name in table), tmp_path / "a.npz"]:
        found = _rows(path)
        assert [row[0] for row in found] == ["A1", "A2"], path
        np.testing.assert_allclose(read_encoding(found[1][-1]), made(2), atol=1e-6)
    np.save(tmp_path / "b.npy", both)
    named = _csv(tmp_path / "people.csv", HEAD, "A1,2019-01-02,x", "A2,2019-01-02,x")
    np.testing.assert_allclose(read_encoding(_rows(tmp_path / "b.npy", people=named)[0][-1]), made(1), atol=1e-6)
    with pytest.raises(Invalid, match="templates only"):
        TemplateFile(tmp_path / "b.npy")
    with pytest.raises(Invalid, match="has 1 rows"):
        TemplateFile(tmp_path / "b.npy", people=_csv(tmp_path / "one.csv", HEAD, "A1,2019-01-02,x"))


class _Trap:
    """What runs when somebody reads the pickle."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["t.pkl", "t.npy", "t.npz"])
def test_attack_a_pickled_file_is_refused_and_not_run(tmp_path: Path, name: str) -> None:
    trap, file = tmp_path / "run", tmp_path / name
    objects = np.array([_Trap(trap)], dtype=object)
    if name == "t.pkl":
        file.write_bytes(pickle.dumps(_Trap(trap)))
    elif name == "t.npy":
        np.save(file, objects, allow_pickle=True)
    else:
        stream = io.BytesIO()
        np.savez(stream, encodings=objects)
        file.write_bytes(stream.getvalue())
    people = _csv(tmp_path / "people.csv", HEAD, "A1,2019-01-02,x") if name == "t.npy" else None
    with pytest.raises(Invalid, match="is pickled") as refused:
        TemplateFile(file, people=people)
    assert "run the program" in refused.value.message
    assert not trap.exists()


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("national_id,taken_on,source", "column_missing"),
        ("taken_on,source,encoding", "column_missing"),
        ("national_id,source,encoding", "column_missing"),
        ("national_id,taken_on,source,encoding,embedding", "column_unknown"),
        ("national_id,taken_on,source,name,encoding", "column_unknown"),
        ("national_id,national_id,taken_on,source,encoding", "column_twice"),
        ("national_id,taken_on,source," + ",".join(f"e{number}" for number in range(127)), "column_unknown"),
    ],
)
def test_columns_that_are_not_clear_are_refused(tmp_path: Path, header: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        TemplateFile(_csv(tmp_path / "t.csv", header))
    assert refused.value.code == code
