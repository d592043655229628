"""Small readings of what comes over the wire."""

import asyncio
import inspect

import nats.errors
import nats.js.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.bus.client import translate, translated
from izumi.bus.deadletters import Notice, letter_of
from izumi.bus.delivery import parse_ack
from izumi.bus.letters import replay_of
from izumi.bus.memory_queue import matches
from izumi.bus.ports import Stored
from izumi.bus.pull import verdict
from izumi.domain.errors import BusUnavailable, IzumiError, Rejected, UserError
from izumi.domain.subjects import token

FOREIGN = sorted(
    {
        error
        for module in (nats.errors, nats.js.errors)
        for _, error in inspect.getmembers(module, inspect.isclass)
        if issubclass(error, BaseException)
    },
    key=lambda error: f"{error.__module__}.{error.__name__}",
)


def made(error: type[BaseException]) -> BaseException:
    """An instance, whatever its constructor wants."""
    kind = type(error.__name__, (error,), {"__str__": lambda _self: "it went wrong"})
    exc: BaseException = kind.__new__(kind)  # type: ignore[call-overload]  # kind is an error
    return exc


@pytest.mark.parametrize("error", FOREIGN, ids=lambda error: error.__name__)
def test_no_error_of_nats_gets_out(error: type[BaseException]):
    with pytest.raises(IzumiError) as caught, translated():
        raise made(error)
    assert isinstance(caught.value.__cause__, error)


@pytest.mark.parametrize("error", [OSError(5, "gone"), TimeoutError(), ConnectionResetError()])
def test_no_error_of_the_net_gets_out(error: Exception):
    with pytest.raises(BusUnavailable), translated():
        raise error


def test_cancelling_is_no_error_of_the_bus():
    with pytest.raises(asyncio.CancelledError), translated():
        raise asyncio.CancelledError


def test_what_can_never_work_is_told_apart():
    assert isinstance(translate(nats.errors.MaxPayloadError()), Rejected)
    assert isinstance(translate(nats.errors.BadSubjectError()), Rejected)
    assert isinstance(translate(nats.errors.AuthorizationError()), UserError)


def test_an_ack_subject_of_today_is_read():
    ack = parse_ack("$JS.ACK.IZUMI.encoder_main_high.3.17.9.1795545137433702061.5")
    assert ack == ("encoder_main_high", 3, 17)


def test_an_ack_subject_of_tomorrow_is_read():
    ack = parse_ack("$JS.ACK.hub.acc.IZUMI.encoder_main_high.3.17.9.1795545137433702061.5.rnd")
    assert ack == ("encoder_main_high", 3, 17)


@given(st.text(max_size=40))
def test_anything_else_is_no_ack_subject(text: str):
    with pytest.raises(ValueError, match="not an ack"):
        parse_ack(text)


@pytest.mark.parametrize(
    ("status", "why", "meaning"),
    [
        ("100", "Idle Heartbeat", "alive"),
        ("404", "No Messages", "empty"),
        ("408", "Request Timeout", "empty"),
        ("400", "Bad Request - Priority Group missing", "broken"),
        ("409", "Consumer Deleted", "broken"),
        ("409", "Consumer is push based", "broken"),
        ("409", "Leadership Change", "again"),
        ("409", "Server Shutdown", "again"),
        ("409", "Exceeded MaxWaiting", "again"),
        ("423", "Nats-Pin-Id Mismatch", "again"),
        ("503", "", "again"),
        ("", "", "again"),
    ],
)
def test_every_status_of_a_pull_has_a_meaning(status: str, why: str, meaning: str):
    assert verdict(status, why) == meaning


@pytest.mark.parametrize(
    ("pattern", "subject", "fits"),
    [
        ("a.b", "a.b", True),
        ("a.*", "a.b", True),
        ("a.*", "a", False),
        ("a.*", "a.b.c", False),
        ("a.>", "a.b.c", True),
        ("a.>", "a", False),
        (">", "a", True),
        ("*.b.>", "a.b.c", True),
        ("*.b.>", "a.c.c", False),
    ],
)
def test_patterns_fit_as_the_server_has_it(pattern: str, subject: str, *, fits: bool):
    assert matches(pattern, subject) is fits


NOTICE = Notice(
    type="io.nats.jetstream.advisory.v1.terminated",
    consumer=f"distributor_{token('ö.a')}_low",
    stream_seq=17,
    deliveries=2,
    reason="cannot be done",
    timestamp="2026-01-02T12:00:00Z",
)


def test_a_dead_letter_tells_whose_it_is_and_keeps_the_bytes():
    letter = letter_of(NOTICE, 4, Stored("izumi.file.x", b"\xff not json", 17, {}))
    assert (letter.unit, letter.group, letter.priority) == ("distributor", "ö.a", "low")
    assert (letter.kind, letter.reason, letter.source) == ("terminated", "cannot be done", 17)
    assert letter.data == b"\xff not json"


def test_a_replay_goes_to_that_group_alone_and_is_the_same_each_time():
    letter = letter_of(NOTICE, 4, Stored("izumi.file.x", b"bytes", 17, {}))
    order = replay_of(letter)
    assert order.subject == f"izumi.do.distributor.{token('ö.a')}.low.replay-17-4"
    assert order.data == b"bytes"
    assert replay_of(letter) == order
    assert replay_of(letter._replace(seq=5)).msg_id != order.msg_id


def test_what_is_not_kept_any_more_cannot_be_replayed():
    with pytest.raises(UserError, match="not kept"):
        replay_of(letter_of(NOTICE, 4, None))
