"""Routes for programs that know when a file is there: Sonarr, Radarr, torrent clients.

Both answer in plain text, with the reason where they refuse: what a person reads in the
settings of such a program is all that it shows.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

import msgspec
import structlog
from litestar import Response, post
from litestar.handlers import HTTPRouteHandler

from izumi.domain.errors import BadEvent, IzumiError
from izumi.publishers.gateway import sonarr
from izumi.publishers.gateway.access import Refused
from izumi.publishers.gateway.arrivals import MOST_PATHS, Arrivals
from izumi.publishers.gateway.asked import AnyRequest, Door
from izumi.publishers.gateway.legacy import LATER_S

log = structlog.get_logger()

Answerer = Callable[[str, bytes], Awaitable[Response[str]]]


class _Named(msgspec.Struct):
    path: str | None = None
    paths: list[str] = []


def routes(door: Door, arrivals: Arrivals) -> list[HTTPRouteHandler]:
    """`/sonarr` and `/hook`."""

    @post("/sonarr", status_code=200, include_in_schema=False)
    async def from_sonarr(request: AnyRequest) -> Response[str]:
        async def answer(client: str, body: bytes) -> Response[str]:
            heard = sonarr.read(body)
            if not heard.paths:
                log.info("gateway.heard", client=client, hook_event=heard.event)
                return _text(200, f"{heard.event}: heard, and nothing is to be done")
            wanted = await arrivals.tell(heard.paths, client=client)
            return _text(200, f"{heard.event}: {len(wanted)} files are being acquired")

        return await _answered(door, request, answer)

    @post("/hook", status_code=202, include_in_schema=False)
    async def from_anyone(request: AnyRequest) -> Response[str]:
        async def answer(client: str, body: bytes) -> Response[str]:
            kind = request.headers.get("content-type", "")
            wanted = await arrivals.tell(named(kind, body), client=client)
            return _text(202, f"{len(wanted)} paths are being acquired")

        return await _answered(door, request, answer)

    return [from_sonarr, from_anyone]


def named(kind: str, body: bytes) -> list[str]:
    """The paths in a form (`path=...`) or a JSON object (`{"path": ...}`, `{"paths": [...]}`).

    Args:
        kind: Content type of the body.
        body: Of the request.

    Raises:
        BadEvent: It is neither, or names none.
    """
    found = _form(body) if _is_form(kind) else _json(body)
    if not found:
        raise BadEvent('no path is in it; send path=... as a form, or {"path": "..."} as JSON')
    return found


def _is_form(kind: str) -> bool:
    return kind.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"


def _form(body: bytes) -> list[str]:
    try:
        # Names of files need not be UTF-8.
        fields = parse_qs(
            body.decode("ascii"),
            encoding="utf-8",
            errors="surrogateescape",
            max_num_fields=MOST_PATHS + 1,
        )
    except ValueError as exc:
        raise BadEvent(f"not a form: {exc}") from exc
    return fields.get("path", [])


def _json(body: bytes) -> list[str]:
    try:
        found = msgspec.json.decode(body, type=_Named)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as exc:
        raise BadEvent(f'neither a form with path=... nor {{"path": "..."}}: {exc}') from exc
    return [*([found.path] if found.path is not None else []), *found.paths]


async def _answered(door: Door, request: AnyRequest, answer: Answerer) -> Response[str]:
    """Let in, answer, and say why not."""
    try:
        client = door.admit({**request.scope}, "acquire")
        return await answer(client.name, await request.body())
    except Refused as exc:
        return _text(exc.status, exc.reason, exc.retry_after_s)
    except BadEvent as exc:
        log.warning("gateway.bad_request", route=request.url.path, reason=str(exc))
        return _text(400, str(exc))
    except IzumiError as exc:
        log.warning("gateway.not_asked", route=request.url.path, reason=str(exc))
        return _text(503, "acquisition cannot be asked now; the log says why", LATER_S)


def _text(status: int, text: str, retry_after_s: float | None = None) -> Response[str]:
    headers = {} if retry_after_s is None else {"Retry-After": str(int(retry_after_s) + 1)}
    # What comes from the request goes back as escapes.
    plain = text.encode("ascii", "backslashreplace").decode()
    return Response(plain, status_code=status, media_type="text/plain", headers=headers)
