"""What was given up can be read, ordered again, or dropped; and nothing of it is deleted."""

from collections.abc import AsyncIterator

import pytest

from izumi.bus import jetstream, letters, provision, topology
from izumi.bus.deadletters import JetStreamDeadLetters
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.letters import Remark
from izumi.bus.memory import MemoryBus
from izumi.bus.plan import Found, plan
from izumi.bus.ports import Bus, DeadLetter, DeadLetters, Outgoing
from izumi.bus.settings import BusSettings
from izumi.domain import subjects
from izumi.domain.errors import TooLate, Unknown
from tests.support.bus import NOON, PRIVATE, PUBLIC, acquired, announcement, eventually, taken

MIRA = Remark("mira", NOON, "mended")
OTHER = Remark("other", NOON)


@pytest.fixture
def dead_letters(any_bus: Bus) -> DeadLetters:
    if isinstance(any_bus, MemoryBus):
        return any_bus
    assert isinstance(any_bus, JetStreamBus)
    return JetStreamDeadLetters(any_bus)


async def given_up(dead: DeadLetters, count: int) -> list[DeadLetter]:
    async def there() -> bool:
        return len(await dead.entries()) == count

    await eventually(there)
    return await dead.entries()


async def test_nothing_given_up_is_nothing_to_read(dead_letters: DeadLetters):
    assert await dead_letters.entries() == []


async def test_bytes_that_do_not_decode_can_be_read(any_bus: Bus, dead_letters: DeadLetters):
    subject = announcement(acquired()).subject
    seq = await any_bus.publish(Outgoing(subject, b"\xff\x00 not json"))
    job = await taken(any_bus.inbox("encoder", "main"))
    await job.term("not a fact: ümlaut")
    (letter,) = await given_up(dead_letters, 1)
    assert (letter.unit, letter.group, letter.priority) == ("encoder", "main", "normal")
    assert (letter.kind, letter.reason) == ("terminated", "not a fact: ümlaut")
    assert (letter.source, letter.deliveries) == (seq, 1)
    assert (letter.subject, letter.data) == (subject, b"\xff\x00 not json")


async def test_a_replay_reaches_the_group_that_gave_up_and_no_other(
    any_bus: Bus, dead_letters: DeadLetters
):
    message = announcement(acquired())
    await any_bus.publish(message)
    for group in ("public", "private"):
        job = await taken(any_bus.inbox("distributor", group))
        await (job.term("full") if group == "public" else job.ack())
    (letter,) = await given_up(dead_letters, 1)
    said = await letters.retry(any_bus, letter, MIRA)
    again = await taken(any_bus.inbox("distributor", "public"))
    assert (again.data, again.attempt) == (message.data, 1)
    assert subjects.job_id(again.subject) == said.job == f"do-replay-1-{letter.seq}"
    following = announcement(acquired("next"))
    await any_bus.publish(following)
    assert (await taken(any_bus.inbox("distributor", "private"))).subject == following.subject


async def test_a_letter_that_was_replayed_is_off_the_list(any_bus: Bus, dead_letters: DeadLetters):
    for name in "ab":
        await any_bus.publish(announcement(acquired(name)))
        await (await taken(any_bus.inbox("encoder", "main"))).term(name)
    first, second = await given_up(dead_letters, 2)
    assert (first.reason, second.reason) == ("a", "b")
    said = await letters.retry(any_bus, first, MIRA)
    assert await dead_letters.entries() == [second]
    assert (said.by, said.reason, said.unit, said.source) == ("mira", "mended", "encoder", 1)
    kept = await dead_letters.entry(first.seq)
    assert kept is not None
    assert kept.answer == said
    assert [one.answer for one in await dead_letters.entries(everything=True)] == [said, None]


async def test_the_same_letter_twice_orders_once(any_bus: Bus, dead_letters: DeadLetters):
    letter = await one_of_an_encoder(any_bus, dead_letters)
    first = await letters.retry(any_bus, letter, MIRA)
    # Whoever asks again may have seen the list before, or after.
    assert await letters.retry(any_bus, letter, OTHER) == first
    assert await letters.retry(any_bus, await found(dead_letters, letter), OTHER) == first
    assert len(await any_bus.latest("izumi.do.>")) == 1


async def test_a_replay_that_fails_again_is_a_letter_of_its_own(
    any_bus: Bus, dead_letters: DeadLetters
):
    letter = await one_of_an_encoder(any_bus, dead_letters)
    await letters.retry(any_bus, letter, MIRA)
    await (await taken(any_bus.inbox("encoder", "main"))).term("still no")
    (again,) = await given_up(dead_letters, 1)
    assert again.reason == "still no"
    assert (
        await letters.retry(any_bus, again, MIRA)
    ).job == f"do-replay-{again.source}-{again.seq}"


