"""compose.yaml and the Dockerfile name settings, commands, routes and files that exist. No container is started."""

from __future__ import annotations

import importlib
import os
import re
import stat
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
from fastapi import FastAPI

from api.app import create_app
from certify.cli import app as commands
from certify.config import Settings
from certify.production import production_problems
from certify.storage.roles import RUNTIME
from models.weights.packs import default_cache_dir, default_packs_dir

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = ("credentials", "migrate", "api", "worker", "messages", "registry")
SERVING = ("migrate", "api", "worker", "messages", "registry")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    yaml: Any = importlib.import_module("yaml")  # installed with schemathesis; imported by name, as it has no types
    content: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return content


def _variables() -> set[str]:
    """Return all environment variables that certify reads: the settings, and the two folders of face models."""
    assert "CERTIFY_MODEL_CACHE" in default_cache_dir.__code__.co_consts
    assert "CERTIFY_MODEL_PACKS" in default_packs_dir.__code__.co_consts
    return {f"CERTIFY_{name.upper()}" for name in Settings.model_fields} | {
        "CERTIFY_MODEL_CACHE",
        "CERTIFY_MODEL_PACKS",
    }


def _image_environment() -> dict[str, str]:
    run_stage = DOCKERFILE.split("\nFROM ")[-1]
    return dict(re.findall(r"(CERTIFY_\w+)=(\S+)", run_stage))


def test_every_variable_is_a_setting(compose: dict[str, Any]) -> None:
    named = {name for service in compose["services"].values() for name in service.get("environment", {})}
    ours = {name for name in named if name.startswith("CERTIFY_")}
    assert ours >= {"CERTIFY_DATABASE_URL", "CERTIFY_ISSUERS_FILE"}
    assert ours <= _variables()
    assert set(re.findall(r"CERTIFY_\w+", (ROOT / "compose.yaml").read_text())) <= _variables()
    assert set(re.findall(r"CERTIFY_\w+", (ROOT / "deploy" / "Caddyfile").read_text())) <= _variables()
    assert set(re.findall(r"CERTIFY_\w+", DOCKERFILE)) <= _variables()


