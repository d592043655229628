"""Who may come in: keys, addresses, and the commands that make keys."""

import datetime as dt
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from izumi.commands.keys import keys_add, keys_list, keys_revoke, span
from izumi.domain.errors import ConfigError, UserError
from izumi.publishers.gateway import keys
from izumi.publishers.gateway.access import (
    Access,
    Failures,
    KeyRing,
    Refused,
    Seen,
    address_of,
    candidates,
)
from izumi.publishers.gateway.settings import GatewaySettings

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "izumi.toml"
    path.write_text(f'state = "{tmp_path}/state"\n[gateway]\nold_keys = "auth.yml"\n')
    (tmp_path / "auth.yml").write_text("aqua: secret-of-old\n")
    yield path
    structlog.reset_defaults()


def test_a_key_is_shown_once_listed_without_itself_and_revoked(config, capsys) -> None:
    keys_add("son", scope=("acquire", "read"), expires="90d", config=config)
    key = capsys.readouterr().out.strip()
    assert len(key) == 43
    kept = config.parent / "state/gateway/keys.json"
    assert key not in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    keys_list(json=True, config=config)
    out = capsys.readouterr().out
    son, old = map(json.loads, out.splitlines())
    assert (son["name"], son["scopes"], son["state"]) == ("son", "acquire, read", "good")
    assert (old["name"], old["scopes"]) == ("old:aqua", "submit")
    assert key not in out
    assert "secret-of-old" not in out
    with pytest.raises(UserError, match="revoke it first"):
        keys_add("son", config=config)
    keys_revoke("son", config=config)
    for name, reason in (("son", "no key is called"), ("old:aqua", "take its line out")):
        with pytest.raises(UserError, match=reason):
            keys_revoke(name, config=config)
    assert keys.load(kept) == ()


def test_a_span_is_a_number_and_its_unit() -> None:
    assert span("12h") == dt.timedelta(hours=12)
    assert span("4w") == dt.timedelta(weeks=4)
    for wrong in ("", "d", "0d", "-1d", "1.5d", "90", "90 d", "999999d"):
        with pytest.raises(UserError, match="90d"):
            span(wrong)


def test_names_that_cannot_be_told_are_refused(tmp_path) -> None:
    for name in ("", "a b", "\x1b[31m", "x" * 65, "-x", "old:x"):
        with pytest.raises(UserError):
            keys.add(tmp_path / "k.json", name, ("read",), now=NOON)


def ring(tmp_path: Path) -> tuple[KeyRing, str]:
    path = tmp_path / "keys.json"
    tomorrow = NOON + dt.timedelta(days=1)
    key = keys.add(path, "son", ("acquire",), now=NOON, expires=tomorrow)
    keys.add(path, "other", ("submit",), now=NOON)
    return KeyRing(path), key


def test_who_asks_while_new_keys_are_read_is_judged_by_them(tmp_path, monkeypatch) -> None:
    path = tmp_path / "keys.json"
    keys.add(path, "son", ("acquire",), now=NOON)
    load, slowly = keys.load, iter((False, False, True))  # the ring, `add`, the first to ask
    reading, go_on = threading.Event(), threading.Event()

    def slow(path: Path) -> tuple[keys.Key, ...]:
        if next(slowly, False):
            reading.set()
            assert go_on.wait(30)
        return load(path)

    monkeypatch.setattr(keys, "load", slow)
    known = KeyRing(path)
    keys.add(path, "other", ("submit",), now=NOON)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: known.keys)
        assert reading.wait(30)
        found = known.keys
        go_on.set()
        assert [key.name for key in found] == ["son", "other"]
        assert first.result() == found


def status(access: Access, *presented: bytes, scope: keys.Scope = "acquire") -> int:
    try:
        access.admit(presented, "192.0.2.1", scope)
    except Refused as exc:
        return exc.status
    return 200


