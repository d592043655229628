"""What was given up can be read, and ordered again."""

from collections.abc import AsyncIterator

import pytest

from izumi.bus import jetstream, provision, topology
from izumi.bus.deadletters import JetStreamDeadLetters
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.memory import MemoryBus
from izumi.bus.plan import Found, plan
from izumi.bus.ports import Bus, DeadLetter, DeadLetters, Outgoing
from izumi.bus.settings import BusSettings
from izumi.domain import subjects
from tests.support.bus import PRIVATE, PUBLIC, acquired, announcement, eventually, taken


@pytest.fixture
def dead_letters(any_bus: Bus) -> DeadLetters:
    if isinstance(any_bus, MemoryBus):
        return any_bus
    assert isinstance(any_bus, JetStreamBus)
    return JetStreamDeadLetters(any_bus)


async def given_up(letters: DeadLetters, count: int) -> list[DeadLetter]:
    async def there() -> bool:
        return len(await letters.entries()) == count

    await eventually(there)
    return await letters.entries()


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
    seq = await dead_letters.replay(letter)
    again = await taken(any_bus.inbox("distributor", "public"))
    assert (again.seq, again.data, again.attempt) == (seq, message.data, 1)
    assert subjects.job_id(again.subject) == f"do-replay-1-{letter.seq}"
    await any_bus.publish(announcement(acquired("next")))
    assert (await taken(any_bus.inbox("distributor", "private"))).seq == seq + 1


async def test_a_letter_that_was_replayed_is_off_the_list(any_bus: Bus, dead_letters: DeadLetters):
    for name in "ab":
        await any_bus.publish(announcement(acquired(name)))
        await (await taken(any_bus.inbox("encoder", "main"))).term(name)
    first, second = await given_up(dead_letters, 2)
    assert (first.reason, second.reason) == ("a", "b")
    await dead_letters.replay(first)
    assert await dead_letters.entries() == [second]


async def test_the_same_letter_twice_orders_once(any_bus: Bus, dead_letters: DeadLetters):
    await any_bus.publish(announcement(acquired()))
    await (await taken(any_bus.inbox("encoder", "main"))).term("no")
    (letter,) = await given_up(dead_letters, 1)
    assert await dead_letters.replay(letter) == await dead_letters.replay(letter)
    assert len(await any_bus.latest("izumi.do.>")) == 1


async def test_a_replay_that_fails_again_is_a_letter_of_its_own(
    any_bus: Bus, dead_letters: DeadLetters
):
    await any_bus.publish(announcement(acquired()))
    await (await taken(any_bus.inbox("encoder", "main"))).term("no")
    (letter,) = await given_up(dead_letters, 1)
    await dead_letters.replay(letter)
    await (await taken(any_bus.inbox("encoder", "main"))).term("still no")
    (again,) = await given_up(dead_letters, 1)
    assert again.reason == "still no"
    assert await dead_letters.replay(again) > again.source


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
    letters = impatient if isinstance(impatient, MemoryBus) else JetStreamDeadLetters(impatient)  # type: ignore[arg-type]  # the other one
    await impatient.publish(Outgoing(announcement(acquired()).subject, b"poison"))
    inbox = impatient.inbox("distributor", "public")
    for attempt in (1, 2, 3):
        job = await taken(inbox)
        assert (job.data, job.attempt) == (b"poison", attempt)
        await job.nak()
    await impatient.publish(announcement(acquired("healthy")))
    assert (await taken(inbox)).seq == 2
    (letter,) = await given_up(letters, 1)
    assert (letter.kind, letter.deliveries, letter.data) == ("max_deliveries", 3, b"poison")
    assert (await taken(impatient.inbox("distributor", "private"))).data == b"poison"
