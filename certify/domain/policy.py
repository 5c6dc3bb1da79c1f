"""The versioned rules of a scheme, as data. Parsing is strict: an unknown or impossible value is refused at load."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from certify.domain.channels import CHANNELS, Channel
from certify.domain.four_eyes import FourEyesRule, TwoOfficers


class PolicyInvalid(ValueError):
    """A policy text contradicts itself or a safety rule."""


class Effect(StrEnum):
    """What an adverse record does."""

    PAUSE = "pause"  # no certificate until an officer has looked; the payment continues
    OTHER_PATH = "other_path"  # life must be proven by one of the named channels
    REVIEW = "review"  # an officer is asked; nothing else changes
    NONE = "none"  # known, without effect under this scheme


class LivenessRule(StrEnum):
    """What a capture must show besides a matching face. A capture with a failed liveness check never certifies."""

    REQUIRED = "required"
    WHEN_FILMED = "when_filmed"  # a video must show life; for a still photo, "advisory" applies
    ADVISORY = "advisory"  # "not assessed" is accepted, and the certificate says so


@dataclass(frozen=True, slots=True)
class CaptureRule:
    """When a capture proves life.

    Attributes:
        min_llr: the smallest log10 likelihood ratio that counts as a match; docs/matching.md has its error rates.
        embedders: how many face models must have compared the face.
        liveness: what the capture must show besides the face.
        max_attempts: failed attempts after which an agent's visit is offered.
        attempt_window_days: days for which a failed attempt counts.
    """

    min_llr: float
    embedders: int
    liveness: LivenessRule
    max_attempts: int
    attempt_window_days: int


@dataclass(frozen=True, slots=True)
class AgeBand:
    """Channels accepted from an age on (completed years)."""

    from_age: int
    accepted: frozenset[Channel]


@dataclass(frozen=True, slots=True)
class AdverseRule:
    """What one kind of adverse record does.

    Attributes:
        effect: what one record does.
        can_stop: whether several independent sources of this kind (``Policy.stop_sources``) stop the payment.
        paths: the channels that remain, with the effect ``OTHER_PATH``.
        refuted_by_life: whether seeing the person alive shows the record to be wrong (true of a death, not of a move
            abroad).
    """

    effect: Effect
    can_stop: bool
    paths: frozenset[Channel]
    refuted_by_life: bool = False


@dataclass(frozen=True, slots=True)
class SignRule:
    """The weight of one act.

    Attributes:
        weight: what one sign of this act adds up to.
        body_present: whether only the living body can do it.
        max_count: how many signs of this act count at most.
        justification: why the weight is what it is.
    """

    weight: float
    body_present: bool
    max_count: int
    justification: str


@dataclass(frozen=True, slots=True)
class SilentRule:
    """When signs of life alone prove life: the total weight and the number of body-present acts needed."""

    threshold: float
    min_body_present: int


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one scheme in one version.

    Attributes:
        scheme: name of the scheme.
        version: version of these rules.
        title: name of the scheme for people.
        timezone: the IANA time zone in which an instant becomes a date.
        validity_months: how long a proof is valid.
        window_days: days before the due date on which the next proof may be given.
        grace_days: days after the due date before a pension counts as overdue.
        stop_sources: how many independent sources stop a payment, at least two.
        min_age: completed years from which the benefit is paid; None for no minimum.
        capture: what a capture must show, by channel.
        bands: the channels accepted from each age on, in rising order.
        adverse: what each kind of adverse record does.
        signs: the weight of each act in signs of life.
        silent: when signs of life alone prove life.
        life_resumes_payment: whether a person who was seen alive after several sources reported a death is paid until
            an officer has looked.
        same_event_days: how far the dates of two reports of one event can lie apart. A report that copies an event on
            which an officer has ruled asks an officer, and pauses and stops nothing. -1: copies count as new events.
        four_eyes: what two officers are needed for.
    """

    scheme: str
    version: str
    title: str
    timezone: str
    validity_months: int
    window_days: int
    grace_days: int
    stop_sources: int
    min_age: int | None
    capture: Mapping[Channel, CaptureRule]
    bands: tuple[AgeBand, ...]
    adverse: Mapping[str, AdverseRule]
    signs: Mapping[str, SignRule]
    silent: SilentRule
    life_resumes_payment: bool = False
    same_event_days: int = -1
    four_eyes: FourEyesRule = field(default_factory=FourEyesRule)

    def accepted(self, age: int | None) -> frozenset[Channel]:
        """Return the channels accepted at an age; if the age is unknown, the channels accepted at every age."""
        if age is None:
            return frozenset.intersection(*(band.accepted for band in self.bands))
        fitting = [band for band in self.bands if band.from_age <= age]
        return fitting[-1].accepted if fitting else frozenset()