def test_a_key_counts_for_its_scopes_until_it_expires(tmp_path) -> None:
    known, key = ring(tmp_path)
    now = [NOON]
    access = Access(known, Failures(99, lambda: 0.0), is_open=False, now=lambda: now[0])
    assert status(access, key.encode()) == 200
    assert status(access, key.encode(), key.encode()) == 200
    assert status(access, key.encode(), b"x") == 401
    assert status(access, key.encode(), scope="submit") == 403
    assert status(access) == 401
    now[0] += dt.timedelta(days=1)
    assert status(access, key.encode()) == 401


def test_an_open_gateway_opens_submission_alone(tmp_path) -> None:
    known, key = ring(tmp_path)
    access = Access(known, Failures(99, lambda: 0.0), is_open=True, now=lambda: NOON)
    assert status(access, scope="submit") == status(access, b"x", scope="submit") == 200
    assert status(access, scope="read") == status(access, b"x", scope="acquire") == 401
    assert status(access, key.encode()) == 200


@given(st.lists(st.binary(max_size=200), max_size=3))
def test_no_header_makes_the_comparison_fail(presented) -> None:
    known = [
        keys.Key(name="a", sha256="0" * 64, scopes=("read",), made=NOON),
        keys.Key(name="b", sha256="\u00e9", scopes=("read",), made=NOON),
    ]
    assert keys.find(known, candidates(presented), NOON) is None


def test_guesses_are_counted_by_address_for_a_minute_and_in_bounded_memory() -> None:
    time = [0.0]
    failures = Failures(2, lambda: time[0])
    for _ in range(2):
        assert failures.wait_s("2001:db8::1") == 0
        failures.failed("2001:db8::1")
    assert failures.wait_s("2001:db8::2") == 60, "a neighbour in the same network"
    assert failures.wait_s("2001:db8:0:1::1") == 0
    failures.failed("::ffff:192.0.2.1")
    failures.failed("192.0.2.1")
    assert failures.wait_s("192.0.2.1") == 60
    time[0] = 61.0
    assert failures.wait_s("192.0.2.1") == failures.wait_s("2001:db8::2") == 0
    for number in range(20_000):
        failures.failed(f"10.0.{number // 250}.{number % 250}")
    assert len(failures._seen) == 10_000


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.5", ["198.51.100.1"], "203.0.113.5"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["1.1.1.1", "198.51.100.1, 10.0.0.7"], "198.51.100.1"),
        ("::ffff:127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["nonsense"], "127.0.0.1"),
        ("127.0.0.1", ["", ","], "127.0.0.1"),
    ],
)
def test_only_trusted_proxies_vouch_for_an_address(peer, forwarded, address) -> None:
    trusted = GatewaySettings(trusted_proxies=("127.0.0.1", "10.0.0.0/8")).networks()
    assert address_of(Seen(peer, forwarded), trusted) == address


@pytest.mark.parametrize(
    "text",
    ["[", "- a", "a: [b]", "a: {b: c}", "a: ''", "a: null", "\x00", "[" * 100_000, "a: &x [*x]"],
)
def test_a_file_of_old_keys_that_is_none_is_one_error_without_a_key_in_it(text, tmp_path) -> None:
    path = tmp_path / "auth.yml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"auth\.yml"):
        KeyRing(tmp_path / "keys.json", path)


def test_yaml_tags_make_nothing_but_text(tmp_path) -> None:
    path = tmp_path / "auth.yml"
    path.write_text('a: !!python/object/apply:os.system ["touch x"]\n')
    with pytest.raises(ConfigError):
        keys.load_old(path)
    path.write_text("a: !!python/name:os.system x\nb: 007\nc: yes\n")
    assert [key.name for key in keys.load_old(path)] == ["old:a", "old:b", "old:c"]
    assert not (tmp_path / "x").exists()


def test_an_empty_file_of_old_keys_lets_nobody_in(tmp_path) -> None:
    path = tmp_path / "auth.yml"
    path.write_text("")
    assert keys.load_old(path) == ()


def test_a_broken_file_of_keys_is_told_and_never_taken_for_none(tmp_path) -> None:
    path = tmp_path / "keys.json"
    path.write_text('{"version": 2}')
    with pytest.raises(ConfigError, match="no file of keys"):
        keys.load(path)
