"""Dead letters as they are shown, whatever their message and their notice hold."""

import contextlib
import datetime as dt
import unicodedata
from base64 import b64decode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.bus import letters
from izumi.bus.deadletters import Notice, letter_of, unreadable, with_answer
from izumi.bus.letters import Evidence
from izumi.bus.ports import DeadLetter, Stored
from izumi.commands.deadletters_show import lines, whole
from izumi.commands.moments import moment
from izumi.domain import events
from izumi.domain.errors import Declined, UserError
from izumi.domain.events import JobRecord, LetterAnswered
from izumi.publishers.gateway.answer_views import evidence_view
from izumi.runtime.telemetry import printable

NOW = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
CONSUMERS = st.sampled_from(
    ("encoder_main_normal", "notifier_main", "encoder_main", "by-hand", "_", "distributor_=_low")
) | st.text(max_size=30)
NOTICES = st.builds(
    Notice,
    type=st.sampled_from(("io.nats.jetstream.advisory.v1.terminated", "max_deliver", "")),
    consumer=CONSUMERS,
    stream_seq=st.integers(1, 1 << 53),
    deliveries=st.integers(),
    timestamp=st.text(max_size=40),
    reason=st.text(max_size=80),
)
MESSAGES = st.builds(
    Stored,
    st.sampled_from(("izumi.file.acquired.softsub.normal.x", "izumi.do.a.b.c.d", "else")),
    st.binary(max_size=200) | st.from_regex(rb'\{"type":"file.[a-z]+/1".*\}', fullmatch=True),
    st.integers(1, 1 << 53),
    st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3),
)
RECORDS = st.builds(
    JobRecord,
    state=st.sampled_from(("claimed", "failed")),
    owner=st.text(max_size=9),
    source=st.just(1),
    reason=st.text(max_size=30),
    at=st.just(NOW),
)


@given(NOTICES, st.none() | MESSAGES, st.lists(RECORDS, max_size=3))
def test_any_letter_is_shown_whole_to_people_and_to_programs(notice, message, records):
    letter = letter_of(notice, 3, message)
    found = Evidence(letter, "j" if records else "", [(1, record) for record in records])
    for line in map(printable, lines(found, [])):
        assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & {*map(unicodedata.category, line)}
    row = msgspec.json.decode(msgspec.json.encode(whole(found, [])))
    shown = msgspec.json.decode(msgspec.json.encode(evidence_view(found)))
    for told in (row, shown):
        kept = told["base64"]
        assert (None if kept is None else b64decode(kept)) == (message.data if message else None)


@given(NOTICES, st.none() | MESSAGES)
def test_a_letter_is_ordered_again_by_its_group_or_not_at_all_with_the_reason(notice, message):
    letter = letter_of(notice, 3, message)
    again, dropped = letters.prospects(letter)
    assert dropped.startswith("nobody does the work")
    try:
        order = letters.replay_of(letter)
    except Declined:
        assert again.startswith("cannot be: ")
        assert not letter.unit or letter.data is None
    else:
        assert message is not None
        assert order.data == message.data
        assert order.subject.startswith(f"izumi.do.{letter.unit}.")
        assert order.expect == 0


def test_a_notice_that_cannot_be_read_is_a_letter_that_can_only_be_dropped():
    letter = unreadable(7, "not a notice")
    with pytest.raises(Declined, match="not a notice; it can only be dropped"):
        letters.replay_of(letter)
    assert letters.prospects(letter)[0] == "cannot be: not a notice; it can only be dropped"


@pytest.mark.parametrize(
    ("answer", "retry", "drop"),
    [
        ("retry", "nothing more: ordered again as do-x", "cannot be: ordered again"),
        ("drop", "encoder.main alone", "nothing more: dropped (by mira, 2026-01-31 12:00 UTC): no"),
    ],
)
def test_what_was_said_decides_what_can_be_said_still(answer, retry, drop):
    letter = with_answer(known(), Stored("izumi.letter.3", said(answer), 9, {}))
    again, dropped = letters.prospects(letter)
    assert again.startswith(retry)
    assert dropped.startswith(drop)


def known() -> DeadLetter:
    notice = Notice(type="terminated", consumer="encoder_main_normal", stream_seq=5, deliveries=1)
    return letter_of(notice, 3, Stored("izumi.do.encoder.main.normal.x", b"{}", 5, {}))


def said(answer) -> bytes:
    job = "do-x" if answer == "retry" else ""
    return events.encode(
        LetterAnswered(letter=3, answer=answer, source=5, job=job, reason="no", by="mira", at=NOW)
    )


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("90m", NOW - dt.timedelta(minutes=90)),
        (" 12h ", NOW - dt.timedelta(hours=12)),
        ("30d", NOW - dt.timedelta(days=30)),
        ("2w", NOW - dt.timedelta(weeks=2)),
        ("2026-01-02", dt.datetime(2026, 1, 2, tzinfo=dt.UTC)),
        ("2026-01-02T12:00:00+09:00", dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC)),
    ],
)
def test_a_time_is_an_age_or_a_date(text, at):
    assert moment(text, option="--since", now=NOW) == at


@given(st.text())
def test_any_text_is_a_time_of_some_zone_or_is_refused(text):
    with contextlib.suppress(UserError):
        assert moment(text, option="--since", now=NOW).tzinfo is not None


@pytest.mark.parametrize("text", ["", "soon", "12", "-3d", "2026-13-01"])
def test_times_that_cannot_be_are_refused(text):
    with pytest.raises(UserError, match="is no time"):
        moment(text, option="--since", now=NOW)
