"""The apps as they are served: complete catalogues, strict headers, files that may be kept permanently."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.web.pages import APPS, PHONE, SHARED, App, choose_language, read_site
from certify.domain.outcome import Outcome
from certify.domain.profile import NEEDS
from certify.doorstep import receive
from certify.doorstep.content import STATEMENT, VisitResult
from certify.doorstep.receive import ADMISSIBLE
from certify.own.page import Headline
from certify.policies import load_policies
from certify.texts import LANGUAGES, catalogue
from models.guidance import SENTENCES
from models.liveness.plan import Prompt

BY_NAME = {app.folder.name: app for app in APPS}
_EVERY_APP = pytest.mark.parametrize("app", BY_NAME)


def _words(app: str, language: str = "en") -> dict[str, str]:
    found: dict[str, str] = json.loads((BY_NAME[app].folder / "locales" / f"{language}.json").read_text())
    return found


def _sources(app: str) -> dict[str, str]:
    """Scripts of an app, with those that both load."""
    folders = (SHARED, BY_NAME[app].folder)
    return {
        path.relative_to(folder).as_posix(): path.read_text() for folder in folders for path in folder.rglob("*.js")
    }


def _first_page(app: str) -> str:
    return (SHARED / "index.html").read_text() + (BY_NAME[app].folder / "first.html").read_text()


ENGLISH = _words("phone")
SOURCES = _sources("phone")


def test_addresses_of_the_apps() -> None:
    """They are printed in letters, installed on phones and tablets: they must not change."""
    assert {name: (app.home, app.worker, app.located) for name, app in BY_NAME.items()} == {
        "phone": ("/", "/sw.js", False),
        "tablet": ("/agent", "/agent/sw.js", True),  # only agents are asked where they are
    }


def test_the_package_and_the_type_checker_know_every_app() -> None:
    folders = {app.folder.name for app in APPS} | {SHARED.name}
    project = tomllib.loads((SHARED.parents[2] / "pyproject.toml").read_text())
    assert set(project["tool"]["setuptools"]["package-data"]["api.web"]) == {f"{folder}/**/*" for folder in folders}
    checked = json.loads((SHARED.parent / "jsconfig.json").read_text())
    assert set(checked["compilerOptions"]["rootDirs"]) == folders


def test_scripts_name_the_languages_of_the_service() -> None:
    script = (SHARED / "js" / "i18n.js").read_text()
    listed = re.findall(r'^  "?([\w-]+)"?: \{ name: ".+", direction: "(ltr|rtl)", voice: ', script, re.MULTILINE)
    assert listed == [(language, catalogue(language).direction) for language in LANGUAGES]


@_EVERY_APP
@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogues_are_complete(app: str, language: str) -> None:
    words, english = _words(app, language), _words(app)
    assert list(words) == list(english)
    for key, text in words.items():
        assert text.strip() == text
        assert text
        assert Counter(re.findall(r"\{\w+\}", text)) == Counter(re.findall(r"\{\w+\}", english[key])), key


@_EVERY_APP
@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_catalogues_are_translated(app: str, language: str) -> None:
    english = _words(app)
    same = [key for key, text in _words(app, language).items() if text == english[key]]
    assert len(same) <= 6, same


@_EVERY_APP
def test_every_text_that_is_asked_for_exists(app: str) -> None:
    english, sources = _words(app), _sources(app)
    asked = {key for text in sources.values() for key in re.findall(r"\bt\(\"([\w.]+)\"", text)}
    assert asked
    assert asked <= set(english), asked - set(english)
    counted = {key for text in sources.values() for key in re.findall(r"\btn\(\"([\w.]+)\"", text)}
    assert all(f"{key}.{form}" in english for key in counted for form in ("one", "other"))


def test_what_becomes_of_a_visit_has_words() -> None:
    english = _words("tablet")
    assert {f"result.{result.value}" for result in VisitResult} <= set(english)
    assert {f"need.{need}" for need in NEEDS} <= set(english)
    code = "".join(path.read_text() for path in Path(receive.__file__).parent.glob("*.py"))
    refusals = set(re.findall(r'Refusal\("(\w+)"\)', code)) | set(
        re.findall(r'return "(\w+)"', Path(receive.__file__).read_text())
    )
    refusals |= ADMISSIBLE
    assert len(refusals) > 8
    assert {f"reason.{refusal}" for refusal in refusals} <= set(english)
    assert f'"{STATEMENT}"' in _sources("tablet")["js/views/sealing.js"]


def test_what_the_service_says_has_words() -> None:
    assert {f"guide.{code}" for code in SENTENCES} <= set(ENGLISH)
    assert {f"prompt.{prompt.value}" for prompt in Prompt} <= set(ENGLISH)
    assert {f"status.{headline.value}" for headline in Headline} <= set(ENGLISH)
    assert {f"outcome.{outcome.value}.title" for outcome in Outcome} <= set(ENGLISH)
    policies = load_policies()
    assert {f"scheme.{scheme}" for scheme in policies} <= set(ENGLISH)
    assert {f"act.{act}" for document in policies.values() for act in document.policy.signs} <= set(ENGLISH)


def test_no_text_is_kept_that_no_page_shows() -> None:
    code = "\n".join(SOURCES.values()) + _first_page("phone")
    families = ("guide.", "prompt.", "scheme.", "act.", "status.", "camera.", "history.", "visit.", "menu.", "find.by.")
    unused = {
        key
        for key in ENGLISH
        if not key.startswith(families) and re.sub(r"\.(one|other)$", "", key) not in code and f"t:{key}" not in code
    }
    unused -= {f"find.{part}" for part in ("day", "month", "year")}
    unused -= {"app.description"}  # of the manifest
    unused -= {f"signins.{way}" for way in ("face", "code", "link")}
    unused -= {f"prepare.{tip}" for tip in ("light", "eyes", "alone", "listen")}
    assert unused == set()


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt"),
        ("de, fr;q=0.5", "fr"),
        ("zh-CN", "zh-Hans"),
        ("zh", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("zh-Hant-HK,zh;q=0.5", "zh-Hant"),
        ("ar-EG;q=0.1, hi;q=0.2", "hi"),
        ("", "en"),
        ("*;q=x, es", "es"),
        ("q" * 9999, "en"),
    ],
)
def test_language_of_the_first_page(accepted: str, language: str) -> None:
    assert choose_language(accepted) == language


@_EVERY_APP
def test_no_inline_script_or_style_and_nothing_from_elsewhere(app: str) -> None:
    page = _first_page(app)
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"\bon\w+=|\bstyle=|<style", page) == []
    for name, text in {**_sources(app), "app.css": (SHARED / "app.css").read_text(), "index.html": page}.items():
        addresses = set(re.findall(r"https?://[^\s\"'`<>)]+", text)) - {"http://www.w3.org/2000/svg"}
        assert addresses == set(), name
        assert "innerHTML" not in text
        assert "eval(" not in text


def test_the_version_changes_with_the_content(tmp_path: Path) -> None:
    first = read_site(PHONE, retention_days=30)
    own, shared = tmp_path / "phone", tmp_path / "shared"
    shutil.copytree(PHONE.folder, own)
    shutil.copytree(SHARED, shared)
    copy = App(own, "/")
    assert read_site(copy, retention_days=30, shared=shared).version == first.version
    (shared / "app.css").write_text("main {}")
    assert read_site(copy, retention_days=30, shared=shared).version != first.version


@_EVERY_APP
def test_scripts_are_served_without_their_documentation(app: str) -> None:
    """And with nothing else left out, every line under its own number."""
    site = read_site(BY_NAME[app], retention_days=30)
    for name, source in _sources(app).items():
        if name == "sw.js":  # filled in
            continue
        served = site.files[name].plain.decode()
        assert "\n/**\n" not in served
        assert re.findall(r"^.*\S.*$", served, re.MULTILINE) == [
            line for line in source.splitlines() if line.strip() and not _documentation(line)
        ], name
        assert served.count("\n") == source.count("\n")


def _documentation(line: str) -> bool:
    return re.fullmatch(r"/\*\*(?!.*\*/.).*|\*( .*)?|\*/", line.strip()) is not None


@_EVERY_APP
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_can_be_installed_under_a_name_that_is_understood(app: str, language: str) -> None:
    site = read_site(BY_NAME[app], retention_days=30)
    manifest = json.loads(site.files[f"manifest-{language}.webmanifest"].plain)
    assert manifest["name"] == _words(app, language)["app.name"]
    assert manifest["display"] == "standalone"
    assert {icon["sizes"] for icon in manifest["icons"]} >= {"192x192", "512x512"}
    assert all(icon["src"] in site.files for icon in manifest["icons"])


@pytest.mark.integration
@_EVERY_APP
def test_how_pages_are_sent(client: TestClient, app: str) -> None:
    home, worker = BY_NAME[app].home, BY_NAME[app].worker
    page = client.get(home, headers={"Accept-Language": "ar", "Accept-Encoding": "gzip"})
    assert page.status_code == 200
    assert 'lang="ar" dir="rtl"' in page.text
    assert page.headers["content-encoding"] == "gzip"
    assert page.headers["cache-control"] == "no-cache"
    assert "Accept-Language" in page.headers["vary"]
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "camera=(self)" in page.headers["permissions-policy"]
    assert page.headers["strict-transport-security"].startswith("max-age=63072000")
    base = re.search(r'name="base" content="([^"]+)"', page.text)
    assert base is not None
    style = client.get(f"{base[1]}app.css")
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get(f"{base[1]}../../../etc/passwd").status_code == 404
    assert client.get("/app/0000000000000000/app.css").status_code == 404
    script = client.get(worker)
    assert script.headers.get("service-worker-allowed") == (None if home == "/" else home)
    assert "{{" not in script.text
    assert ("geolocation=(self)" in page.headers["permissions-policy"]) == BY_NAME[app].located
    for address in json.loads(re.search(r"SHELL = (\[.*\]);", script.text)[1]):  # type: ignore[index]
        assert client.get(address).status_code == 200, address


@pytest.mark.integration
def test_answers_of_the_interface_are_never_kept(client: TestClient) -> None:
    answer = client.get("/v1/keys")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
