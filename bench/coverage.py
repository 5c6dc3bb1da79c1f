"""Print what the last ``make test`` covered, and the files that it covered least.

Usage: python -m bench.coverage [--floor PER_CENT]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

MEASURED = Path("var/coverage.json")
"""Where ``make test`` writes it (pyproject.toml)."""
_FILES = 10


def main() -> int:
    """Print the total and the ten files with the most lines that no test reached.

    Returns:
        The exit code: 1 if the total is below the floor.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--floor", type=float, default=0.0, help="smallest accepted share of lines and branches, in %%")
    floor: float = parser.parse_args().floor
    measured = json.loads(MEASURED.read_text("utf-8"))
    total: float = measured["summary"]["percent_covered"]
    missed = {name: file["missing_lines"] for name, file in measured["files"].items()}
    for name in sorted(missed, key=lambda name: -len(missed[name]))[:_FILES]:
        print(f"{len(missed[name]):5} lines not reached in {name}")
    print(f"{total:.1f} % of lines and branches are covered (at least {floor:.0f} % are asked for)")
    return 0 if total >= floor else 1


if __name__ == "__main__":
    raise SystemExit(main())
