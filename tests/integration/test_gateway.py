"""Requests of the earlier system, over real HTTP onto a real bus."""

import asyncio
import base64
import json
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from izumi.bus.jetstream import JetStreamBus
from izumi.bus.ports import Outgoing
from izumi.consumers.distributor import DistributorSettings
from izumi.domain import events, subjects
from izumi.domain.events import Acquired, Encoded, JobRecord
from izumi.publishers.gateway.guard import HEADERS
from izumi.publishers.gateway.settings import BySubSettings, RouteSettings
from tests.support.bus import NOON, connected, provisioned
from tests.support.gateway import BODY, Client, client, make_key, serving

DATA = Path(os.environ.get("IZUMI_TEST_DATA", "../shared"))


async def orders(bus: JetStreamBus) -> list[str]:
    return [entry.subject for entry in await bus.latest("izumi.do.>")]


async def settle(bus: JetStreamBus, job: str, state: str = "done", *, unit: str = "encoder"):
    record = JobRecord(state=state, owner="w", source=1, at=NOON)  # type: ignore[arg-type]
    await bus.publish(Outgoing(subjects.job(unit, "main", job), events.encode(record)))


ROUTES = {
    "/encode": ("encoder", "normal"),
    "/encode-hp": ("encoder", "high"),
    "/encode-mp": ("encoder", "normal"),
    "/encode-lp": ("encoder", "low"),
    "/distribute": ("distributor", "normal"),
    "/notify": ("notifier", "normal"),
}


async def test_a_request_of_the_earlier_system_becomes_one_order_to_its_unit(
    nats_server, tmp_path
) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as ask:
        for number, (path, (unit, priority)) in enumerate(ROUTES.items()):
            episode = f"5-Toubun no Hanayome - {number:02} [1080p].mkv"
            answer = await ask.post(path, BODY | {"episode": episode})
            assert (answer.status, answer.text) == (200, "Request accepted")
            assert answer.headers["content-type"].startswith("text/plain")
            entry = (await bus.latest("izumi.do.>"))[-1]
            assert entry.subject.startswith(f"izumi.do.{unit}.main.{priority}.")
            fact = events.decode_fact(entry.data)
            assert isinstance(fact, Acquired)
            assert fact.file.key == f"5-Toubun no Hanayome/{episode}"
            assert (fact.file.size, fact.file.sha256, fact.file.sub) == (99999999, None, "softsub")
            assert (fact.episode.number, fact.episode.resolution) == (f"{number:02}", "1080p")


async def test_the_only_group_of_a_unit_gets_its_requests(nats_server, tmp_path) -> None:
    more = {"distributor": {"public": DistributorSettings(destinations=("home",))}}
    async with provisioned(nats_server) as bus, client(bus, tmp_path, more=more) as ask:
        assert (await ask.post("/distribute")).status == 200
        (subject,) = await orders(bus)
    assert subject.startswith("izumi.do.distributor.public.normal.")


async def test_a_route_gives_each_kind_of_file_to_its_own_group(nats_server, tmp_path) -> None:
    routes = {
        "/distribute": RouteSettings(
            unit="distributor",
            group="public",
            by_sub=BySubSettings(hardsub="private"),
            priority="high",
        )
    }
    async with provisioned(nats_server) as bus, client(bus, tmp_path, routes=routes) as ask:
        for sub in ("softsub", "HARDSUB", "none"):
            assert (await ask.post("/distribute", BODY | {"sub": sub})).status == 200
        found = [subject.split(".")[3:5] for subject in await orders(bus)]
    assert found == [["public", "high"], ["private", "high"], ["public", "high"]]


async def test_sizes_come_as_texts_and_subs_in_any_case(nats_server, tmp_path) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as ask:
        sent = BODY | {"filesize": "123", "sub": "HardSub", "episode": "a - 01.mp4"}
        body = json.dumps(sent | {"duration": 7})
        answer = await ask("POST", "/notify", data=body, headers={"Content-Type": "text/plain"})
        assert answer.status == 200
        (entry,) = await bus.latest("izumi.do.>")
    fact = events.decode_fact(entry.data)
    assert isinstance(fact, Encoded)
    assert (fact.file.size, fact.file.sub) == (123, "hardsub")


