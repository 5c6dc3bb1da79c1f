"""Shared parts of the bodies: base classes, short texts, codes and guidance."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_.:\-]+$")]


class In(BaseModel):
    """A request body. Unknown fields are refused, so that a misspelt field is not silently ignored."""

    model_config = ConfigDict(extra="forbid")


class Out(BaseModel):
    """An answer."""


class GuidanceOut(Out):
    """Advice for the next attempt, as a code and as a sentence."""

    code: str = Field(examples=["too_dark"])
    text: str = Field(examples=["Turn toward the light."])
