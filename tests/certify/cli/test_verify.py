"""``certify verify`` within this process: every end that a certificate can come to at a payer's counter."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import segno
from PIL import Image
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


@pytest.mark.parametrize("name", ["Anna Weber [geb. Schmidt]", "[red]Anna[/red]", "Anna [/]", "Anna [link=x]Weber"])
def test_a_name_is_printed_as_it_was_signed(keys: Path, name: str) -> None:
    code, said = _verify(to_text(sign(_made(name=name), KEY)), keys)
    assert (code, said.splitlines()[1].strip().startswith(f"{name}, born")) == (ExitCode.OK, True)


def test_a_text_is_read_as_it_was_pasted(keys: Path, tmp_path: Path) -> None:
    text = to_text(sign(_made(), KEY))
    for pasted in (f'"{text}"', f"  {text}  ", f"> {text[:70]}\n> {text[70:]}"):
        assert _verify(pasted, keys)[0] == ExitCode.OK
    (tmp_path / "mail.txt").write_text(f"Dear Sir,\r\n\r\n{text[:76]}\r\n{text[76:]}\r\n\r\nAnna")
    assert _verify(str(tmp_path / "mail.txt"), keys)[0] == ExitCode.OK


def test_each_refusal_has_its_code(keys: Path, tmp_path: Path) -> None:
    files = {
        "no_code": _picture(Image.new("L", (400, 400), 255)),
        "other_code": _picture(Image.open(io.BytesIO(_qr("https://example.org"))).convert("L")),
        "picture_unreadable": b"GIF89a" + bytes(50),
        "malformed": to_text(sign(_made(), KEY))[:-30].encode(),
        "not_a_certificate": b'{"state": "valid"}',
    }
    for wanted, data in files.items():
        (tmp_path / wanted).write_bytes(data)
        code, said = _verify(str(tmp_path / wanted), keys, "--json")
        assert (code, json.loads(said)["code"]) == (ExitCode.NO, wanted)


def _qr(text: str) -> bytes:
    out = io.BytesIO()
    segno.make_qr(text).save(out, kind="png", scale=6, border=4)
    return out.getvalue()


def _picture(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