async def test_an_encoder_looks_among_softsubs_whatever_the_request_calls_it(
    nats_server, tmp_path
) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as ask:
        for sub in ("NONE", "hardsub", "softsub"):
            answer = await ask("POST", "/encode", data=json.dumps(BODY | {"sub": sub}).encode())
            assert (answer.status, answer.text) == (200, "Request accepted")
        (entry,) = await bus.latest("izumi.do.>")
    fact = events.decode_fact(entry.data)
    assert isinstance(fact, Acquired)
    assert fact.file.sub == "softsub"


BAD = [
    b"",
    b"nonsense",
    b"\xff\xfe",
    b"[]",
    b"[" * 60000,
    b'{"a":' * 12000,
    json.dumps({k: v for k, v in BODY.items() if k != "show"}).encode(),
    json.dumps(BODY | {"show": "../../etc"}).encode(),
    json.dumps(BODY | {"show": ".."}).encode(),
    json.dumps(BODY | {"episode": "a/b.mkv"}).encode(),
    json.dumps(BODY | {"episode": "--dry-run"}).encode(),
    json.dumps(BODY | {"episode": ":sftp,host=x:"}).encode(),
    json.dumps(BODY | {"episode": "x" * 300}).encode(),
    json.dumps(BODY | {"episode": "\ud800"}).encode(),
    json.dumps(BODY | {"filesize": -1}).encode(),
    json.dumps(BODY | {"filesize": "1e9"}).encode(),
    json.dumps(BODY | {"filesize": 1e400}).encode(),
    json.dumps(BODY | {"filesize": True}).encode(),
    json.dumps(BODY | {"filesize": 10**30}).encode(),
    json.dumps(BODY | {"sub": "dub"}).encode(),
]


async def test_what_cannot_be_worked_on_is_an_error_in_the_old_words(nats_server, tmp_path) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as ask:
        for body in BAD:
            answer = await ask("POST", "/encode", data=body)
            assert (answer.status, answer.text) == (400, "Error with request"), body[:80]
        assert await orders(bus) == []


async def test_nobody_gets_in_without_a_key_that_is_known(nats_server, tmp_path) -> None:
    async with provisioned(nats_server) as bus, serving(bus, tmp_path) as port:
        key = make_key(tmp_path, scopes=("read",))
        for wrong in (None, "", "x", key[:-1], f"{key}x", "k\u00e9", "Basic !", "Bearer ", key):
            answer = await Client(port, wrong).post("/encode")
            assert (answer.status, answer.text) == (401, "Unauthorized request"), wrong
        assert await orders(bus) == []


async def test_a_key_comes_raw_or_twice_or_as_other_clients_send_it(nats_server, tmp_path) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as ask:
        basic = f"Basic {base64.b64encode(f'sonarr:{ask.key}'.encode()).decode()}"
        for key in (ask.key, f"Bearer {ask.key}", basic):
            assert (await Client(ask.port, key).post("/encode")).status == 200
        twice = b"POST /encode HTTP/1.1\r\nHost: x\r\nAuthorization: %b\r\nauthorization: %b\r\n"
        assert ask.key is not None
        own = ask.key.encode()
        for second, status in ((own, b"200"), (b"other", b"401")):
            body = json.dumps(BODY).encode()
            head = twice % (own, second) + b"Content-Length: %d\r\n\r\n" % len(body)
            assert (await raw(ask.port, head + body)).split()[1] == status


async def test_keys_made_and_revoked_count_at_once(nats_server, tmp_path) -> None:
    from izumi.publishers.gateway import keys

    async with provisioned(nats_server) as bus, serving(bus, tmp_path) as port:
        key = make_key(tmp_path, "later")
        assert (await Client(port, key).post("/encode")).status == 200
        keys.revoke(keys.path_of(tmp_path), "later")
        assert (await Client(port, key).post("/encode")).status == 401


@pytest.mark.parametrize(
    "text", ["one: key1\ntwo: '0123'\n", '{"one": "key1", "two": "0123"}', "two: 0123\none: key1"]
)
async def test_the_keys_of_the_earlier_system_are_read_as_they_are_and_again(
    text, nats_server, tmp_path
) -> None:
    old = tmp_path / "auth.yml"
    old.write_text(text)
    async with provisioned(nats_server) as bus, serving(bus, tmp_path, old_keys=old) as port:
        for key, status in (("key1", 200), ("0123", 200), ("key2", 401)):
            assert (await Client(port, key).post("/encode")).status == status
        old.write_text(text.replace("key1", "key2"))
        for key, status in (("key2", 200), ("key1", 401)):
            assert (await Client(port, key).post("/encode")).status == status
        old.write_text("half: [")
        assert (await Client(port, "key2").post("/encode")).status == 200


