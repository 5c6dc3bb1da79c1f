"""Route of the access journal for auditors: who read about whom, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.auth import allow
from api.errors import problems
from api.schemas.journal import ReadOut, ReadPage
from api.scope import outside_scope
from api.state import service_of
from certify.issuers.tokens import Principal, Role
from certify.service import Service
from certify.storage.journal import ReadFilter, list_reads

router = APIRouter(prefix="/v1", tags=["access journal"])


@router.get("/access-journal", responses=problems(401, 403, 422, 503))
def reads(
    caller: Annotated[Principal, Depends(allow(Role.AUDITOR))],
    service: Annotated[Service, Depends(service_of)],
    subject: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$", description="Who read")] = None,
    role: Annotated[Role | None, Query(description="As what")] = None,
    person: Annotated[UUID | None, Query(description="About whom")] = None,
    request_id: Annotated[str | None, Query(max_length=64, pattern=r"^[A-Za-z0-9._\-]*$")] = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: Annotated[int | None, Query(ge=0, lt=2**62, description="The 'next' of the previous page")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ReadPage:
    """Search the journal of reads, newest first. It is open to auditors of the whole fund only."""
    if not caller.scope.is_everything:
        raise outside_scope()
    wanted = ReadFilter(
        subject=subject,
        role=None if role is None else role.value,
        person=person,
        request_id=request_id,
        since=since,
        until=until,
    )
    with service.reading() as unit:
        rows = list_reads(unit.db, wanted, before=before, limit=limit + 1)
        items = [ReadOut.model_validate(row) for row in rows[:limit]]
    return ReadPage(items=items, next=items[-1].id if len(rows) > limit else None)
