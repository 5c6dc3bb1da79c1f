"""The senders file: an error names the place in the file and never repeats a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from certify.config import Env, Settings
from certify.errors import Unavailable
from certify.senders import NO_SENDERS, Senders
from certify.senders.config import load_senders
from tests.certify.messages.servers import LINK, code_of, gateway, outgoing

SMS = """
[sms]
kind = "http"
url = "https://gateway.example/send"
secret_file = "sms.key"
fields = { to = "{phone}", text = "{text}" }
headers = { Authorization = "Bearer {secret}" }
parallel = 4
"""
EMAIL = """
[email]
kind = "smtp"
host = "mail.fund.example"
user = "fund"
secret = "TOP-SECRET"
from = "Pension Fund <no-reply@fund.example>"
"""
ALL = f"""
language = "pt"
timezone = "America/Sao_Paulo"
contact = "0800 123 456"
spare_letters = true
{SMS}
{EMAIL}
[letter]
kind = "pdf"
"""


def _load(folder: Path, text: str, *, env: Env = Env.DEVELOPMENT, public_url: str = "https://life.example") -> Senders:
    (folder / "senders.toml").write_text(text, "utf-8")
    (folder / "sms.key").write_text("KEY\n")
    return load_senders(Settings(senders_file=folder / "senders.toml", data_dir=folder, env=env, public_url=public_url))


def test_without_a_file_nothing_is_sent(tmp_path: Path) -> None:
    assert load_senders(Settings(senders_file=None, data_dir=tmp_path)) is NO_SENDERS
    assert not _load(tmp_path, "").ways


def test_a_file_with_everything(tmp_path: Path) -> None:
    senders = _load(tmp_path, ALL, env=Env.PRODUCTION)
    assert (senders.language, senders.timezone, senders.contact) == ("pt", "America/Sao_Paulo", "0800 123 456")
    assert senders.spare_letters
    assert {channel: (set(way.needs), way.parallel) for channel, way in senders.ways.items()} == {
        "sms": ({"phone"}, 4),
        "email": ({"email"}, 1),
        "letter": (set(), 1),
    }


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("language = 'de'", "language"),
        ("timezone = 'Mars'", "timezone"),
        ("pigeon = 1", "pigeon"),
        ("this is no toml", "line 1"),
        ("[sms]\nkind = 'smtp'", "sms"),
        (SMS.replace('"{text}"', '"hello"'), "sms.http.fields"),
        (SMS.replace("https", "ftp"), "sms.http.url"),
        (SMS + 'secret = "TOP-SECRET"', "not both"),
        (SMS + "parallel_ = 3", "sms.http.parallel_"),
        (SMS.replace("parallel = 4", "parallel = 400"), "sms.http.parallel"),
        (SMS.replace("sms.key", "missing.key"), "missing.key"),
        (EMAIL.replace("no-reply@fund.example", "no-address"), "email.smtp.from"),
        (EMAIL + "port = 'TOP-SECRET'", "email.smtp.port"),
        (EMAIL + "ca_file = 'missing.pem'", "missing.pem"),
        ("[apprise]\nkind = 'apprise'\nurl = 'json://all-to-one.example/TOP-SECRET'", "apprise.apprise.url"),
    ],
)
def test_an_error_names_the_place_and_no_secret(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(Unavailable) as error:
        _load(tmp_path, text)
    assert error.value.code == "senders_unusable"
    assert where in error.value.message
    assert "TOP-SECRET" not in error.value.message + error.value.hint
    assert error.value.__cause__ is None


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"gone\.toml"):
        load_senders(Settings(senders_file=tmp_path / "gone.toml", data_dir=tmp_path))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (ALL, "http://life.example"),
        (SMS.replace("https", "http"), "https://life.example"),
        (EMAIL + 'security = "none"', "https://life.example"),
        ('[email]\nkind = "folder"', "https://life.example"),
    ],
)
def test_production_refuses_what_others_could_read(tmp_path: Path, text: str, address: str) -> None:
    _load(tmp_path, text, public_url=address)
    with pytest.raises(Unavailable):
        _load(tmp_path, text, env=Env.PRODUCTION, public_url=address)


def test_messages_as_files(tmp_path: Path) -> None:
    senders = _load(
        tmp_path, "".join(f'[{channel}]\nkind = "folder"\n' for channel in ("sms", "email", "letter", "apprise"))
    )
    for channel, way in senders.ways.items():
        with way.sender.connected() as send:
            send(outgoing(channel, text="words"))
    files = sorted((tmp_path / "messages").iterdir())
    assert [file.name.partition("-")[0] for file in files] == ["apprise", "email", "letter", "sms"]
    assert files[1].read_text() == f"To: maria@mail.example\nSubject: Your proof of life\n\nwords\n\n{LINK}\n"
    assert "To: Maria Silva" in files[2].read_text()


@pytest.mark.enable_socket
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # from modules that the plugins of Apprise load
def test_apprise_sends_to_the_person(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("apprise", reason="certify[apprise] is not installed")
    with gateway() as there:
        url = f"json://127.0.0.1:{there.port}/to/{{phone}}/{{secret}}"
        text = f'[apprise]\nkind = "apprise"\nurl = "{url}"\nsecret = "k/y"'
        way = _load(tmp_path, text).ways["apprise"]
        assert way.needs == {"phone"}
        with way.sender.connected() as send:
            assert code_of(lambda: send(outgoing("apprise"))) == ("sent", False)
            there.status = 500
            assert code_of(lambda: send(outgoing("apprise"))) == ("not_accepted", False)
    path, _, body = there.requests[0]
    assert "8613800138000" in path
    assert LINK.encode() in body
    assert "13800138000" not in caplog.text