def test_the_values_are_accepted(compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _variables():
        monkeypatch.delenv(name, raising=False)
    # What the operator writes into .env.
    given = {
        "CERTIFY_TIME_ZONE": "Asia/Shanghai",
        "CERTIFY_PUBLIC_URL": "https://life.fund.example",
        "CERTIFY_HELP_PHONE": "0800 123 456",
    }
    for name, value in (_image_environment() | compose["services"]["api"]["environment"] | given).items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.env == "production"
    assert settings.workers == 0, "workers have containers of their own"
    assert settings.host == "0.0.0.0"  # noqa: S104 - inside a container
    assert "ports" not in compose["services"]["api"], "plain HTTP is for the proxy"
    assert f"reverse_proxy api:{settings.port}" in (ROOT / "deploy" / "Caddyfile").read_text()


def test_attack_production_is_refused_for_nothing_but_the_files_that_are_not_here(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in _variables():
        monkeypatch.delenv(name, raising=False)
    given = {
        "CERTIFY_ISSUER_NAME": "Fund of the North",
        "CERTIFY_HELP_PHONE": "0800 123 456",
        "CERTIFY_LEDGER_ORIGIN": "fund.example/life",
        "CERTIFY_TIME_ZONE": "Asia/Shanghai",
        "CERTIFY_PUBLIC_URL": "https://life.fund.example",
    }
    environment = _image_environment() | compose["services"]["api"]["environment"]
    assert all(environment[name].split("${")[1].split(":?")[0] in (name, "PUBLIC_HOST") for name in given)
    for name, value in (environment | given).items():
        monkeypatch.setenv(name, value)
    problems = production_problems(environment | given)
    missing = tuple(f"/run/certify/{name}" for name in ("issuers.json", "sources.toml", "senders.toml", "master.key"))
    folders = (environment["CERTIFY_POLICIES_DIR"], environment["CERTIFY_FEEDS_DIR"])
    for sentence in problems:
        assert any(place in sentence for place in (*missing, *folders)), sentence
    assert len(problems) == 6


def test_attack_a_container_that_is_taken_over_can_do_little(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name
        assert service["pids_limit"], name
        assert service["mem_limit"], name
        assert service["logging"]["options"]["max-size"], name
        assert "privileged" not in service
        assert not any("docker.sock" in str(volume) for volume in service.get("volumes", []))
    assert {name for name, service in services.items() if "cap_add" in service} == {"proxy", "database", "credentials"}
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert compose["networks"]["back"] == {"internal": True}
    assert services["database"]["networks"] == services["worker"]["networks"] == ["back"], "no way out"


def test_every_long_running_service_has_time_to_stop(compose: dict[str, Any]) -> None:
    for name in ("api", "worker", "messages", "registry", "database", "proxy"):
        assert compose["services"][name]["stop_grace_period"], name


def test_all_workers_run(compose: dict[str, Any]) -> None:
    commands = [service.get("command") for service in compose["services"].values()]
    for words in (["worker"], ["worker", "--messages"], ["worker", "--registry"]):
        assert ["certify", *words] in commands


def test_the_proxy_alone_says_who_the_caller_is(compose: dict[str, Any]) -> None:
    services = compose["services"]
    address = services["proxy"]["networks"]["front"]["ipv4_address"]
    assert services["api"]["environment"]["CERTIFY_TRUSTED_PROXIES"] == address
    (network,) = compose["networks"]["front"]["ipam"]["config"]
    assert ip_address(address) in ip_network(network["subnet"])


def test_the_master_key_is_apart_from_the_data(compose: dict[str, Any]) -> None:
    environment = compose["services"]["api"]["environment"]
    folders = {volume.split(":")[1]: volume.split(":")[0] for volume in compose["services"]["api"]["volumes"]}
    key = Path(environment["CERTIFY_MASTER_KEY_FILE"])
    assert folders[str(key.parent)] == "credentials"
    assert folders[_image_environment()["CERTIFY_DATA_DIR"]] == "data"


def test_attack_an_image_that_is_named_by_tag_only_is_refused(compose: dict[str, Any]) -> None:
    digest = re.compile(r"[a-z0-9.:/-]+@sha256:[0-9a-f]{64}")
    for name, service in compose["services"].items():
        assert "build" in service or digest.fullmatch(service["image"]), name
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    base = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert base is not None
    assert digest.fullmatch(base[1])
    check = re.search(r"^RUN (case .+ esac)$", DOCKERFILE, re.MULTILINE)
    assert check is not None
    for image, code in ((base[1], 0), ("python:3.12-slim-bookworm", 1)):
        done = subprocess.run(
            ["/bin/sh", "-c", check[1]], env={"PYTHON_IMAGE": image}, check=False, capture_output=True
        )
        assert done.returncode == code


def test_the_inputs_of_builds_exist(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert {name for name, service in services.items() if "build" in service} == set(OURS)
    for name in OURS:
        build = services[name]["build"]
        build = {"context": build} if isinstance(build, str) else build
        file = ROOT / build["context"] / build.get("dockerfile", "Dockerfile")
        assert file.is_file()
        if "target" in build:
            assert re.search(rf"^FROM .* AS {re.escape(build['target'])}$", file.read_text(), re.MULTILINE)
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        assert all((ROOT / path).exists() for path in source.split()), source


def test_all_services_use_one_database(compose: dict[str, Any]) -> None:
    services = compose["services"]
    addresses = {services[name]["environment"]["CERTIFY_DATABASE_URL"] for name in SERVING}
    assert len(addresses) == 1
    address = psycopg.conninfo.conninfo_to_dict(addresses.pop().replace("postgresql+psycopg://", "postgresql://", 1))
    database = services["database"]["environment"]
    assert address["host"] in services
    assert (address["user"], address["dbname"]) == (RUNTIME, database["POSTGRES_DB"])
    assert "password" not in address, "a password in the environment shows in docker inspect"
    folders = [{volume.split(":")[1]: volume for volume in services[name]["volumes"]} for name in SERVING]
    owned = folders[SERVING.index("migrate")]
    assert owned.pop("/run/owner") == "owner:/run/owner:ro"
    assert all(folder == folders[0] for folder in folders)
    assert _image_environment()["CERTIFY_DATA_DIR"] in folders[0], "the master key outlives the containers"


def test_attack_the_running_service_does_not_know_the_owner_of_the_database(compose: dict[str, Any]) -> None:
    services = compose["services"]
    owner = services["database"]["environment"]["POSTGRES_USER"]
    for name, service in services.items():
        knows = owner in str(service) or "owner_password" in str(service) or "/run/owner" in str(service)
        assert knows == (name in ("database", "credentials", "roles", "migrate")), name
    url = services["migrate"]["environment"]["CERTIFY_OWNER_DATABASE_URL"]
    address = psycopg.conninfo.conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1))
    assert (address["user"], address["passfile"]) == (owner, services["roles"]["environment"]["PGPASSFILE"])
    assert services["migrate"]["depends_on"] == {"roles": {"condition": "service_completed_successfully"}}


def test_secrets_and_volumes_are_declared_and_attached(compose: dict[str, Any]) -> None:
    used: set[str] = set()
    mounted: set[str] = set()
    for service in compose["services"].values():
        # Outside a swarm, Docker ignores owner and mode of a secret, so nothing may depend on them.
        assert all(isinstance(secret, str) for secret in service.get("secrets", []))
        read = set(re.findall(r"/run/secrets/(\w+)", str(service)))
        assert read == set(service.get("secrets", []))
        used |= read
        volumes = {volume.split(":")[0] for volume in service.get("volumes", [])}
        mounted |= {name for name in volumes if not name.startswith(".")}
        assert all((ROOT / name).exists() for name in volumes if name.startswith("./deploy/"))
    assert used == set(compose["secrets"])
    assert mounted == set(compose["volumes"])
    words = (ROOT / "compose.yaml").read_text().split("services:")[0]
    for secret in compose["secrets"].values():
        assert f"#   {secret['file']} " in words, "the head of the file says which files are needed"
        assert Path(secret["file"]).parts[0] == "secrets"
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines(), "never committed"
    assert "secrets" in (ROOT / ".dockerignore").read_text().splitlines(), "never part of an image"


def test_secrets_reach_the_user_of_the_image(compose: dict[str, Any], tmp_path: Path) -> None:
    """Run the script that hands over the secrets, on other folders and for the user who runs the tests."""
    service = compose["services"]["credentials"]
    assert service["user"] == "0:0"
    user = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    assert user is not None
    owner = f"{user[1]}:{user[2]}"
    shell, flags, script = service["command"]
    assert script.count(f"chown {owner} ") == 2, "files and folder"
    given, taken, kept = tmp_path / "secrets", tmp_path / "certify", tmp_path / "owner"
    for folder in (given, taken, kept):
        folder.mkdir()
    (given / "database_password").write_text("a:b\\c'd \"$e\n")
    (given / "owner_password").write_text("o:w\n")
    (given / "issuers").write_text("[]\n")
    (given / "sources").write_text("")
    (given / "senders").write_text("")
    (given / "master_key").write_bytes(bytes(range(224, 256)))
    script = script.replace("$$", "$").replace("/run/secrets", str(given)).replace("/run/certify", str(taken))
    script = script.replace("/run/owner", str(kept))
    script = script.replace(owner, f"{os.getuid()}:{os.getgid()}")
    for _ in range(2):  # every `up` runs it again
        subprocess.run([shell, flags, script], check=True, timeout=10)
        for folder in (taken, kept):
            folder.chmod(0o700)  # in the container it runs as root, who needs no permission
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in taken.iterdir()}
    ours = ("pgpass", "issuers.json", "sources.toml", "senders.toml", "master.key")
    assert files == dict.fromkeys(ours, 0o400)
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in kept.iterdir()}
    assert files == dict.fromkeys(("pgpass", "runtime_password"), 0o400)
    assert (kept / "pgpass").read_text() == "database:5432:certify:certify_owner:o\\:w\n"
    assert (taken / "master.key").read_bytes() == bytes(range(224, 256))
    assert (taken / "pgpass").read_text() == "database:5432:certify:certify_runtime:a\\:b\\\\c'd \"$e\n"
    used = compose["services"]["api"]["environment"]
    names = tuple(f"CERTIFY_{name}_FILE" for name in ("ISSUERS", "SOURCES", "SENDERS", "MASTER_KEY"))
    places = [used["CERTIFY_DATABASE_URL"].partition("passfile=")[2], *(used[name] for name in names)]
    assert [Path(place).name for place in places] == list(ours)
    assert {str(Path(place).parent) for place in places} == {"/run/certify"}


