"""``certify verify`` within this process: every end that a certificate can come to at a payer's counter."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from certify.certificates import CertifiedEntitlement, SigningKey, sign, to_file, to_text
from certify.cli import app
from certify.cli.exit_codes import ExitCode
from certify.errors import CertifyError, Invalid, Unavailable
from tests.certify.certificates.conftest import build, trust

KEY = SigningKey.generate()


def _made(*, begins: timedelta = timedelta(days=-9), ends: timedelta = timedelta(days=300), **changes: Any) -> Any:
    now = datetime.now(UTC)
    until = (now + ends).date()
    return build(
        KEY,
        issued_at=now + begins,
        valid_from=now + begins,
        valid_until=until,
        entitlements=[CertifiedEntitlement("employee", until)],
        **changes,
    )


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.write_text(trust(KEY).to_json())
    return path


def _verify(what: str, keys: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["verify", what, "--keys", str(keys), *words])
    if isinstance(result.exception, CertifyError):
        raise result.exception
    return result.exit_code, result.output


def test_a_living_person_s_certificate_is_genuine(keys: Path, tmp_path: Path) -> None:
    made = _made()
    cose = sign(made, KEY)
    (tmp_path / "certificate.json").write_text(to_file(made, cose))
    code, said = _verify(str(tmp_path / "certificate.json"), keys)
    assert (code, said.splitlines()[0][:20]) == (ExitCode.OK, "Genuine and in date,")
    code, said = _verify(to_text(cose), keys, "--json")
    assert (code, json.loads(said)["only_a_face"]) == (ExitCode.OK, False)


def test_attack_a_face_alone_never_reads_genuine_first(keys: Path) -> None:
    text = to_text(sign(_made(assurance="face"), KEY))
    code, said = _verify(text, keys)
    assert code == ExitCode.WEAK
    assert "face" in said.splitlines()[0]
    code, said = _verify(text, keys, "--json")
    assert (code, json.loads(said)["only_a_face"]) == (ExitCode.WEAK, True)


def test_an_expired_and_a_forged_one_are_refused(keys: Path) -> None:
    code, said = _verify(to_text(sign(_made(begins=timedelta(days=-400), ends=timedelta(days=-30)), KEY)), keys)
    assert code == ExitCode.NO
    assert "Genuine and in date" not in said
    stranger = to_text(sign(build(other := SigningKey.generate()), other))
    assert _verify(stranger, keys)[0] == ExitCode.NO
    code, said = _verify(stranger, keys, "--json")
    assert (code, json.loads(said)["state"]) == (ExitCode.NO, "refused")


def test_files_that_cannot_be_read_are_told_apart(keys: Path, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as missing:
        _verify(str(tmp_path / "nothing.pdf"), keys)
    assert missing.value.code == "file_unreadable"
    with (tmp_path / "large.pdf").open("wb") as large:
        large.truncate(2**31)
    with pytest.raises(Invalid) as too_large:
        _verify(str(tmp_path / "large.pdf"), keys)
    assert too_large.value.code == "too_many_bytes"
    keys.write_text("{")
    with pytest.raises(Unavailable) as broken:
        _verify("CPL1:X", keys)
    assert broken.value.code == "key_file"