async def test_an_open_gateway_takes_work_with_any_key_and_with_none(nats_server, tmp_path) -> None:
    async with provisioned(nats_server) as bus, serving(bus, tmp_path, open=True) as port:
        for key in (None, "whatever"):
            assert (await Client(port, key).post("/encode")).status == 200


async def test_an_address_that_guesses_keys_has_to_wait(nats_server, tmp_path) -> None:
    async with (
        provisioned(nats_server) as bus,
        client(bus, tmp_path, failures_per_minute=3, trusted_proxies=("127.0.0.1",)) as ask,
    ):
        guesser = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
        for status in (401, 401, 401, 429, 429):
            answer = await Client(ask.port, "guess").post("/encode", headers=guesser)
            assert answer.status == status
        assert 0 < int(answer.headers["retry-after"]) <= 61
        assert (await ask.post("/encode", headers=guesser)).status == 429
        assert (await ask.post("/encode", headers={"X-Forwarded-For": "203.0.113.9"})).status == 200


async def test_a_request_sent_again_is_one_job_until_it_is_long_done(nats_server, tmp_path) -> None:
    async with (
        provisioned(nats_server) as bus,
        client(bus, tmp_path, again_s=3600.0) as ask,
    ):
        await asyncio.gather(*(ask.post("/encode") for _ in range(8)))
        (first,) = await orders(bus)
        await settle(bus, subjects.job_id(first), "claimed")
        await ask.post("/encode")
        assert await orders(bus) == [first]
        # At noon of a day long ago.
        await settle(bus, subjects.job_id(first))
        await asyncio.gather(*(ask.post("/encode") for _ in range(8)))
        assert len(await orders(bus)) == 2
        await ask.post("/encode-hp")
        assert len({subjects.job_id(subject) for subject in await orders(bus)}) == 2


async def test_a_wish_of_old_is_a_new_one_at_any_priority(nats_server, tmp_path) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as ask:
        await ask.post("/encode-lp")
        (first,) = await orders(bus)
        await settle(bus, subjects.job_id(first))
        assert (await ask.post("/encode-hp")).status == 200
        _, second = await orders(bus)
        assert subjects.job_id(second) != subjects.job_id(first)


async def test_a_gateway_without_its_bus_says_when_to_come_back(nats_server, tmp_path) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path, store_s=0.5) as ask:
        nats_server.freeze()
        answer = await ask.post("/encode")
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0
        nats_server.thaw()
        async with asyncio.timeout(60):
            while (await ask.post("/encode")).status != 200:
                await asyncio.sleep(0.1)
        assert len(await orders(bus)) == 1