def test_commands_exist(compose: dict[str, Any]) -> None:
    root = typer.main.get_command(commands)
    image = re.search(r'^CMD \["certify", "(\w+)"\]$', DOCKERFILE, re.MULTILINE)
    assert image is not None
    for name in SERVING:
        program, *words = compose["services"][name].get("command", ["certify", image[1]])
        assert program == "certify"
        command: Any = root
        options = [word for word in words if word.startswith("--")]
        for word in words[: len(words) - len(options)]:
            command = command.commands[word]
        assert command.callback is not None
        assert all(any(option in parameter.opts for parameter in command.params) for option in options)


def test_the_health_check_calls_an_existing_route(compose: dict[str, Any]) -> None:
    services = compose["services"]
    asked = re.search(r"^HEALTHCHECK .*\\\n.*http://127\.0\.0\.1:(\d+)(/\w+)", DOCKERFILE, re.MULTILINE)
    assert asked is not None
    assert int(asked[1]) == Settings.model_fields["port"].default
    application: FastAPI = create_app(Settings())
    assert "get" in application.openapi()["paths"][asked[2]]
    assert "healthcheck" not in services["api"], "the image has one"
    for name in ("credentials", "migrate", "worker", "messages", "registry"):
        assert services[name]["healthcheck"] == {"disable": True}, "nothing there answers the health check of the image"
    assert services["database"]["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]
    assert "--host=127.0.0.1" in services["database"]["healthcheck"]["test"]


def test_services_wait_for_the_services_they_need(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        for other, how in service.get("depends_on", {}).items():
            assert other in services
            if how["condition"] == "service_healthy":
                assert other == "api" or "test" in services[other]["healthcheck"], "the image of 'api' has one"
            else:
                assert how["condition"] == "service_completed_successfully"
                assert "restart" not in services[other], "a service that is restarted never completes"
    assert set(services["roles"]["depends_on"]) == {"database", "credentials"}
    waiting = ("api", "worker", "messages", "registry", "backup")
    assert all(set(services[name]["depends_on"]) == {"migrate"} for name in waiting)
