"""Serve the apps: their first pages, service workers and files."""

from __future__ import annotations

from functools import cache
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.auth import public
from api.errors import problems
from api.state import State, current_state
from api.web.pages import APPS, App, File, Site, choose_language, read_site
from certify.config import Settings
from certify.domain.error_codes import ErrorCode
from certify.errors import NotFound

router = APIRouter(include_in_schema=False)

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATED = "no-cache"
PAGE = "certify.page"
"""Key of the request under which the middleware finds how long a page may be kept."""
LOCATED = "certify.located"
"""Key of the request under which the middleware finds that a page may ask where the device is."""

_State = Annotated[State, Depends(current_state)]
_public = Depends(public("pages hold no data", limited=False))


@cache
def _read(app: App, retention_days: int, fund: str, help_phone: str) -> Site:
    return read_site(app, retention_days=retention_days, fund=fund, help_phone=help_phone)


def _site(app: App, settings: Settings) -> Site:
    return _read(app, settings.media_retention_days, settings.issuer_name, settings.help_phone)


def _serve(app: App) -> None:
    """Add the routes of an app: its first page and its service worker."""

    @router.get(app.home, dependencies=[_public], response_class=Response)
    async def first_page(request: Request, state: _State) -> Response:
        request.scope[LOCATED] = app.located
        site = _site(app, state.service.settings)
        language = choose_language(request.headers.get("accept-language", ""))
        return _send(request, site.first[language], keep=REVALIDATED, vary="Accept-Encoding, Accept-Language")

    @router.get(app.worker, dependencies=[_public], response_class=Response)
    async def service_worker(request: Request, state: _State) -> Response:
        site = _site(app, state.service.settings)
        answer = _send(request, site.worker, keep=REVALIDATED)
        if app.home != "/":
            answer.headers["Service-Worker-Allowed"] = app.home  # a worker's own scope is only what lies below it
        return answer


for _app in APPS:
    _serve(_app)


@router.get("/app/{version}/{path:path}", dependencies=[_public], responses=problems(404), response_class=Response)
async def asset(version: str, path: str, request: Request, state: _State) -> Response:
    """Return a file of this release."""
    sites = [_site(app, state.service.settings) for app in APPS]
    found = next((site.files.get(path) for site in sites if site.version == version), None)
    if found is None:
        raise NotFound("There is no such file.", hint="Load the page again.", code=ErrorCode.FILE_NOT_FOUND)
    return _send(request, found, keep=IMMUTABLE)


def _send(request: Request, file: File, *, keep: str, vary: str = "Accept-Encoding") -> Response:
    request.scope[PAGE] = keep
    headers = {"Vary": vary}
    if file.pressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.pressed, headers=headers | {"Content-Encoding": "gzip"}, media_type=file.media_type)
    return Response(file.plain, headers=headers, media_type=file.media_type)
