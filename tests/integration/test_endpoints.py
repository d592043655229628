"""Units of the earlier system are told over real HTTP, each by itself."""

import contextlib
import dataclasses
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from izumi import failpoints
from izumi.clients.addresses import may_call
from izumi.compose import elsewhere
from izumi.consumers.endpoints import Endpoints
from izumi.consumers.endpoints_settings import EndpointsSettings
from izumi.domain import events
from izumi.domain.errors import ConfigError, Held, Rejected, Unavailable
from izumi.domain.events import Answered, Encoded
from izumi.domain.secret import Secret, dec_hook
from tests.support.bus import NOON, acquired, provisioned
from tests.support.gateway import make_key, serving
from tests.support.job import FakeJob

LOOPBACK: dict[str, Any] = {"private": ["127.0.0.0/8", "::1/128"]}


class OldUnit:
    """Answers as `answers` say by path; everything else 200. Keeps what it was told."""

    def __init__(self) -> None:
        self.answers: dict[str, int] = {}
        self.told: list[tuple[str, str | None, bytes]] = []
        self.url = ""

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        self.told.append((request.path, request.headers.get("Authorization"), body))
        if request.path == "/large":
            return web.Response(body=b"x" * (2 << 20))
        status = self.answers.get(request.path, 200)
        location = {"Location": "/stolen"} if status == 302 else {}
        return web.Response(status=status, text="said", headers=location)

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.told]


@pytest.fixture
async def old() -> AsyncIterator[OldUnit]:
    unit = OldUnit()
    server = web.Server(unit)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    unit.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield unit
    await runner.cleanup()


def hook(kind: type, value: Any) -> Any:
    return Path(value) if kind is Path else dec_hook(kind, value)


@contextlib.asynccontextmanager
async def endpoints(*, limit_s: float = 5.0, **table: Any) -> AsyncIterator[Endpoints]:
    settings = msgspec.convert(table, EndpointsSettings, dec_hook=hook)
    async with contextlib.AsyncExitStack() as stack:
        made = elsewhere.endpoints("main", settings, stack=stack)
        yield dataclasses.replace(made, limit_s=limit_s)


def at(url: str, auth: str | None = None) -> dict[str, str]:
    name = {"name": url.rpartition("/")[2], "url": url}
    return name if auth is None else name | {"auth": auth}


async def test_every_one_of_always_is_told_with_the_old_body_and_its_raw_key(old, tmp_path) -> None:
    table: dict[str, Any] = {
        "always": [at(f"{old.url}/notify", "key1"), at(f"{old.url}/encode")],
        **LOOPBACK,
    }
    job = FakeJob(tmp_path)
    async with endpoints(**table) as unit:
        assert await unit(acquired("a.mkv"), job) == []
    told = {path: (key, json.loads(body)) for path, key, body in old.told}
    body = {"show": "Show", "episode": "a.mkv", "filesize": 1000, "sub": "softsub"}
    assert told == {"/notify": ("key1", body), "/encode": (None, body)}
    assert {name: said["status"] for name, said in job.saves[-1]["taken"].items()} == {
        "notify": 200,
        "encode": 200,
    }


async def test_of_a_sequence_the_first_that_takes_it_is_told_alone(old, tmp_path) -> None:
    old.answers = {"/a": 503, "/b": 401}
    line = [at(f"{old.url}/{name}") for name in "abcd"]
    async with endpoints(sequential={"one": line, "two": [at(f"{old.url}/z")]}, **LOOPBACK) as unit:
        assert await unit(acquired(), FakeJob(tmp_path)) == []
    assert sorted(old.paths()) == ["/a", "/b", "/c", "/z"]
    assert [path for path in old.paths() if path != "/z"] == ["/a", "/b", "/c"]


