"""Translate the claims of an identity provider into ours.

Providers put roles where their product wants them: Keycloak in ``realm_access.roles``, Entra in ``roles``, both as
lists and with names of their own. The issuers file says where a claim is and what the names mean here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from certify.issuers.trust import HUMAN_ROLES, TokenRefused

_ABSENT = object()
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class ClaimMap:
    """The mapping of one issuer. Calling it translates the claims of a token.

    Attributes:
        role: path to the claim with the role, or with a list of roles.
        role_names: our role by the provider's name for it. Other names are not for us, and count as no role. Empty: the
            provider uses our names.
        first_role: of several roles, take the one whose name stands first in ``role_names``; otherwise refuse.
        scopes: paths to the claims that limit what the caller may do, by our name for them: ``sources``, ``schemes``,
            ``regions``. A token without such a claim is refused: a limit that is missing is not "no limit".
        human: path to the claim that names the human at all issuers of the fund, such as the number of an employee;
            None if there is none. A token of a role that decides about people
            (``certify.issuers.trust.HUMAN_ROLES``) is refused without it: two names of one human would count as two
            people.
    """

    role: tuple[str, ...] = ("role",)
    role_names: Mapping[str, str] = field(default_factory=dict)
    first_role: bool = False
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    human: tuple[str, ...] | None = None

    def __call__(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Translate the claims of a token.

        Args:
            claims: as the provider sent them.

        Returns:
            The claims, with ``role`` (one text), each of the scopes (a list of texts), and ``human`` (a text) if it is
            mapped, at the top level.

        Raises:
            TokenRefused: the token gives no role, or several, or lacks a claim that is mapped (``token_refused``).
            ValueError: a claim has another type than it must have.
        """
        found: dict[str, Any] = dict(claims)
        found["role"] = self._role(_texts(_at(claims, self.role), self.role))
        found.pop("human", None)  # ours alone, and only as the file says
        if self.human is not None and found["role"] in HUMAN_ROLES:
            found["human"] = _human(_at(claims, self.human), self.human)
        for name, path in self.scopes.items():
            value = _at(claims, path)
            if value is _ABSENT:
                raise TokenRefused(
                    f"The access token lacks the claim '{'.'.join(path)}', which limits what you may do.",
                    hint="The operator adds it at the identity provider.",
                )
            found[name] = _texts(value, path)
        return found

    def _role(self, names: Sequence[str]) -> str:
        if not self.role_names:
            ours = list(dict.fromkeys(names))
        elif self.first_role:
            ours = [role for name, role in self.role_names.items() if name in names][:1]
        else:
            ours = list(dict.fromkeys(self.role_names[name] for name in names if name in self.role_names))
        if not ours:
            raise TokenRefused(
                "The access token gives no role of this service.",
                hint="The operator assigns one at the identity provider.",
            )
        if len(ours) > 1:
            raise TokenRefused(
                "The access token gives several roles of this service, and one person acts in one role.",
                hint="Sign in with one of them; the operator can set 'several_roles' in the issuers file.",
            )
        return ours[0]


def _human(value: Any, path: Sequence[str]) -> str:
    if type(value) is int:  # a provider may write a number
        value = str(value)
    # Providers write one name in capitals or not, and with spaces.
    name = value.strip().casefold() if isinstance(value, str) else ""
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise TokenRefused(
            f"The access token lacks the claim '{'.'.join(path)}', which says who you are at all issuers.",
            hint="The operator adds it at the identity provider.",
        )
    return name


def _at(claims: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = claims
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return _ABSENT
        value = value[name]
    return value


def _texts(value: Any, path: Sequence[str]) -> list[str]:
    if value is _ABSENT:
        return []
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"the claim {'.'.join(path)} is neither a text nor a list of texts")
    return names