async def raw(port: int, sent: bytes, *, eof: bool = False) -> bytes:
    """What comes back on a connection of its own until it is closed, or an answer is whole."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        if eof:
            writer.write_eof()
        head = await reader.readuntil(b"\r\n\r\n")
        length = [
            line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        ]
        if length:
            return head + await reader.readexactly(int(length[0].split(b":")[1]))
        return head + await reader.read()
    except (asyncio.IncompleteReadError, ConnectionError) as exc:
        return getattr(exc, "partial", b"")
    finally:
        writer.close()


HOSTILE = [
    b"nonsense\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST /encode HTTP/1.1\r\n\r\n",
    b"POST /encode HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /encode HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nContent-Length: 8\r\n\r\n{}",
    b"POST /encode HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n",
    b"POST /encode HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\nContent-Length: 2\r\n\r\n{}",
    b"PUT / HTTP/1.1\r\nHost:\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    b"POST /encode HTTP/1.1\r\nHost: x\r\nContent-Length: 11000000\r\n\r\n",
    b"POST /encode HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70000 + b"\r\n\r\n",
    b"GET /encode HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%ff%00/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /encode HTTP/1.1\r\nHost: x\r\nAuthorization: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}",
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
]


async def test_what_hostile_clients_send_is_refused_with_headers_on_every_answer(
    nats_server, tmp_path
) -> None:
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as ask:
        for sent in HOSTILE:
            answer = (await raw(ask.port, sent)).lower()
            status = answer.split(b" ")[1]
            assert status[:1] == b"4" or (status, sent[:7]) == (b"204", b"OPTIONS"), (sent, answer)
            for name, value in HEADERS:
                assert b"%b: %b" % (name, value.lower()) in answer, (sent, name)
        large = await ask("POST", "/encode", data=b"x" * 70000)
        assert large.status == 413
        chunked = b"POST /encode HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunks = chunked + (b"2000\r\n" + b"x" * 0x2000 + b"\r\n") * 12
        assert b" 413 " in await raw(ask.port, chunks)
        assert (await ask.post("/encode")).status == 200


@settings(
    max_examples=300,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each try is a connection
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from([b"POST /encode HTTP/1.1\r\n", b"Host: x\r\n", b"\r\n", b"0\r\n\r\n"]),
            st.sampled_from([b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n"]),
            st.sampled_from([b"Authorization: x\r\n", b"{}", b'5\r\n{"a":\r\n', b"Expect: 100"]),
        ),
        max_size=8,
    )
)
def test_no_bytes_make_it_fail(hostile_port, pieces) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", hostile_port), 30) as connection:
        connection.sendall(b"".join(pieces))
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while True:
            try:
                got = connection.recv(65536)
            except ConnectionResetError:
                break
            if not got:
                break
            answer += got
    assert not answer or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 100"))


@pytest.fixture
def hostile_port(nats_server, tmp_path):
    """A gateway in a thread of its own: what asks it is synchronous."""
    import threading

    ready = threading.Event()
    found: dict[str, object] = {}

    async def serve() -> None:
        async with provisioned(nats_server) as bus, serving(bus, tmp_path) as port:
            found["port"], found["loop"] = port, asyncio.get_running_loop()
            found["stop"] = stop = asyncio.Event()
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(60)
    try:
        yield found["port"]
    finally:
        found["loop"].call_soon_threadsafe(found["stop"].set)  # type: ignore[attr-defined]
        thread.join(60)


async def test_two_hundred_slow_clients_neither_stop_a_good_one_nor_stay(
    nats_server, tmp_path
) -> None:
    async with (
        provisioned(nats_server) as bus,
        client(bus, tmp_path, header_s=1.0, body_s=1.0) as ask,
    ):
        slow = [await asyncio.open_connection("127.0.0.1", ask.port) for _ in range(200)]
        for number, (_, writer) in enumerate(slow):
            head = b"POST /encode HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"
            writer.write(head if number % 2 else head[:30])
        for _ in range(5):
            assert (await ask.post("/encode")).status == 200
        ends = await asyncio.gather(*(end(reader) for reader, _ in slow))
        for _, writer in slow:
            writer.close()
    assert set(ends) == {b"", b"HTTP/1.1 408"}


async def end(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await reader.read())[:12]
    except ConnectionError:
        return b""


async def test_of_too_many_connections_the_longest_silent_goes(nats_server, tmp_path) -> None:
    async with (
        provisioned(nats_server) as bus,
        client(bus, tmp_path, header_s=600.0, most_connections=20) as ask,
    ):
        slow = [await asyncio.open_connection("127.0.0.1", ask.port) for _ in range(20)]
        assert (await ask.post("/encode")).status == 200
        assert await end(slow[0][0]) == b""
        slow[-1][1].write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert await end(slow[-1][0]) == b"HTTP/1.1 404"
        for _, writer in slow:
            writer.close()


async def test_an_order_written_by_hand_is_the_same_message(nats_server, tmp_path) -> None:
    """As docs/gateway.md shows it for `nats pub`."""
    text = (Path(__file__).parents[2] / "docs/gateway.md").read_text("utf-8")
    shown = text.split("nats pub izumi.do.encoder.main.normal.", 1)[1]
    data = shown.split("'", 2)[1].encode()
    fact = events.decode_fact(data)
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as ask:
        await ask.post("/encode")
        (entry,) = await bus.latest("izumi.do.>")
    ours = events.decode_fact(entry.data)
    assert isinstance(fact, Acquired)
    assert isinstance(ours, Acquired)
    assert msgspec.structs.replace(ours, at=fact.at, host="", release="") == fact


async def test_another_connection_sees_what_was_accepted(nats_server, tmp_path) -> None:
    """Accepted means stored: nothing waits in the process."""
    async with provisioned(nats_server) as bus, client(bus, tmp_path) as ask:
        assert (await ask.post("/distribute")).status == 200
        nats_server.kill()
        nats_server.start()
        async with connected(nats_server.url) as other:
            assert len(await orders(other)) == 1
