"""The part of the fund that a caller works for: some schemes, some regions, or everything."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """The schemes and regions of a caller. None stands for all; an empty set covers nothing.

    Attributes:
        schemes: names of schemes.
        regions: codes of regions. A region covers all codes that begin with it, as ``11`` covers ``110105``.
    """

    schemes: frozenset[str] | None = None
    regions: frozenset[str] | None = None

    @property
    def is_everything(self) -> bool:
        """Return whether nothing is left out."""
        return self.schemes is None and self.regions is None

    def covers_scheme(self, scheme: str) -> bool:
        """Tell whether a scheme lies in the scope."""
        return self.schemes is None or scheme in self.schemes

    def covers_region(self, region: str | None) -> bool:
        """Tell whether a region lies in the scope. A person without a region lies in no region."""
        return self.regions is None or (region is not None and region.startswith(tuple(self.regions)))

    def touches(self, schemes: Collection[str], region: str | None) -> bool:
        """Tell whether a person with these pensions may be read: the region and at least one pension are covered."""
        return self.covers_region(region) and (
            self.schemes is None or any(scheme in self.schemes for scheme in schemes)
        )

    def covers(self, schemes: Collection[str], region: str | None) -> bool:
        """Tell whether a person with these pensions may be changed: the region and every pension are covered."""
        return self.covers_region(region) and all(map(self.covers_scheme, schemes))


EVERYTHING = Scope()
"""The scope of a token that names neither schemes nor regions."""
