"""A Discord that takes webhooks' messages, on loopback, and refuses what the real one would.

Every body is checked against the published OpenAPI document (where it is there), and
against what that document leaves out: empty messages, blank texts, unknown keys, 6000
characters in all. Answers can be written beforehand, for each webhook.
"""

import asyncio
import contextlib
import json
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from aiohttp import web

from izumi.domain.secret import Secret
from tests.support.published import document, is_there
from tests.support.schema import problems

CANARY = "canary-Tok3n_of-the_webhook"
_SPEC = "discord/openapi.json"
LIMITS = {"title": 256, "description": 4096, "footer": 2048, "author": 256}


class Answer(NamedTuple):
    """What the next request gets. `after_s` comes before it; `drop`: no answer at all.

    `carried_out`: the message is there all the same.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = MappingProxyType({})
    after_s: float = 0.0
    drop: bool = False
    carried_out: bool = False


class Received(NamedTuple):
    """One request."""

    method: str
    webhook: str
    message: str | None
    body: Any
    at: float


def limited(seconds: float, scope: str = "user") -> Answer:
    """429 as https://discord.com/developers/docs/topics/rate-limits shows it."""
    body = {
        "message": "You are being rate limited.",
        "retry_after": seconds,
        "global": scope == "global",
    }
    headers = {"Retry-After": str(int(seconds) + 1), "X-RateLimit-Scope": scope}
    if scope == "global":
        headers["X-RateLimit-Global"] = "true"
    return Answer(429, body, headers)


def cloudflare(status: int, **headers: str) -> Answer:
    """A page in place of JSON, as it comes from in front of Discord."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, "<!doctype html><title>error code: 1015</title>", names)


def error(status: int, code: int, message: str, **more: Any) -> Answer:
    """Discord's own error."""
    return Answer(status, {"message": message, "code": code, **more})


def exhausted(seconds: float) -> Answer:
    """A success after which the bucket is empty."""
    return Answer(
        200, None, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": str(seconds)}
    )


UNKNOWN_WEBHOOK = error(404, 10015, "Unknown Webhook")
UNKNOWN_MESSAGE = error(404, 10008, "Unknown Message")


@dataclass
class FakeDiscord:
    """The service and what it saw.

    Attributes:
        received: Every request.
        messages: What people see: message id -> last body.
        refused: Why bodies were refused; a test that sends only good ones finds it empty.
        script: Answers for the next requests of each webhook.
        clock: By which requests are dated.
        busy: Set once a request has come.
    """

    address: str = ""
    clock: Callable[[], float] = time.monotonic
    received: list[Received] = field(default_factory=list)
    messages: dict[str, Any] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    script: dict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))
    busy: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, webhook: str = "1") -> Secret:
        return Secret(f"http://{self.address}/api/webhooks/{webhook}/{CANARY}")

    def posts(self, webhook: str) -> list[Received]:
        return [one for one in self.received if one.webhook == webhook and one.method == "POST"]

    def requests_by_webhook(self) -> Counter[str]:
        return Counter(one.webhook for one in self.received)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        webhook, message = request.match_info["webhook"], request.match_info.get("message")
        body = json.loads(await request.read())
        self.received.append(Received(request.method, webhook, message, body, self.clock()))
        self.busy.set()
        answer = self.script[webhook].popleft() if self.script[webhook] else Answer(200)
        await asyncio.sleep(answer.after_s)
        if request.match_info["token"] != CANARY:
            answer = error(401, 50027, "Invalid Webhook Token")
        elif answer.status == 200 or answer.carried_out:
            answer = self._carry_out(request, message, body, answer)
        if answer.drop:
            assert request.transport is not None
            request.transport.abort()
        return response_of(answer)

    def _carry_out(
        self, request: web.Request, message: str | None, body: Any, answer: Answer
    ) -> Answer:
        wrong = body_problems(body)
        if request.method == "POST" and request.query.get("wait") != "true":
            wrong.append("without wait=true nobody learns the id")
        if wrong:
            self.refused.extend(wrong)
            return error(400, 50035, "Invalid Form Body", errors={"embeds": wrong})
        if message is not None and message not in self.messages:
            return UNKNOWN_MESSAGE
        message = message or str(10**17 + len(self.messages))
        self.messages[message] = body
        if answer.status != 200:
            return answer
        headers = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "4", **answer.headers}
        return answer._replace(body={"id": message, "channel_id": "5", **body}, headers=headers)


def response_of(answer: Answer) -> web.Response:
    """An answer as aiohttp sends it: text is a page, everything else JSON."""
    if isinstance(answer.body, str):
        return web.Response(
            status=answer.status,
            text=answer.body,
            content_type="text/html",
            headers=answer.headers,
        )
    return web.Response(
        status=answer.status,
        body=json.dumps(answer.body).encode(),
        headers={"Content-Type": "application/json", **answer.headers},
    )


def body_problems(body: Any) -> list[str]:
    """Why Discord would not take this message, or would ping someone with it."""
    wrong = []
    if is_there(_SPEC):
        spec = document(_SPEC)
        wrong += problems(
            body, spec["components"]["schemas"]["IncomingWebhookRequestPartial"], spec
        )
    if body.get("allowed_mentions") != {"parse": []}:
        wrong.append("someone may be pinged")
    embeds = body.get("embeds") or []
    if not embeds and not body.get("content"):
        wrong.append("50006: an empty message")
    if sum(map(embed_length, embeds)) > 6000:
        wrong.append("the embeds have more than 6000 characters")
    for embed in embeds:
        wrong += _embed_problems(embed)
    return wrong


def _embed_problems(embed: Any) -> list[str]:
    wrong = [
        f"{name} has {length(text)} characters"
        for name, text in _texts(embed)
        if length(text) > LIMITS.get(name, 1024)
    ]
    wrong += [f"{name} is blank" for name, text in _texts(embed) if not text.strip()]
    wrong += [f"field name: {f['name']}" for f in embed.get("fields", []) if len(f["name"]) > 256]
    if len(embed.get("fields", [])) > 25:
        wrong.append("more than 25 fields")
    if any(None in part.values() for part in embed.values() if isinstance(part, dict)):
        wrong.append("a null inside an embed")
    return wrong


def embed_length(embed: Any) -> int:
    """Characters of all texts, trimmed as Discord counts them."""
    return sum(length(text) for _, text in _texts(embed))


def length(text: str) -> int:
    """In UTF-16 units: no way of counting gives more."""
    return len(text.strip().encode("utf-16-le")) // 2


def _texts(embed: Any) -> list[tuple[str, str]]:
    texts = [(name, embed[name]) for name in ("title", "description") if name in embed]
    texts += [("footer", embed["footer"]["text"])] if "footer" in embed else []
    texts += [("author", embed["author"]["name"])] if "author" in embed else []
    for one in embed.get("fields", []):
        texts += [("field name", one["name"]), ("field value", one["value"])]
    return texts


@contextlib.asynccontextmanager
async def fake_discord(clock: Callable[[], float] = time.monotonic) -> AsyncIterator[FakeDiscord]:
    """A running one."""
    discord = FakeDiscord(clock=clock)
    app = web.Application()
    app.router.add_post("/api/webhooks/{webhook}/{token}", discord.handle)
    app.router.add_patch("/api/webhooks/{webhook}/{token}/messages/{message}", discord.handle)
    async with serving(app) as discord.address:
        yield discord


@contextlib.asynccontextmanager
async def serving(app: web.Application, port: int = 0) -> AsyncIterator[str]:
    """An application on loopback, on a free port unless one is given; its `host:port`."""
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()