async def test_a_dropped_letter_is_off_the_list_and_its_message_is_kept(
    any_bus: Bus, dead_letters: DeadLetters
):
    letter = await one_of_an_encoder(any_bus, dead_letters)
    said = await letters.drop(any_bus, letter, MIRA)
    assert await dead_letters.entries() == []
    kept = await found(dead_letters, letter)
    assert (kept.answer, kept.data) == (said, letter.data)
    assert await any_bus.latest("izumi.do.>") == []
    for seen in (letter, kept):  # who asks again is told who was first
        assert await letters.drop(any_bus, seen, OTHER) == said


async def test_a_dropped_letter_can_be_ordered_again_and_then_not_dropped(
    any_bus: Bus, dead_letters: DeadLetters
):
    letter = await one_of_an_encoder(any_bus, dead_letters)
    await letters.drop(any_bus, letter, OTHER)
    said = await letters.retry(any_bus, await found(dead_letters, letter), MIRA)
    assert (await found(dead_letters, letter)).answer == said
    for seen in (letter, await found(dead_letters, letter)):
        with pytest.raises(TooLate, match="ordered again"):
            await letters.drop(any_bus, seen, OTHER)


async def test_of_a_retry_and_a_drop_at_once_what_is_noted_is_what_is_done(
    any_bus: Bus, dead_letters: DeadLetters
):
    letter = await one_of_an_encoder(any_bus, dead_letters)
    await letters.drop(any_bus, letter, OTHER)
    said = await letters.retry(any_bus, letter, MIRA)  # the drop came after it looked
    assert (await found(dead_letters, letter)).answer == said
    assert len(await any_bus.latest("izumi.do.>")) == 1


async def test_an_order_whose_note_is_missing_is_finished_by_a_retry_and_never_dropped(
    any_bus: Bus, dead_letters: DeadLetters
):
    letter = await one_of_an_encoder(any_bus, dead_letters)
    await any_bus.publish(letters.replay_of(letter))
    with pytest.raises(TooLate, match="ordered again already"):
        await letters.drop(any_bus, letter, OTHER)
    await letters.retry(any_bus, letter, MIRA)
    assert await dead_letters.entries() == []
    assert len(await any_bus.latest("izumi.do.>")) == 1


async def test_a_letter_of_no_such_number_is_unknown(any_bus: Bus, dead_letters: DeadLetters):
    letter = await one_of_an_encoder(any_bus, dead_letters)
    await letters.drop(any_bus, letter, MIRA)
    for number in (0, -1, letter.seq + 1, 10**30):
        with pytest.raises(Unknown, match="see izumi-admin dlq list"):
            await letters.find(dead_letters, number)


async def test_what_a_newer_version_said_hides_no_letter(any_bus: Bus, dead_letters: DeadLetters):
    letter = await one_of_an_encoder(any_bus, dead_letters)
    await any_bus.publish(Outgoing(subjects.letter(letter.seq), b'{"type":"letter.answered/9"}'))
    (shown,) = await dead_letters.entries()
    await letters.drop(any_bus, shown, MIRA)
    assert await dead_letters.entries() == []


async def one_of_an_encoder(bus: Bus, dead: DeadLetters) -> DeadLetter:
    """A letter that an encoder's group gave up."""
    await bus.publish(announcement(acquired()))
    await (await taken(bus.inbox("encoder", "main"))).term("no")
    (letter,) = await given_up(dead, 1)
    return letter


async def found(dead: DeadLetters, letter: DeadLetter) -> DeadLetter:
    """The letter as it is now."""
    return await letters.find(dead, letter.seq)


@pytest.fixture(params=["memory", "jetstream"])
async def impatient(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    """A bus that gives up after three deliveries."""
    if request.param == "memory":
        memory = MemoryBus([PUBLIC, PRIVATE], max_deliver=3)
        yield memory
        await memory.aclose()
        return
    url = request.getfixturevalue("nats_server").url
    bus = await jetstream.connect(BusSettings(servers=(url,)), name="test")
    wanted = topology.consumers([PUBLIC, PRIVATE], max_deliver=3)
    changes = plan(Found({}, {}), [*topology.streams(), *wanted])
    await provision.carry_out(bus.connection, changes)
    yield bus
    await bus.aclose()


async def test_what_is_delivered_too_often_is_given_up_while_others_go_on(impatient: Bus):
    dead = impatient if isinstance(impatient, MemoryBus) else JetStreamDeadLetters(impatient)  # type: ignore[arg-type]  # the other one
    await impatient.publish(Outgoing(announcement(acquired()).subject, b"poison"))
    inbox = impatient.inbox("distributor", "public")
    for attempt in (1, 2, 3):
        job = await taken(inbox)
        assert (job.data, job.attempt) == (b"poison", attempt)
        await job.nak()
    await impatient.publish(announcement(acquired("healthy")))
    assert (await taken(inbox)).seq == 2
    (letter,) = await given_up(dead, 1)
    assert (letter.kind, letter.deliveries, letter.data) == ("max_deliveries", 3, b"poison")
    assert (await taken(impatient.inbox("distributor", "private"))).data == b"poison"