async def test_what_fails_stops_no_other_and_is_alone_in_being_tried_again(old, tmp_path) -> None:
    with socket.socket() as silent, socket.socket() as closed:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        closed.bind(("127.0.0.1", 0))
        old.answers = {"/busy": 500}
        always = [
            at(f"http://127.0.0.1:{silent.getsockname()[1]}/silent"),
            at(f"http://127.0.0.1:{closed.getsockname()[1]}/refused"),
            at(f"{old.url.replace('http', 'https')}/tls"),
            at("http://no.such.host.invalid/lost"),
            at(f"{old.url}/large"),
            at(f"{old.url}/busy", "swordfish"),
            at(f"{old.url}/good"),
        ]
        job = FakeJob(tmp_path, record=tmp_path / "record")
        async with endpoints(limit_s=1.0, always=always, **LOOPBACK) as unit:
            with pytest.raises(Unavailable) as failed:
                await unit(acquired(), job)
            text = str(failed.value)
            for name in ("silent", "refused", "tls", "lost", "large", "busy"):
                assert f"{name}: " in text
            assert "good" not in text
            assert "swordfish" not in text
            assert "127.0.0.1" not in text
            old.told.clear()
            again = FakeJob(tmp_path, record=tmp_path / "record", attempt=2)
            with pytest.raises(Unavailable):
                await unit(acquired(), again)
    assert sorted(set(old.paths())) == ["/busy", "/large"]


async def test_what_will_never_be_taken_is_for_a_person(old, tmp_path) -> None:
    old.answers = {"/gone": 404, "/bad": 400, "/moved": 302}
    job = FakeJob(tmp_path)
    always = [at(f"{old.url}/{name}") for name in ("gone", "good")]
    async with endpoints(
        always=always, sequential={"s": [at(f"{old.url}/bad")]}, **LOOPBACK
    ) as unit:
        with pytest.raises(Held, match="gone: answered 404; bad: answered 400"):
            await unit(acquired(), job)
    async with endpoints(always=[at(f"{old.url}/moved")], **LOOPBACK) as unit:
        with pytest.raises(Unavailable, match="302"):
            await unit(acquired(), job)
    assert "/stolen" not in old.paths()


async def test_facts_that_were_not_asked_for_are_left_alone(old, tmp_path) -> None:
    table: dict[str, Any] = {"always": [at(f"{old.url}/x")], "after": ["encoded"], **LOOPBACK}
    async with endpoints(**table) as unit:
        assert await unit(acquired(), FakeJob(tmp_path)) == []
        with pytest.raises(Rejected):
            await unit(Answered(unit="u", hold="h", answer="approve", at=NOON), FakeJob(tmp_path))
    assert old.told == []


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "localhost", "0.0.0.0"),  # noqa: S104 - as a target
        *("[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::]"),
        *("10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "169.254.169.254", "[fd00::1]"),
        *("[fe80::1]", "224.0.0.1", "255.255.255.255", "[ff02::1]", "[::ffff:10.0.0.1]"),
    ],
)
async def test_no_private_address_is_called_unless_it_was_named(host, old, tmp_path) -> None:
    port = old.url.rpartition(":")[2]
    async with endpoints(always=[at(f"http://{host}:{port}/x")]) as unit:
        with pytest.raises(Unavailable, match="x: "):
            await unit(acquired(), FakeJob(tmp_path))
    assert old.told == []


def test_public_addresses_may_be_called() -> None:
    assert may_call("1.1.1.1", ())
    assert may_call("2606:4700:4700::1111", ())
    assert not may_call("nonsense", ())