_Word = TypeVar("_Word", bound=StrEnum)


class _Table:
    """A TOML table read key by key. Unread keys are an error, so that a typing mistake cannot disable a rule."""

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, Mapping):
            raise PolicyInvalid(f"{where}: must be a table, not {data!r}")
        self._data = dict(data)
        self.where = where

    def take(self, key: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
        if key not in self._data:
            if default is ...:
                raise PolicyInvalid(f"{self.where}: '{key}' is missing")
            return default
        value = self._data.pop(key)
        # bool is an int in Python, never in a policy
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise PolicyInvalid(f"{self.where}: '{key}' has the wrong type ({value!r})")
        return value

    def number(self, key: str, low: float, high: float, default: Any = ...) -> float:
        value = self.take(key, (int, float), default)
        if not low <= value <= high:
            raise PolicyInvalid(f"{self.where}: '{key}' must lie between {low:g} and {high:g}, not {value!r}")
        return float(value)

    def integer(self, key: str, low: int, high: int, default: Any = ...) -> int:
        value = self.take(key, int, default)
        if not low <= value <= high:
            raise PolicyInvalid(f"{self.where}: '{key}' must lie between {low} and {high}, not {value!r}")
        return int(value)

    def word(self, key: str, words: type[_Word]) -> _Word:
        return self._known(key, self.take(key, str), words)

    def channels(self, key: str, default: Any = ...) -> frozenset[Channel]:
        return self.words(key, Channel, default)

    def words(self, key: str, words: type[_Word], default: Any = ...) -> frozenset[_Word]:
        return frozenset(self._known(key, name, words) for name in self.take(key, list, default))

    def _known(self, key: str, value: Any, words: type[_Word]) -> _Word:
        try:
            return words(value)
        except ValueError:
            known = [word.value for word in words]
            raise PolicyInvalid(f"{self.where}: '{key}' must be one of {known}, not {value!r}") from None

    def done(self) -> None:
        if self._data:
            raise PolicyInvalid(f"{self.where}: unknown keys {sorted(self._data)}")


def parse_policy(data: Mapping[str, Any]) -> Policy:
    """Build a policy from a parsed TOML document.

    Args:
        data: the document.

    Returns:
        The policy.

    Raises:
        PolicyInvalid: a value is missing, unknown or impossible; the text names the table and the key.
    """
    top = _Table(data, "policy")
    zone = top.take("timezone", str)
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise PolicyInvalid(f"policy: 'timezone' is unknown ({zone!r})") from error
    min_age = top.integer("min_age", 0, 130, -1) if "min_age" in data else None
    policy = Policy(
        scheme=_scheme_name(top.take("scheme", str)),
        version=top.take("version", str),
        title=top.take("title", str),
        timezone=zone,
        validity_months=top.integer("validity_months", 1, 36),
        window_days=top.integer("window_days", 0, 366),
        grace_days=top.integer("grace_days", 0, 366),
        # One source must never stop a payment (docs/decisions/0004-decide-is-pure.md), whatever a policy says.
        stop_sources=top.integer("stop_sources", 2, 9),
        min_age=min_age,
        capture={
            Channel(name): _capture_rule(_Table(table, f"capture.{name}"))
            for name, table in top.take("capture", dict).items()
            if _is_capture_channel(name)
        },
        bands=_bands(top.take("bands", list)),
        adverse={name: _adverse_rule(_Table(t, f"adverse.{name}")) for name, t in top.take("adverse", dict).items()},
        signs={name: _sign_rule(_Table(t, f"signs.{name}")) for name, t in top.take("signs", dict).items()},
        silent=_silent_rule(_Table(top.take("silent", dict), "silent")),
        life_resumes_payment=top.take("life_resumes_payment", bool, False),
        # Documents of earlier releases lack the two keys. Their replays must come out as they did.
        same_event_days=top.integer("same_event_days", 0, 92, -1) if "same_event_days" in data else -1,
        four_eyes=_four_eyes(_Table(top.take("four_eyes", dict, {}), "four_eyes")),
    )
    top.done()
    return policy


def _scheme_name(name: str) -> str:
    # What a certificate can carry, and what fits in a file name, a metric and a URL.
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise PolicyInvalid(f"policy: 'scheme' must be 1 to 40 small letters, digits or _, not {name!r}")
    return name


def _is_capture_channel(name: str) -> bool:
    if name not in {channel.value for channel, rule in CHANNELS.items() if rule.captured}:
        raise PolicyInvalid(f"capture.{name}: only 'remote' and 'doorstep' are captured")
    return True


def _capture_rule(table: _Table) -> CaptureRule:
    rule = CaptureRule(
        min_llr=table.number("min_llr", 1.0, 12.0),
        embedders=table.integer("embedders", 1, 3),
        liveness=table.word("liveness", LivenessRule),
        max_attempts=table.integer("max_attempts", 1, 20),
        attempt_window_days=table.integer("attempt_window_days", 1, 366),
    )
    table.done()
    return rule


def _bands(tables: list[Mapping[str, Any]]) -> tuple[AgeBand, ...]:
    bands = []
    for number, data in enumerate(tables):
        table = _Table(data, f"bands[{number}]")
        bands.append(AgeBand(table.integer("from_age", 0, 130), table.channels("accepted")))
        table.done()
    if not bands or bands[0].from_age != 0 or [b.from_age for b in bands] != sorted({b.from_age for b in bands}):
        raise PolicyInvalid("bands: 'from_age' must start at 0 and rise")
    return tuple(bands)


def _adverse_rule(table: _Table) -> AdverseRule:
    rule = AdverseRule(
        effect=table.word("effect", Effect),
        can_stop=table.take("can_stop", bool, False),
        paths=table.channels("paths", []),
        refuted_by_life=table.take("refuted_by_life", bool, False),
    )
    table.done()
    if (rule.effect is Effect.OTHER_PATH) != bool(rule.paths):
        raise PolicyInvalid(f"{table.where}: 'paths' goes with the effect 'other_path', and only with it")
    if rule.can_stop and rule.effect is not Effect.PAUSE:
        raise PolicyInvalid(f"{table.where}: 'can_stop' needs the effect 'pause': the certificate pauses first")
    return rule


def _sign_rule(table: _Table) -> SignRule:
    rule = SignRule(
        weight=table.number("weight", 0.0, 10.0),
        body_present=table.take("body_present", bool),
        max_count=table.integer("max_count", 1, 100, 1),
        justification=table.take("justification", str),
    )
    table.done()
    return rule


def _four_eyes(table: _Table) -> FourEyesRule:
    shipped = FourEyesRule()
    rule = FourEyesRule(
        needs_two=table.words("needs_two", TwoOfficers, [word.value for word in shipped.needs_two]),
        erasure_wait_hours=table.integer("erasure_wait_hours", 0, 720, shipped.erasure_wait_hours),
        audit_share=table.number("audit_share", 0.0, 1.0, shipped.audit_share),
    )
    table.done()
    return rule


def _silent_rule(table: _Table) -> SilentRule:
    rule = SilentRule(
        threshold=table.number("threshold", 0.1, 100.0),
        min_body_present=table.integer("min_body_present", 1, 10),
    )
    table.done()
    return rule
