"""The app as it is served: complete catalogues, strict headers, files that may be kept for ever."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.web.pages import LANGUAGES, PHONE, SHARED, TABLET, App, choose_language, read_site
from certify.domain.outcome import Outcome
from certify.own_page import Headline
from certify.policies import load_policies
from models.guidance import SENTENCES
from models.liveness.plan import Prompt

WORDS = {language: json.loads((PHONE / "locales" / f"{language}.json").read_text()) for language in LANGUAGES}
ENGLISH = WORDS["en"]
SOURCES = {path.relative_to(PHONE).as_posix(): path.read_text() for path in PHONE.rglob("*.js")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogues_are_complete(language: str) -> None:
    words = WORDS[language]
    assert list(words) == list(ENGLISH)
    for key, text in words.items():
        assert text.strip() == text
        assert text
        assert Counter(re.findall(r"\{\w+\}", text)) == Counter(re.findall(r"\{\w+\}", ENGLISH[key])), key


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_catalogues_are_translated(language: str) -> None:
    same = [key for key, text in WORDS[language].items() if text == ENGLISH[key]]
    assert len(same) <= 6, same


def test_every_text_that_is_asked_for_exists() -> None:
    asked = {key for text in SOURCES.values() for key in re.findall(r"\bt\(\"([\w.]+)\"", text)}
    assert asked
    assert asked <= set(ENGLISH), asked - set(ENGLISH)
    counted = {key for text in SOURCES.values() for key in re.findall(r"\btn\(\"([\w.]+)\"", text)}
    assert all(f"{key}.{form}" in ENGLISH for key in counted for form in ("one", "other"))


def test_what_the_service_says_has_words() -> None:
    assert {f"guide.{code}" for code in SENTENCES} <= set(ENGLISH)
    assert {f"prompt.{prompt.value}" for prompt in Prompt} <= set(ENGLISH)
    assert {f"status.{headline.value}" for headline in Headline} <= set(ENGLISH)
    assert {f"outcome.{outcome.value}.title" for outcome in Outcome} <= set(ENGLISH)
    policies = load_policies()
    assert {f"scheme.{scheme}" for scheme in policies} <= set(ENGLISH)
    assert {f"act.{act}" for document in policies.values() for act in document.policy.signs} <= set(ENGLISH)


def test_no_text_is_kept_that_nobody_shows() -> None:
    code = "\n".join(SOURCES.values()) + (PHONE / "index.html").read_text()
    families = ("guide.", "prompt.", "scheme.", "act.", "status.", "camera.", "history.", "visit.", "menu.", "find.by.")
    unused = {
        key
        for key in ENGLISH
        if not key.startswith(families) and re.sub(r"\.(one|other)$", "", key) not in code and f"t:{key}" not in code
    }
    unused -= {f"find.{part}" for part in ("day", "month", "year")}
    unused -= {f"prepare.{tip}" for tip in ("light", "eyes", "alone", "listen")}
    assert unused == set()


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt"),
        ("de, fr;q=0.5", "fr"),
        ("zh-CN", "zh-Hans"),
        ("ar-EG;q=0.1, hi;q=0.2", "hi"),
        ("", "en"),
        ("*;q=x, es", "es"),
        ("q" * 9999, "en"),
    ],
)
def test_language_of_the_first_page(accepted: str, language: str) -> None:
    assert choose_language(accepted) == language


def test_no_inline_script_or_style_and_nothing_from_elsewhere() -> None:
    page = (PHONE / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"\bon\w+=|\bstyle=|<style", page) == []
    for name, text in {**SOURCES, "app.css": (PHONE / "app.css").read_text(), "index.html": page}.items():
        addresses = set(re.findall(r"https?://[^\s\"'`<>)]+", text)) - {"http://www.w3.org/2000/svg"}
        assert addresses == set(), name
        assert "innerHTML" not in text
        assert "eval(" not in text


def test_the_version_changes_with_the_content(tmp_path: Path) -> None:
    first = read_site(PHONE, retention_days=30)
    for path in PHONE.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(PHONE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    assert read_site(tmp_path, retention_days=30).version == first.version
    (tmp_path / "app.css").write_text("main {}")
    assert read_site(tmp_path, retention_days=30).version != first.version


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_can_be_installed_under_a_name_that_is_understood(language: str) -> None:
    site = read_site(PHONE, retention_days=30)
    manifest = json.loads(site.files[f"manifest-{language}.webmanifest"].plain)
    assert manifest["name"] == WORDS[language]["app.name"]
    assert manifest["display"] == "standalone"
    assert {icon["sizes"] for icon in manifest["icons"]} >= {"192x192", "512x512"}
    assert all(icon["src"] in site.files for icon in manifest["icons"])


@pytest.mark.integration
def test_how_pages_are_sent(client: TestClient) -> None:
    page = client.get("/", headers={"Accept-Language": "ar", "Accept-Encoding": "gzip"})
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
    worker = client.get("/sw.js").text
    assert "{{" not in worker
    for address in json.loads(re.search(r"SHELL = (\[.*\]);", worker)[1]):  # type: ignore[index]
        assert client.get(address).status_code == 200, address


@pytest.mark.integration
def test_answers_of_the_interface_are_never_kept(client: TestClient) -> None:
    answer = client.get("/v1/keys")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