async def test_a_gateway_takes_what_endpoints_send(nats_server, tmp_path: Path) -> None:
    """Izumi at both ends, over the old words, and once whatever is repeated."""
    async with provisioned(nats_server) as bus, serving(bus, tmp_path) as port:
        key = make_key(tmp_path, scopes=("submit",))
        origin = acquired("Show - 01.mkv")
        fact = Encoded(
            file=msgspec.structs.replace(origin.file, key="Show/Show - 01.mp4", sub="hardsub"),
            episode=origin.episode,
            sources=(),
            origin=origin.file,
            profile="hardsub",
            at=NOON,
        )
        always = [at(f"http://127.0.0.1:{port}/notify", key)]
        async with endpoints(always=always, **LOOPBACK) as unit:
            for _ in range(2):
                assert await unit(fact, FakeJob(tmp_path)) == []
        (entry,) = await bus.latest("izumi.do.>")
    taken = events.decode_fact(entry.data)
    assert isinstance(taken, Encoded)
    assert taken.file == msgspec.structs.replace(fact.file, sha256=None)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "name at least one"),
        ({"always": [at("ftp://h/x")]}, "no address"),
        ({"always": [at("https:///x")]}, "no address"),
        ({"always": [at("https://u:p@h/x")]}, "no address"),
        ({"always": [at("https://h:99999/x")]}, "no address"),
        ({"always": [at("https://h/x", "a\nb: c")]}, "control characters"),
        ({"always": [at("https://h/x"), at("https://i/x")]}, "twice"),
        ({"always": [{"name": "x"}]}, "`url` or `url_file` of 'x'"),
        ({"always": [at("https://h/x") | {"url_file": "/f"}]}, "`url` or `url_file`"),
        ({"always": [at("https://h/x", "k") | {"auth_file": "/f"}]}, "`auth` or `auth_file`"),
        ({"always": [at("https://h/x")], "private": ["x"]}, "network"),
        ({"always": [at("https://h/x")], "after": []}, "after"),
    ],
)
def test_a_table_that_cannot_work_is_one_error(table, said) -> None:
    with pytest.raises(msgspec.ValidationError, match=said) as failed:
        msgspec.convert(table, EndpointsSettings, dec_hook=hook)
    assert "u:p" not in str(failed.value)


def test_addresses_and_keys_are_not_shown() -> None:
    table = {"always": [at("https://h/swordfish", "swordfish") | {"name": "x"}]}
    settings = msgspec.convert(table, EndpointsSettings, dec_hook=hook)
    assert "swordfish" not in repr(settings)
    assert isinstance(settings.always[0].url, Secret)


async def test_addresses_and_keys_are_read_from_files_of_their_own(old, tmp_path) -> None:
    url, auth = tmp_path / "url", tmp_path / "auth"
    url.write_text(f"{old.url}/notify\n")
    auth.write_text("key1\n")
    table = {"name": "n", "url_file": str(url), "auth_file": str(auth)}
    async with endpoints(always=[table], **LOOPBACK) as unit:
        assert await unit(acquired(), FakeJob(tmp_path)) == []
    assert [(path, key) for path, key, _ in old.told] == [("/notify", "key1")]


@pytest.mark.parametrize(
    ("url", "auth", "said"),
    [
        (None, "key", r"\[endpoints.main\] n: url_file: .*/url cannot be read"),
        ("swordfish", "key", "url_file: .*/url holds no address"),
        ("https://h/swordfish\nhttps://i/x", "key", "alone, on one line"),
        ("https://h/x", None, "auth_file: .*/auth cannot be read"),
        ("https://h/x", "sword\x07fish", "auth_file: .*/auth: a key has no control"),
        ("https://h/x", "", "auth_file: .*/auth must hold the secret alone"),
    ],
)
async def test_a_file_that_holds_none_stops_the_start_and_is_not_shown(
    tmp_path, url, auth, said
) -> None:
    for name, text in (("url", url), ("auth", auth)):
        if text is not None:
            (tmp_path / name).write_text(text)
    table = {"name": "n", "url_file": str(tmp_path / "url"), "auth_file": str(tmp_path / "auth")}
    with pytest.raises(ConfigError, match=said) as failed:
        async with endpoints(always=[table]):
            pass
    assert "fish" not in str(failed.value)


async def test_an_instance_that_dies_before_its_record_tells_once_more(old, tmp_path) -> None:
    """And only those whose answer was not recorded."""
    table: dict[str, Any] = {"sequential": {"s": [at(f"{old.url}/x")]}, **LOOPBACK}
    record = tmp_path / "record"
    async with endpoints(**table) as unit:
        failpoints.arm("endpoints.after_call=raise")
        try:
            with pytest.raises(failpoints.FailpointHit):
                await unit(acquired(), FakeJob(tmp_path, record=record))
        finally:
            failpoints.arm("")
        await unit(acquired(), FakeJob(tmp_path, record=record, attempt=2))
        await unit(acquired(), FakeJob(tmp_path, record=record, attempt=3))
    assert old.paths() == ["/x", "/x"]
