"""Read the issuers file: a JSON list of the token issuers to trust."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable
from certify.issuers.discovery import DiscoveredKeys, is_safe_address
from certify.issuers.mapping import ClaimMap
from certify.issuers.tokens import OWN_ROLES, Role
from certify.issuers.trust import AUDIENCE, FixedKeys, Issuer

_SCOPES = ("sources", "schemes", "regions")
_OWN_NAMES = "certify:"
"""Beginning of the names of the service's own issuers."""

_SECRET_MEMBERS = frozenset({"d", "k", "p", "q"})
"""Members of a JWK that must not be public (RFC 7518, section 6)."""

LONGEST_HOURS = 12.0
"""Longest life of a token unless the file says otherwise: one working day with overtime."""

_MOST_HOURS = 31 * 24


def _as_path(value: Any) -> Any:
    return value.split(".") if isinstance(value, str) else value


Path_ = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_as_path), Field(min_length=1)]
"""Where a claim is: names with dots between them, or a list of names when a name has a dot itself."""


class ClaimsTable(BaseModel):
    """Where an issuer's claims are, and what its names of roles mean; ``ClaimMap`` explains each field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Path_ = ("role",)
    role_names: dict[str, Role] = Field(default_factory=dict)
    several_roles: Literal["refuse", "first"] = "refuse"
    sources: Path_ | None = None
    schemes: Path_ | None = None
    regions: Path_ | None = None
    human: Path_ | None = None

    @model_validator(mode="after")
    def _first_of_what(self) -> ClaimsTable:
        if self.several_roles == "first" and not self.role_names:
            raise ValueError("'several_roles' is 'first', and 'role_names' gives no order")
        return self

    def build(self) -> ClaimMap:
        """Return the mapping."""
        paths = {name: getattr(self, name) for name in _SCOPES}
        return ClaimMap(
            role=self.role,
            role_names={name: role.value for name, role in self.role_names.items()},
            first_role=self.several_roles == "first",
            scopes={name: path for name, path in paths.items() if path is not None},
            human=self.human,
        )


class IssuerEntry(BaseModel):
    """One entry of the issuers file; docs/operations.md explains each field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(min_length=1, max_length=500)
    roles: list[Role] = Field(min_length=1)
    keys: list[dict[str, Any]] | None = Field(default=None, min_length=1)
    discovery: str | None = None
    audience: str | list[str] = AUDIENCE
    longest_hours: float = Field(default=LONGEST_HOURS, gt=0, le=_MOST_HOURS, allow_inf_nan=False)
    claims: ClaimsTable = ClaimsTable()

    @model_validator(mode="after")
    def _sound(self) -> IssuerEntry:
        if (self.keys is None) == (self.discovery is None):
            raise ValueError("it needs either 'keys' or 'discovery'")
        if self.discovery is not None and not is_safe_address(self.discovery):
            raise ValueError("'discovery' must begin with https://, or be on this machine")
        if self.issuer.startswith(_OWN_NAMES):
            raise ValueError("its name is one of the service's own")
        if any(key.keys() & _SECRET_MEMBERS for key in self.keys or ()):
            raise ValueError("'keys' holds a secret key, and must hold public keys only")
        if not self.granted:
            raise ValueError("'roles' has only roles that the service itself gives")
        if not self.audiences or not all(self.audiences):
            raise ValueError("'audience' is empty")
        return self

    @property
    def granted(self) -> frozenset[Role]:
        """The roles that the issuer may give."""
        return frozenset(self.roles) - OWN_ROLES

    @property
    def audiences(self) -> tuple[str, ...]:
        """The names in ``aud`` that mean this service."""
        return (self.audience,) if isinstance(self.audience, str) else tuple(self.audience)

    def build(self) -> Issuer:
        """Return the trusted issuer.

        Raises:
            JoseError: a key is not a JWK.
        """
        if self.discovery is None:
            keys: FixedKeys | DiscoveredKeys = FixedKeys(KeySet.import_key_set({"keys": self.keys or []}))
        else:
            keys = DiscoveredKeys(self.issuer, self.discovery)
        return Issuer(
            name=self.issuer,
            keys=keys,
            roles=self.granted,
            audiences=self.audiences,
            longest=timedelta(hours=self.longest_hours),
            translate=self.claims.build(),
        )


_FILE = TypeAdapter(list[IssuerEntry])


def load_issuers(path: Path) -> list[Issuer]:
    """Read the issuers file.

    Args:
        path: the file.

    Returns:
        The trusted issuers; at least one.

    Raises:
        Unavailable: the file cannot be used (``issuers_file``). A service that does not know whom to trust must not
            start.
    """
    try:
        entries = _FILE.validate_python(json.loads(path.read_text("utf-8")))
        issuers = [entry.build() for entry in entries]
    except ValidationError as error:
        raise _unusable(path, _first_problem(error.errors(include_input=False, include_url=False))) from None
    except OSError as error:
        raise _unusable(path, (error.strerror or "it cannot be read").lower()) from error
    except (ValueError, RecursionError) as error:
        raise _unusable(path, "it is not JSON") from error
    except (JoseError, KeyError, TypeError) as error:
        raise _unusable(path, "a key is not a public JWK") from error
    if not issuers:
        raise _unusable(path, "it names no issuer, so no one could sign in")
    if len({issuer.name for issuer in issuers}) < len(issuers):
        raise _unusable(path, "it names an issuer twice")
    return issuers


def _unusable(path: Path, reason: str) -> Unavailable:
    return Unavailable(
        f"The issuers file {path} cannot be used: {reason}.",
        hint="docs/operations.md describes the file, under 'Who may call'.",
        code=ErrorCode.ISSUERS_FILE,
    )


def _first_problem(errors: Sequence[Any]) -> str:
    where = list(errors[0]["loc"])
    words = str(errors[0]["msg"]).removeprefix("Value error, ").removesuffix(".")
    place = [f"entry {where[0] + 1}" if where and isinstance(where[0], int) else "", *map(str, where[1:])]
    named = ", ".join(part for part in place if part)
    return f"{named}: {words[:1].lower()}{words[1:]}" if named else f"{words[:1].lower()}{words[1:]}"
