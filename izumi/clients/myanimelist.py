"""Users' lists at MyAnimeList: by its API, version 2, or as its site shows them."""

import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from izumi.clients.budget import Budget
from izumi.clients.http import Http, Reply, retry_after_s
from izumi.clients.mal_entry import api_entry, site_entry
from izumi.clients.settings import MyAnimeListSettings
from izumi.domain.discord_text import clean
from izumi.domain.errors import Unavailable
from izumi.domain.secret import Secret
from izumi.domain.userlist import ListEntry, Status

_LIMITED_S: Final = 60.0
_AWAY_S: Final = 30.0
_PATIENCE_S: Final = 60.0
_PAGE: Final = 500
_MOST_PAGES: Final = 100

_API_STATUS: Final[dict[Status, str]] = {
    "watching": "watching",
    "paused": "on_hold",
    "planning": "plan_to_watch",
    "completed": "completed",
    "dropped": "dropped",
}
_SITE_STATUS: Final[dict[Status, str]] = {
    "watching": "1",
    "completed": "2",
    "paused": "3",
    "dropped": "4",
    "planning": "6",
}


class MyAnimeList:
    """Lists of MyAnimeList's users.

    Args:
        http: Makes the requests.
        settings: `[myanimelist]`.
        client_id: For its API; None: the site is asked.
        budget: The request limit of everything here that asks there.
    """

    name: Final = "MyAnimeList"

    def __init__(
        self,
        http: Http,
        settings: MyAnimeListSettings,
        client_id: Secret | None,
        *,
        budget: Budget | None = None,
    ) -> None:
        self._http = http
        self._settings = settings
        self._client_id = client_id
        self._budget = budget or Budget(self.name, per_minute=settings.per_minute, at_once=2)

    async def entries(self, user: str, statuses: Sequence[Status]) -> tuple[ListEntry, ...]:
        """What is on a user's list.

        Raises:
            Unavailable: It cannot be read; the text says why.
        """
        found: dict[int | None, ListEntry] = {}
        for status in statuses:
            asked = self._by_api if self._client_id else self._by_site
            async with contextlib.aclosing(asked(user, status)) as pages:
                async for page in pages:
                    known = [one for one in page if one is not None]
                    if page and not known:
                        raise Unavailable(f"{self.name}: its answer is not as documented")
                    before = len(found)
                    found.update((one.mal_id, one) for one in known)
                    if page and len(found) == before:
                        break  # one page for ever
        return tuple(found.values())

    async def _by_api(self, user: str, status: Status) -> AsyncGenerator[list[ListEntry | None]]:
        """Pages of `/users/<user>/animelist`, as each names the next one."""
        address = f"{self._settings.url.rstrip('/')}/users/{user}/animelist"
        params: dict[str, str] | None = {
            "status": _API_STATUS[status],
            "limit": str(_PAGE),
            "fields": "alternative_titles",
            "nsfw": "true",  # else shows are missing that are nothing of the kind
        }
        seen = set()
        for _ in range(_MOST_PAGES):
            answer = _fields(await self._ask(address, params))
            yield [api_entry(item) for item in _items(answer.get("data"))]
            following = _fields(answer.get("paging", {})).get("next")
            if not following or following in seen:
                return
            # It holds the whole query; the client id must not go to another host.
            if not isinstance(following, str) or _origin(following) != _origin(address):
                raise Unavailable(f"{self.name}: its next page is at another address")
            seen.add(following)
            address, params = following, None

    async def _by_site(self, user: str, status: Status) -> AsyncGenerator[list[ListEntry | None]]:
        """Pages of `/animelist/<user>/load.json`, up to an empty one."""
        address = f"{self._settings.site.rstrip('/')}/animelist/{user}/load.json"
        offset = 0
        for _ in range(_MOST_PAGES):
            params = {"status": _SITE_STATUS[status], "offset": str(offset)}
            rows = _items(await self._ask(address, params))
            if not rows:
                return
            yield [site_entry(row) for row in rows]
            offset += len(rows)

    async def _ask(self, address: str, params: dict[str, str] | None) -> Any:
        headers = {"Accept": "application/json"}
        if self._client_id is not None:
            headers["X-MAL-CLIENT-ID"] = self._client_id.reveal()
        await self._budget.turn(_PATIENCE_S)
        try:
            reply = await self._http.ask(
                self.name,
                "GET",
                address,
                timeout_s=self._settings.timeout_s,
                params=params,
                headers=headers,
            )
        except Unavailable:
            self._budget.shut(_AWAY_S)
            raise
        if reply.status == 429:
            self._budget.pause(retry_after_s(reply, _LIMITED_S))
        elif reply.status >= 500:
            self._budget.shut(retry_after_s(reply, _AWAY_S))
        return self._read(reply)

    def _read(self, reply: Reply) -> Any:
        try:
            answer = msgspec.json.decode(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            answer = None
        if reply.status == 200 and answer is not None:
            return answer
        said = _complaint(answer, reply.status, by_api=self._client_id is not None)
        wait_s = retry_after_s(reply, _LIMITED_S) if reply.status == 429 else None
        raise Unavailable(f"{self.name}: it answered {reply.status}{said}", retry_after_s=wait_s)


def _complaint(answer: Any, status: int, *, by_api: bool) -> str:
    """What an error means, in words, as far as it is known."""
    text = clean(" ".join(_texts(answer)))[:200]
    meaning = {
        400: "the client id is wrong" if by_api else "there is no public list of this user",
        401: "the client id is wrong",
        403: "the list is private, or this host is shut out",
        404: "there is no such user",
        429: "too many requests",
    }.get(status, "without a list" if status == 200 else "")
    return "".join(f", {one}" for one in (meaning, text and f"in its words {text!r}") if one)


def _texts(answer: Any) -> list[str]:
    """`{"message": ..., "error": ...}` of the API, `{"errors": [{"message": ...}]}` else."""
    given = answer if isinstance(answer, dict) else {}
    errors = given.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else {}
    inner = first.get("message") if isinstance(first, dict) else None
    said = (given.get("error"), given.get("message"), inner)
    return [one for one in said if isinstance(one, str) and one]


def _fields(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise Unavailable("MyAnimeList: its answer is not as documented")
    return answer


def _items(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise Unavailable("MyAnimeList: its answer is not as documented")
    return answer


def _origin(address: str) -> tuple[str, str] | None:
    try:
        parts: SplitResult = urlsplit(address)
    except ValueError:
        return None
    return parts.scheme, parts.netloc
