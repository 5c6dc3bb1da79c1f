"""Reading the app's files once at start: what each is, its name by content, the first page in every language.

There is no build step. All files stand under an address that names their content, so that a phone may keep them for
ever and a new release is new files; only the first page and the service worker are asked for anew each time.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from certify.decision.appeal import ANSWER_WITHIN
from certify.doorstep.visits import LATEST, SOONEST

_WEB = Path(__file__).parent
SHARED = _WEB / "shared"


@dataclass(frozen=True, slots=True)
class App:
    """One of the apps.

    Attributes:
        folder: with ``index.html``, ``manifest.webmanifest``, ``locales`` and whatever they load. What both apps load
            lies in ``shared``, and is served as if it lay in the app's own folder.
        home: path of its first page.
        all_words: whether its worker keeps the words of every language: where there is no network for days, a helper
            may still read another one.
    """

    folder: Path
    home: str
    all_words: bool = False


PHONE = App(_WEB / "phone", "/")
TABLET = App(_WEB / "tablet", "/agent", all_words=True)
LANGUAGES = ("zh-Hans", "en", "pt", "hi", "fr", "es", "ar")
"""In the order in which they are offered; a test holds every catalogue to be complete."""
RIGHT_TO_LEFT = frozenset({"ar"})
_DEFAULT = "en"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_PRESSED = frozenset({".css", ".html", ".js", ".json", ".svg", ".webmanifest"})
_RENDERED = frozenset({"index.html", "manifest.webmanifest", "sw.js"})


@dataclass(frozen=True, slots=True)
class File:
    """A file ready to be sent: its type, its bytes, and the same with gzip where that helps."""

    media_type: str
    plain: bytes
    pressed: bytes | None


@dataclass(frozen=True, slots=True)
class Site:
    """An app as it is served.

    Attributes:
        version: hash of all its files.
        files: by their path below the version.
        first: the first page, by language.
        worker: the service worker.
    """

    version: str
    files: Mapping[str, File]
    first: Mapping[str, File]
    worker: File


def read_site(app: App, *, retention_days: int, shared: Path = SHARED) -> Site:
    """Read an app.

    Args:
        app: which.
        retention_days: for which captures are kept, which the first page says.
        shared: folder of what the apps have in common.
    """
    contents: dict[str, bytes] = {}
    for folder in (shared, app.folder):
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        contents |= {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name}\n{len(content)}\n".encode() + content)
    version = digest.hexdigest()[:16]
    base = f"/app/{version}/"
    files = {name: _file(name, content) for name, content in contents.items() if name not in _RENDERED}
    manifest = json.loads(contents["manifest.webmanifest"])
    for language in LANGUAGES:
        words = json.loads(contents[f"locales/{language}.json"])
        named = {"name": words["app.name"], "short_name": words["app.name"], "description": words["app.description"]}
        direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
        text = json.dumps({**manifest, **named, "lang": language, "dir": direction}, ensure_ascii=False)
        files[f"manifest-{language}.webmanifest"] = _file("manifest.webmanifest", text.encode())
    template = contents["index.html"].decode()
    first = {
        language: _file(
            "index.html",
            _render(
                template,
                json.loads(contents[f"locales/{language}.json"]),
                base=base,
                lang=language,
                dir="rtl" if language in RIGHT_TO_LEFT else "ltr",
                languages=" ".join(LANGUAGES),
                retention_days=str(retention_days),
                answer_days=str(ANSWER_WITHIN.days),
                visit_days=f"{SOONEST.days} {LATEST.days}",
            ),
        )
        for language in LANGUAGES
    }
    left_out = ("manifest",) if app.all_words else ("locales/", "manifest")
    shell = [app.home, *(base + name for name in files if not name.startswith(left_out))]
    worker = contents["sw.js"].decode()
    for name, value in {
        "family": app.folder.name,
        "version": version,
        "shell": json.dumps(shell),
        "home": app.home,
    }.items():
        worker = worker.replace(f"{{{{{name}}}}}", value)
    return Site(version, files, first, _file("sw.js", worker.encode()))


def choose_language(accepted: str) -> str:
    """Return the language of ours that an Accept-Language header asks for first."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted[:500].split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        wanted.append((-weight, place, tag.strip().lower()))
    for _, _, tag in sorted(wanted):
        for language in LANGUAGES:
            if tag == language.lower() or tag.split("-")[0] == language.lower().split("-")[0]:
                return language
    return _DEFAULT


def _render(template: str, words: Mapping[str, str], **values: str) -> bytes:
    filled = re.sub(r"\{\{t:([a-z.]+)\}\}", lambda found: html.escape(words[found[1]]), template)
    return re.sub(r"\{\{(\w+)\}\}", lambda found: html.escape(values[found[1]]), filled).encode()


def _file(name: str, content: bytes) -> File:
    suffix = Path(name).suffix
    pressed = gzip.compress(content, 9, mtime=0) if suffix in _PRESSED else None
    return File(_TYPES[suffix], content, pressed)
