"""Read a table of a policy document key by key, strictly: an unknown or impossible value is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from certify.domain.channels import Channel


class PolicyInvalid(ValueError):
    """A policy text contradicts itself or a safety rule."""


_Word = TypeVar("_Word", bound=StrEnum)


class Table:
    """A TOML table read key by key. Unread keys are an error, so that a typing mistake cannot disable a rule."""

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, Mapping):
            raise PolicyInvalid(f"{where}: must be a table, not {data!r}")
        self._data = dict(data)
        self.where = where

    def take(self, key: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
        """Return the value of a key, which must be of a type."""
        if key not in self._data:
            if default is ...:
                raise PolicyInvalid(f"{self.where}: '{key}' is missing")
            return default
        value = self._data.pop(key)
        # bool is an int in Python, never in a policy
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise PolicyInvalid(f"{self.where}: '{key}' has the wrong type ({value!r})")
        return value

    def has(self, key: str) -> bool:
        """Return whether the key is there and was not read yet."""
        return key in self._data

    def number(self, key: str, low: float, high: float, default: Any = ...) -> float:
        """Return a number between two limits."""
        value = self.take(key, (int, float), default)
        if not low <= value <= high:
            raise PolicyInvalid(f"{self.where}: '{key}' must lie between {low:g} and {high:g}, not {value!r}")
        return float(value)

    def integer(self, key: str, low: int, high: int, default: Any = ...) -> int:
        """Return a whole number between two limits."""
        value = self.take(key, int, default)
        if not low <= value <= high:
            raise PolicyInvalid(f"{self.where}: '{key}' must lie between {low} and {high}, not {value!r}")
        return int(value)

    def word(self, key: str, words: type[_Word], default: Any = ...) -> _Word:
        """Return one word of a closed list."""
        return self._known(key, self.take(key, str, default), words)

    def channels(self, key: str, default: Any = ...) -> frozenset[Channel]:
        """Return a list of channels."""
        return self.words(key, Channel, default)

    def words(self, key: str, words: type[_Word], default: Any = ...) -> frozenset[_Word]:
        """Return a list of words of a closed list."""
        return frozenset(self._known(key, name, words) for name in self.take(key, list, default))

    def _known(self, key: str, value: Any, words: type[_Word]) -> _Word:
        try:
            return words(value)
        except ValueError:
            known = [word.value for word in words]
            raise PolicyInvalid(f"{self.where}: '{key}' must be one of {known}, not {value!r}") from None

    def done(self) -> None:
        """Refuse the keys that were not read."""
        if self._data:
            raise PolicyInvalid(f"{self.where}: unknown keys {sorted(self._data)}")
