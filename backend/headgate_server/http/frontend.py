"""The web application: the page that every address of it begins with, and the files it needs.

Both are built into this package. Where they were not, the root is plain text for everybody.
"""

import os
from mimetypes import guess_type
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import Scope

from headgate_server.http.landing import landing_text

BUILT = Path(__file__).parent / "app_files"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""No script or style runs but what was built: none of another host, none within the page."""


class HashedFiles(StaticFiles):
    """Files whose names change with what is in them: a browser keeps them for good.

    Where the build left a compressed copy beside a file, who takes gzip is sent that.
    """

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return the answer with a file."""
        packed = Path(f"{os.fspath(full_path)}.gz")
        if not packed.is_file():
            response = super().file_response(full_path, stat_result, scope, status_code)
        elif "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            response = super().file_response(packed, packed.stat(), scope, status_code)
            response.headers["content-type"] = f"{guess_type(full_path)[0]}; charset=utf-8"
            response.headers["content-encoding"] = "gzip"
            response.headers["vary"] = "accept-encoding"
        else:
            response = super().file_response(full_path, stat_result, scope, status_code)
            response.headers["vary"] = "accept-encoding"
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def frontend_routes(folder: Path = BUILT) -> list[BaseRoute]:
    """Return the routes of the application; they come last, for its page answers any other path.

    Args:
        folder: what was built; it need not be there.
    """
    index = folder / "index.html"
    page = index.read_text(encoding="utf-8") if index.is_file() else None
    headers = {"content-security-policy": POLICY, "cache-control": "no-cache"}

    async def show(request: Request) -> Response:
        if page is not None and "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(page, headers=headers)
        if request.url.path == "/":
            return PlainTextResponse(landing_text(str(request.base_url)))
        raise HTTPException(status_code=404)

    assets = folder / "assets"
    hashed = [Mount("/assets", HashedFiles(directory=assets))] if assets.is_dir() else []
    return [*hashed, Route("/{path:path}", show)]
