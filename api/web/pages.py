"""Read the files of the apps once at start: their types, names by content, and first pages in every language.

There is no build step: only the documentation in scripts is left out. The address of every file names its content, so a
phone may keep the file permanently, and a new release is new files. Only the first page and the service worker are
requested again each time.
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
from certify.texts import LANGUAGES, catalogue

_WEB = Path(__file__).parent
SHARED = _WEB / "shared"


@dataclass(frozen=True, slots=True)
class App:
    """One of the apps.

    Attributes:
        folder: holds ``first.html`` (what the first page says until its script runs), ``manifest.webmanifest``,
            ``locales`` and everything that they load. Files that all apps load lie in ``shared``; they are served as
            if they lay in the app's own folder.
        home: path of the first page.
        all_words: whether the service worker keeps the texts of every language, for use without a network for days.
        located: whether the pages may ask where the device is.
    """

    folder: Path
    home: str
    all_words: bool = False
    located: bool = False

    @property
    def worker(self) -> str:
        """Path of the service worker."""
        return f"{self.home.rstrip('/')}/sw.js"


PHONE = App(_WEB / "phone", "/")
TABLET = App(_WEB / "tablet", "/agent", all_words=True, located=True)
APPS = (PHONE, TABLET)
"""All apps: their routes, tests and package data follow this list."""

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
_BLOCK_COMMENT = re.compile(r"^[ \t]*/\*\*(?:(?!\*/).)*\*/[ \t]*$", re.MULTILINE | re.DOTALL)
"""Documentation in a script, on lines of its own."""
_RENDERED = frozenset({"index.html", "first.html", "manifest.webmanifest", "sw.js"})


@dataclass(frozen=True, slots=True)
class File:
    """A file ready to be sent: its type, its bytes, and its bytes compressed with gzip if that helps."""

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


def read_site(app: App, *, retention_days: int, fund: str = "", help_phone: str = "", shared: Path = SHARED) -> Site:
    """Read an app.

    Args:
        app: the app to read.
        retention_days: how long captures are kept, which the first page says.
        fund: name of the fund, which stands on every page.
        help_phone: the number that people call; empty if there is none.
        shared: folder of the files that all apps load.
    """
    contents = _contents(shared) | _contents(app.folder)
    version = _version(contents)
    base = f"/app/{version}/"
    facts = {
        "base": base,
        "retention_days": str(retention_days),
        "fund": fund,
        "help_phone": help_phone,
        "dial": re.sub(r"[^+0-9]", "", help_phone),
        "no_phone": "" if help_phone else "hidden",
        "answer_days": str(ANSWER_WITHIN.days),
        "visit_days": f"{SOONEST.days} {LATEST.days}",
    }
    files = {name: _file(name, content) for name, content in contents.items() if name not in _RENDERED}
    template, manifest = _template(contents), json.loads(contents["manifest.webmanifest"])
    first: dict[str, File] = {}
    for language in LANGUAGES:
        words = json.loads(contents[f"locales/{language}.json"])
        spoken = {"lang": language, "dir": catalogue(language).direction}
        named = {"name": words["app.name"], "short_name": words["app.name"], "description": words["app.description"]}
        text = json.dumps({**manifest, **named, **spoken}, ensure_ascii=False)
        files[f"manifest-{language}.webmanifest"] = _file("manifest.webmanifest", text.encode())
        first[language] = _file("index.html", _render(template, words, **facts, **spoken))
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


_TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})
"""Parts of a tag of Chinese that mean the traditional script (CLDR, likely subtags)."""


def choose_language(accepted: str) -> str:
    """Return the first language of an Accept-Language header that the pages have; English if there is none."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted[:500].split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        wanted.append((-weight, place, tag.strip().lower()))
    for _, _, tag in sorted(wanted):
        if tag.startswith("zh") and not _TRADITIONAL.isdisjoint(tag.split("-")):
            return "zh-Hant"
        for language in LANGUAGES:
            if tag == language.lower() or tag.split("-")[0] == language.lower().split("-")[0]:
                return language
    return _DEFAULT


def _contents(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _version(contents: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _template(contents: Mapping[str, bytes]) -> str:
    """Return the first page of an app, with its style sheets and the markup of ``first.html`` inserted."""
    styles = (f'<link rel="stylesheet" href="{{{{base}}}}{name}">' for name in contents if name.endswith(".css"))
    page = contents["index.html"].decode()
    return page.replace("{{styles}}", "\n".join(styles)).replace("{{first}}", contents["first.html"].decode().strip())


def _render(template: str, words: Mapping[str, str], **values: str) -> bytes:
    filled = re.sub(r"\{\{t:([a-z.]+)\}\}", lambda found: html.escape(words[found[1]]), template)
    return re.sub(r"\{\{(\w+)\}\}", lambda found: html.escape(values[found[1]]), filled).encode()


def _file(name: str, content: bytes) -> File:
    suffix = Path(name).suffix
    if suffix == ".js":  # documentation would be a quarter of the bytes; empty lines keep the numbers of the others
        content = _BLOCK_COMMENT.sub(lambda found: "\n" * found[0].count("\n"), content.decode()).encode()
    pressed = gzip.compress(content, 9, mtime=0) if suffix in _PRESSED else None
    return File(_TYPES[suffix], content, pressed)
