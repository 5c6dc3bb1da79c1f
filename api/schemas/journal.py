"""Answers of the access journal."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class ReadOut(BaseModel):
    """One request that read about people."""

    model_config = ConfigDict(from_attributes=True)

    id: int = Field(examples=[4711])
    at: datetime
    subject: str = Field(description="Who read, by the issuer of the token", examples=["officer-17"])
    issuer: str
    role: str = Field(examples=["officer"])
    request_id: str = Field(description="X-Request-ID of the answer")
    route: str = Field(examples=["GET /v1/beneficiaries/{beneficiary_id}"])
    target: str = Field(description="What the path named; empty for a list")
    status: int = Field(examples=[200])
    people: list[UUID] = Field(description="The people whom the answer was about")


class ReadPage(BaseModel):
    """A page of the journal, newest first."""

    items: list[ReadOut]
    next: int | None = Field(description="Pass as 'before' for the next page; null on the last")
