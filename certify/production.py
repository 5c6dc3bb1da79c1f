"""Find what keeps a service from running in production: settings that only suit a trial, and files that are missing."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from limits import parse

from certify.config import Env, Settings, mistyped_prefixes, unknown_settings, valid_settings
from certify.domain.error_codes import ErrorCode
from certify.domain.policy import PolicyInvalid
from certify.errors import Unavailable
from certify.issuers.discovery import DiscoveredKeys, DiscoveryFailed, fetch_keys
from certify.issuers.file import load_issuers
from certify.policies import load_policies
from certify.senders.config import load_senders
from certify.sources import load_sources
from certify.storage.keys import FileMasterKey

_MOST_A_SECOND = 1000
"""More than one process can answer, so a limit above it limits nothing (measured by bench/api_latency.py)."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def means_production(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the environment says that this is production, also when other settings are wrong."""
    return any(name.upper() == "CERTIFY_ENV" and value == Env.PRODUCTION for name, value in environment.items())


def production_problems(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Find everything for which production is refused.

    Args:
        environment: the variables of this process, looked through for names that no setting has.

    Returns:
        One plain sentence for each problem, with what to do about it; none when the service may start.
    """
    found = [
        f"There is no setting {name}." + (f" Did you mean {near}?" if near else "")
        for name, near in (*unknown_settings(environment), *mistyped_prefixes(environment))
    ]
    settings, wrong = valid_settings()
    found += wrong.values()
    if settings is not None:
        checks = {
            "env": _env(settings),
            "issuer_name": _issuer_name(settings),
            "help_phone": _help_phone(settings),
            "ledger_origin": _ledger_origin(settings),
            "public_url": _public_url(settings),
            "time_zone": _time_zone(settings),
            "issuers_file": _issuers(settings),
            "sources_file": _sources(settings),
            "policies_dir": _policies(settings),
            "master_key_file": _master_key(settings),
            "rate_limit": _rate_limit(settings),
            "trusted_proxies": _trusted_proxies(settings),
            "senders_file": _senders(settings),
            "feeds_dir": _feeds(settings),
        }
        for name, problems in checks.items():
            if name not in wrong:
                found += problems
    return found


def require_production(environment: Mapping[str, str] = os.environ) -> None:
    """Refuse to run in production with settings that only suit a trial. Elsewhere, do nothing.

    Args:
        environment: the variables of this process.

    Raises:
        Unavailable: something is missing or wrong (``settings_invalid``); the message has all of it.
    """
    problems = production_problems(environment) if means_production(environment) else []
    if problems:
        raise Unavailable(
            "certify does not start in production. " + " ".join(problems),
            hint="Correct this; 'certify config check' reads again.",
            code=ErrorCode.SETTINGS_INVALID,
        )


def production_notes(settings: Settings) -> list[str]:
    """Find what is allowed in production and often forgotten. Issuers are asked for their keys.

    Args:
        settings: of the service, all valid.

    Returns:
        One sentence for each.
    """
    return list(_notes(settings))


def _notes(settings: Settings) -> Iterator[str]:
    if settings.database_url is None:
        yield "CERTIFY_DATABASE_URL is not set: the database is the embedded one, in the data folder."
    if settings.trusted_proxies is None:
        yield "CERTIFY_TRUSTED_PROXIES is not set: behind a proxy, all callers share one limit."
    if settings.senders_file is None:
        yield "CERTIFY_SENDERS_FILE is not set: no messages are sent, and no one can sign in with a code."
    if settings.issuers_file is not None:
        for issuer in load_issuers(settings.issuers_file):
            if isinstance(issuer.keys, DiscoveredKeys):
                try:
                    fetch_keys(issuer.name, issuer.keys.discovery)
                except DiscoveryFailed as error:
                    yield f"The issuer {issuer.name} gives no keys at the moment: {error}."


def _env(settings: Settings) -> Iterator[str]:
    if settings.env is not Env.PRODUCTION:
        yield "CERTIFY_ENV is not 'production': a development issuer would sign in anyone who can read the data folder."


def _issuer_name(settings: Settings) -> Iterator[str]:
    if not settings.issuer_name.strip() or settings.issuer_name == Settings.model_fields["issuer_name"].default:
        yield "CERTIFY_ISSUER_NAME is not set: certificates would not name your fund."


def _help_phone(settings: Settings) -> Iterator[str]:
    if not settings.help_phone:
        yield "CERTIFY_HELP_PHONE is not set: people whom a page or a letter does not help could not call anyone."


def _ledger_origin(settings: Settings) -> Iterator[str]:
    if not settings.ledger_origin.strip() or settings.ledger_origin == Settings.model_fields["ledger_origin"].default:
        yield "CERTIFY_LEDGER_ORIGIN is not set: checkpoints of your ledger could be taken for those of another."


def _public_url(settings: Settings) -> Iterator[str]:
    parts = urlsplit(settings.public_url)
    if parts.scheme != "https" or _is_here(parts.hostname or ""):
        yield "CERTIFY_PUBLIC_URL is not set to an https:// address that people can reach: links would not open."


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _time_zone(settings: Settings) -> Iterator[str]:
    if settings.time_zone is None:
        yield "CERTIFY_TIME_ZONE is not set: it says on which day a certificate ends."


def _issuers(settings: Settings) -> Iterator[str]:
    if settings.issuers_file is None:
        yield "CERTIFY_ISSUERS_FILE is not set: no officer, payer or registry could call."
        return
    try:
        load_issuers(settings.issuers_file)
    except Unavailable as error:
        yield error.message


def _sources(settings: Settings) -> Iterator[str]:
    if settings.sources_file is None:
        yield "CERTIFY_SOURCES_FILE is not set: the shipped list of registries, and who speaks for them, is an example."
        return
    try:
        load_sources(settings.sources_file)
    except Unavailable as error:
        yield error.message


def _policies(settings: Settings) -> Iterator[str]:
    if settings.policies_dir is None:
        yield "CERTIFY_POLICIES_DIR is not set: the shipped policies are examples. Copy them, and check each rule."
        return
    try:
        policies = load_policies(settings.policies_dir)
    except (OSError, PolicyInvalid) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).removesuffix(".")
        yield f"The policies in {settings.policies_dir} cannot be used: {reason}."
        return
    if not policies:
        yield f"The folder {settings.policies_dir} holds no policy."
    for scheme, document in policies.items():
        if settings.time_zone not in (None, document.policy.timezone):
            yield f"The policy '{scheme}' has the time zone {document.policy.timezone}, and CERTIFY_TIME_ZONE another."


def _master_key(settings: Settings) -> Iterator[str]:
    path = settings.master_key_file
    if path is None:
        yield "CERTIFY_MASTER_KEY_FILE is not set: name a file outside the data folder, and run 'certify keys init'."
        return
    if path.resolve().is_relative_to(settings.data_dir.resolve()):
        yield f"The master key {path} lies in the data folder: one theft or one lost disk would take both."
    try:
        mode = path.stat().st_mode
        FileMasterKey(path)
    except FileNotFoundError:
        yield f"The master key {path} does not exist: restore it from your backup, or run 'certify keys init'."
    except OSError as error:
        yield f"The master key {path} cannot be read: {error.strerror}."
    except Unavailable as error:
        yield error.message
    else:
        if mode & _OTHERS:
            yield f"Others than its owner may read the master key {path}: run 'chmod 600' on it."


def _rate_limit(settings: Settings) -> Iterator[str]:
    if settings.rate_limit.strip().lower() == "none":
        yield "CERTIFY_RATE_LIMIT is 'none': without limits, codes and birth dates can be guessed."
        return
    rule = parse(settings.rate_limit)
    if rule.amount / rule.get_expiry() > _MOST_A_SECOND:
        yield f"CERTIFY_RATE_LIMIT allows one caller more than {_MOST_A_SECOND} requests a second: that is no limit."


def _trusted_proxies(settings: Settings) -> Iterator[str]:
    if any(entry.strip() == "*" for entry in (settings.trusted_proxies or "").split(",")):
        yield "CERTIFY_TRUSTED_PROXIES is '*': every caller could claim any address. Name your proxies."


def _senders(settings: Settings) -> Iterator[str]:
    try:
        load_senders(settings)
    except Unavailable as error:
        yield error.message


def _feeds(settings: Settings) -> Iterator[str]:
    if settings.feeds_dir is not None and not settings.feeds_dir.is_dir():
        yield f"The folder {settings.feeds_dir}, which CERTIFY_FEEDS_DIR names, does not exist."
