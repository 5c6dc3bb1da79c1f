"""The apps: of people, and of agents with tablets. Their first pages, service workers, and files."""

from __future__ import annotations

from functools import cache
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.auth import public
from api.errors import problems
from api.state import State, current_state
from api.web.pages import PHONE, TABLET, App, File, Site, choose_language, read_site
from certify.domain.error_codes import ErrorCode
from certify.errors import NotFound

router = APIRouter(include_in_schema=False)

FOR_EVER = "public, max-age=31536000, immutable"
ANEW = "no-cache"
PAGE = "certify.page"
"""Key of the request under which the middleware finds how long a page may be kept."""

_State = Annotated[State, Depends(current_state)]
_public = Depends(public("pages hold no data", limited=False))


LOCATED = "certify.located"
"""Key of the request under which the middleware finds that a page may ask where it is."""


@cache
def _site(app: App, retention_days: int) -> Site:
    return read_site(app, retention_days=retention_days)


@router.get("/", dependencies=[_public], response_class=Response)
async def first_page(request: Request, state: _State) -> Response:
    """Return the first page of people's app."""
    return _first(request, state, PHONE)


@router.get("/agent", dependencies=[_public], response_class=Response)
async def agents_page(request: Request, state: _State) -> Response:
    """Return the first page of the agents' app."""
    request.scope[LOCATED] = True
    return _first(request, state, TABLET)


@router.get("/sw.js", dependencies=[_public], response_class=Response)
async def service_worker(request: Request, state: _State) -> Response:
    """Return the service worker of people's app."""
    return _send(request, _site(PHONE, state.service.settings.media_retention_days).worker, keep=ANEW)


@router.get("/agent/sw.js", dependencies=[_public], response_class=Response)
async def agents_worker(request: Request, state: _State) -> Response:
    """Return the service worker of the agents' app."""
    answer = _send(request, _site(TABLET, state.service.settings.media_retention_days).worker, keep=ANEW)
    answer.headers["Service-Worker-Allowed"] = TABLET.home  # it lies below what it works for
    return answer


@router.get("/app/{version}/{path:path}", dependencies=[_public], responses=problems(404), response_class=Response)
async def asset(version: str, path: str, request: Request, state: _State) -> Response:
    """Return a file of this release."""
    sites = [_site(app, state.service.settings.media_retention_days) for app in (PHONE, TABLET)]
    found = next((site.files.get(path) for site in sites if site.version == version), None)
    if found is None:
        raise NotFound("There is no such file.", hint="Load the page anew.", code=ErrorCode.FILE_NOT_FOUND)
    return _send(request, found, keep=FOR_EVER)


def _first(request: Request, state: State, app: App) -> Response:
    site = _site(app, state.service.settings.media_retention_days)
    language = choose_language(request.headers.get("accept-language", ""))
    return _send(request, site.first[language], keep=ANEW, vary="Accept-Encoding, Accept-Language")


def _send(request: Request, file: File, *, keep: str, vary: str = "Accept-Encoding") -> Response:
    request.scope[PAGE] = keep
    headers = {"Vary": vary}
    if file.pressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.pressed, headers=headers | {"Content-Encoding": "gzip"}, media_type=file.media_type)
    return Response(file.plain, headers=headers, media_type=file.media_type)
