"""Translate the claims of an identity provider into ours.

Providers put roles where their product wants them: Keycloak in ``realm_access.roles``, Entra in ``roles``, both as
lists and with names of their own. The issuers file says where a claim is and what the names mean here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from certify.trust import TokenRefused

_ABSENT = object()


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
    """

    role: tuple[str, ...] = ("role",)
    role_names: Mapping[str, str] = field(default_factory=dict)
    first_role: bool = False
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __call__(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Translate the claims of a token.

        Args:
            claims: as the provider sent them.

        Returns:
            The claims, with ``role`` (one text) and each of the scopes (a list of texts) at the top level.

        Raises:
            TokenRefused: the token gives no role, or several (``token_refused``).
            ValueError: a claim has another type than it must have.
        """
        found: dict[str, Any] = dict(claims)
        found["role"] = self._role(_texts(_at(claims, self.role), self.role))
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
