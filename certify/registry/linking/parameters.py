"""Settings of linking. They are stored with a run, so that it can be replayed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

REVIEW_DUPLICATES = -4.0
"""The weight from which an officer is asked about two rows of one file. Without ids the details of one person often
differ, and no one is declared dead by a question: one true pair in seventeen is worth it."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Settings of one linking.

    Attributes:
        accept: match weight (log2 of the odds that two rows are one person) from which a link needs no officer.
            ``docs/linkage.md`` has the measurement behind it.
        review: match weight from which an officer is asked; pairs below it are dropped.
        margin: weight by which the best candidate must lead the second.
        coincidence: a name and birth date prove the identity if fewer people than this are expected to share them by
            chance.
        one_to_one: whether a person has at most one record, as in a register; of events such as hospital stays a person
            may have many.
        deduplicate: whether left and right are the same rows, and pairs are looked for within them.
        seed: seed of sampling.
        sample: number of rows of each side that the model is trained on.
        model: a trained model as ``LinkResult.model`` returned it; None to train a new one.
    """

    accept: float = 6.0
    review: float = 0.0
    margin: float = 6.0
    coincidence: float = 1e-3
    one_to_one: bool = False
    deduplicate: bool = False
    seed: int = 1
    sample: int = 50_000
    model: dict[str, Any] | None = None

    def to_json(self) -> str:
        """Return the settings as text, the same for the same settings."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Parameters:
        """Read what ``to_json`` wrote."""
        return cls(**json.loads(text))
