"""Requests as bytes on a connection: sent together, without an end, for other protocols."""

import asyncio
import contextlib
import http.client
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.bus import provisioned
from tests.support.gateway import BODY, Client, client
from tests.support.nats import NatsServer


@pytest.fixture
async def ask(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[Client]:
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as found:
        yield found


async def said(ask: Client, sent: bytes, until: bytes = b"") -> bytes:
    """What comes back until the gateway closes, or has said something."""
    reader, writer = await asyncio.open_connection("127.0.0.1", ask.port)
    answer = b""
    try:
        async with asyncio.timeout(60):
            writer.write(sent)
            # Of who sends far too much, the connection may be cut.
            with contextlib.suppress(ConnectionError):
                while not (until and until in answer):
                    if not (got := await reader.read(65536)):
                        break
                    answer += got
    finally:
        writer.close()
    return answer


def request(ask: Client, number: int = 1, *, more: bytes = b"", version: bytes = b"1.1") -> bytes:
    body = json.dumps(BODY | {"episode": f"a - {number:02}.mkv"}).encode()
    assert ask.key is not None
    return (
        b"POST /encode HTTP/%b\r\nHost: x\r\nAuthorization: %b\r\n%bContent-Length: %d\r\n\r\n%b"
        % (version, ask.key.encode(), more, len(body), body)
    )


def statuses(answer: bytes) -> list[bytes]:
    return [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]


LAST = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def test_requests_sent_together_are_answered_in_their_order(ask: Client) -> None:
    answer = await said(ask, b"\r\n" + request(ask) + request(ask, 2) + LAST)
    assert statuses(answer) == [b"200", b"200", b"404"]


async def test_what_came_whole_is_answered_whatever_comes_behind(ask: Client) -> None:
    for behind in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03"):
        answer = await said(ask, request(ask) + request(ask, 2) + behind)
        assert statuses(answer) == [b"200", b"200"], behind


async def test_nothing_behind_a_last_request_is_a_request(ask: Client) -> None:
    answer = await said(ask, request(ask, more=b"Connection: close\r\n") + request(ask, 2))
    assert statuses(answer) == [b"200"]


async def test_thousands_sent_together_are_not_kept(ask: Client) -> None:
    answer = await said(ask, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 5000)
    assert 1 <= len(statuses(answer)) < 50


ENDLESS = [
    b"POST /encode HTTP/1.1\r\nHost: x\r\nContent-Length: 11000000\r\n\r\n" + b"x" * 11000000,
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 5_000_000,
    b"GET /" + b"a" * 5_000_000,
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 500_000,
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;" + b"a" * 5_000_000,
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    + b"a: b\r\n" * 500_000,
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 60_000,
]


async def test_who_sends_without_an_end_gets_to_read_why_not(ask: Client) -> None:
    for sent in ENDLESS:
        answer = await said(ask, sent)
        assert statuses(answer) in ([b"400"], [b"413"]), sent[:90]
        assert b"content-security-policy" in answer, sent[:90]


async def test_who_sends_everything_before_reading_sees_the_refusal_too(ask: Client) -> None:
    def status() -> int:
        connection = http.client.HTTPConnection("127.0.0.1", ask.port, timeout=60)
        with contextlib.closing(connection):
            connection.request("POST", "/encode", b"x" * 11_000_000)
            return connection.getresponse().status

    assert await asyncio.to_thread(status) == 413


async def test_a_crowd_of_large_requests_keeps_no_small_one_out(ask: Client) -> None:
    large = b"POST /encode HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n" + b"x" * 65000
    crowd = [await asyncio.open_connection("127.0.0.1", ask.port) for _ in range(160)]
    for _, writer in crowd:
        writer.write(large)
    refused = [asyncio.create_task(reader.readuntil(b"\r\n\r\n")) for reader, _ in crowd]
    first, _ = await asyncio.wait(refused, return_when=asyncio.FIRST_COMPLETED, timeout=60)
    assert all(b" 429 " in one.result() and b"retry-after: " in one.result() for one in first)
    assert (await ask.post("/encode")).status == 200
    for _, writer in crowd:
        writer.close()
    await asyncio.gather(*refused, return_exceptions=True)
    # Nothing is left of them, once the gateway saw them go.
    async with asyncio.timeout(60):
        while b" 401 " not in await said(ask, large + b"x" * 536, b"\r\n\r\n"):
            await asyncio.sleep(0.05)  # between looks


async def test_bodies_sent_before_an_answer_are_not_kept(ask: Client) -> None:
    answer = await said(
        ask,
        request(ask, more=b"X: 1\r\n")
        + 20
        * (b"POST /encode HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60000),
    )
    assert len(statuses(answer)) < 5


async def test_who_asks_for_another_protocol_as_well_is_answered_in_this_one(ask: Client) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"
    sent = request(ask, more=upgrade)
    assert statuses(await said(ask, sent + request(ask, 2) + LAST)) == [b"200", b"200", b"404"]
    socket = b"GET /encode HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert statuses(await said(ask, socket + LAST)) == [b"405", b"404"]


async def test_old_clients_are_answered_and_told_of_the_end(ask: Client) -> None:
    answer = await said(ask, request(ask, version=b"1.0"))
    assert statuses(answer) == [b"200"]
    assert b"connection: close" in answer


AMBIGUOUS = [
    b"GET / HTTP/1.1\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n",
    b"GET / HTTP/2.0\r\nHost: x\r\n",
    b"PRI * HTTP/2.0\r\n",
    b"GET /a b HTTP/1.1\r\nHost: x\r\n",
    b"GET / HTTP/1.1\r\nHost : x\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n",
    b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n",
]


async def test_what_proxies_and_servers_could_read_differently_is_refused(ask: Client) -> None:
    for head in AMBIGUOUS:
        answer = await said(ask, head + b"\r\n" + request(ask))
        assert statuses(answer) == [b"400"], head


async def test_a_body_in_pieces_is_one_request(ask: Client) -> None:
    assert ask.key is not None
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in json.dumps(BODY).encode())
    head = (
        b"POST /encode/ HTTP/1.1\r\nHost: x\r\nAuthorization: %b\r\nExpect: 100-continue\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" % ask.key.encode()
    )
    answer = await said(ask, head + pieces + b"0\r\n\r\n" + LAST)
    assert statuses(answer) == [b"100", b"200", b"404"]


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/health", b"200"), ("/v1/jobs/encoder/main/none", b"404")]
)
async def test_head_is_answered_as_get_is_without_the_body(
    ask: Client, path: str, status: bytes
) -> None:
    def asked(method: str) -> bytes:
        return f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {ask.key}\r\n\r\n".encode()

    answers = [await said(ask, asked(method) + LAST) for method in ("HEAD", "GET")]
    assert [statuses(answer) for answer in answers] == [[status, b"404"]] * 2
    (head, rest), (whole, more) = (answer.split(b"\r\n\r\n", 1) for answer in answers)
    assert head.lower() == whole.lower()
    assert rest.startswith(b"HTTP/1.1 404 ")
    assert not more.startswith(b"HTTP/1.1")


async def test_head_of_a_stream_ends_and_keeps_no_place_in_it(ask: Client) -> None:
    head = f"HEAD /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: {ask.key}\r\n\r\n".encode()
    assert statuses(await said(ask, head + LAST)) == [b"200", b"404"]
    for _ in range(60):
        answer = await ask("HEAD", "/v1/events")
        assert (answer.status, answer.text) == (200, "")
    assert (await Client(ask.port, None)("HEAD", "/v1/jobs")).status == 401
