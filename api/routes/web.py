"""The person's app: its first page in the reader's language, its service worker, and its files."""

from __future__ import annotations

from functools import cache
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.auth import public
from api.errors import problems
from api.state import State, current_state
from api.web.pages import PHONE, File, Site, choose_language, read_site
from certify.errors import NotFound

router = APIRouter(include_in_schema=False)

FOR_EVER = "public, max-age=31536000, immutable"
ANEW = "no-cache"
PAGE = "certify.page"
"""Key of the request under which the middleware finds how long a page may be kept."""

_State = Annotated[State, Depends(current_state)]
_public = Depends(public("pages hold no data", limited=False))


@cache
def _site(retention_days: int) -> Site:
    return read_site(PHONE, retention_days=retention_days)


@router.get("/", dependencies=[_public], response_class=Response)
async def first_page(request: Request, state: _State) -> Response:
    """Return the first page."""
    site = _site(state.service.settings.media_retention_days)
    language = choose_language(request.headers.get("accept-language", ""))
    return _send(request, site.first[language], keep=ANEW, vary="Accept-Encoding, Accept-Language")


@router.get("/sw.js", dependencies=[_public], response_class=Response)
async def service_worker(request: Request, state: _State) -> Response:
    """Return the service worker."""
    return _send(request, _site(state.service.settings.media_retention_days).worker, keep=ANEW)


@router.get("/app/{version}/{path:path}", dependencies=[_public], responses=problems(404), response_class=Response)
async def asset(version: str, path: str, request: Request, state: _State) -> Response:
    """Return a file of this release."""
    site = _site(state.service.settings.media_retention_days)
    found = site.files.get(path) if version == site.version else None
    if found is None:
        raise NotFound("There is no such file.", hint="Load the page anew.", code="file_not_found")
    return _send(request, found, keep=FOR_EVER)


def _send(request: Request, file: File, *, keep: str, vary: str = "Accept-Encoding") -> Response:
    request.scope[PAGE] = keep
    headers = {"Vary": vary}
    if file.pressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.pressed, headers=headers | {"Content-Encoding": "gzip"}, media_type=file.media_type)
    return Response(file.plain, headers=headers, media_type=file.media_type)
