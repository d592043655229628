"""Something else lies where an announced file is still to be brought: a person is asked."""

import datetime as dt

import pytest

from izumi import failpoints
from izumi.bus.ports import Outgoing
from izumi.domain import events
from izumi.domain.events import Answered, decode_fact
from tests.support.acquiring import Place, in_states, until
from tests.support.bus import provisioned

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path, announce_after="any", source="delete")
    place.host["held_again_s"] = 3600.0  # nothing is tried again but for a reason
    return place


@pytest.fixture(autouse=True)
def disarmed():
    yield
    failpoints.arm("")


def in_the_way(place, text="something else"):
    """What lies at b, once the file is announced as lying at a."""
    lies = place.base / "b/Airing/Show/a.mkv"
    lies.parent.mkdir(parents=True, exist_ok=True)
    lies.write_text(text)
    return lies


async def disputed(place):
    """The file is announced, and what lies in its way at b is asked about."""
    place.store.down.add("b")
    path = place.put("Show/a.mkv")
    content = path.read_bytes()
    await until(place.facts)
    lies = in_the_way(place)
    place.store.down.clear()
    (hold,) = await until(place.holds)
    return path, content, lies, hold


async def say(place, hold, answer):
    fact = Answered(unit="acquisition", hold=hold.hold, answer=answer, by="mira", at=NOON)
    await place.bus.publish(Outgoing(events.subject_of(fact), events.encode(fact)))


async def answers(place):
    stored = await place.bus.latest("izumi.file.answered.>")
    facts = [decode_fact(one.data) for one in stored]
    return [fact.answer for fact in facts if isinstance(fact, Answered)]


async def test_it_is_asked_about_and_brought_when_the_way_is_free(place):
    async with place.running() as ledger:
        _, content, lies, hold = await disputed(place)
        assert "something else lies at b" in hold.reason
        assert (hold.step, hold.answers) == ("bring", ("approve", "reject"))
        (item,) = await ledger.list()
        assert (item.state, item.owed) == ("published", ("b",))
        lies.unlink()
        await say(place, hold, "approve")
        await until(in_states(ledger, a="done"))
    assert lies.read_bytes() == content
    assert len(await place.facts()) == len(await place.holds()) == 1


async def test_whoever_says_try_again_too_early_is_asked_again(place):
    async with place.running() as ledger:
        _, content, lies, hold = await disputed(place)
        before = await place.bus.last(events.subject_of(hold))
        await say(place, hold, "approve")

        async def asked_again():
            return (await place.bus.last(events.subject_of(hold))).seq > before.seq

        await until(asked_again)
        assert lies.read_text() == "something else"
        lies.unlink()
        await say(place, hold, "approve")
        await until(in_states(ledger, a="done"))
    assert lies.read_bytes() == content


async def test_what_lies_there_may_be_left_and_the_source_is_kept(place):
    async with place.running() as ledger:
        path, _, lies, hold = await disputed(place)
        await say(place, hold, "reject")
        await until(in_states(ledger, a="done"))
        (item,) = await ledger.list()
        assert (item.proved, item.owed) == (("a",), ())
        assert "not proved to be at b" in item.reason
    assert path.exists()
    assert lies.read_text() == "something else"
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    assert await answers(place) == ["reject"]


@pytest.mark.parametrize("answer", ["approve", "reject"])
async def test_an_answer_given_while_it_is_down_is_carried_out(place, answer):
    async with place.running():
        _, content, lies, hold = await disputed(place)
    await say(place, hold, answer)
    if answer == "approve":
        lies.unlink()
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    assert (lies.read_bytes() == content) is (answer == "approve")


async def test_it_is_asked_once_over_restarts_and_settled_when_it_ends_by_itself(place):
    async with place.running():
        _, content, lies, hold = await disputed(place)
    before = (await place.bus.last(events.subject_of(hold))).seq
    for _ in range(2):
        async with place.running() as ledger:
            await until(lambda: _noted(ledger))
    assert (await place.bus.last(events.subject_of(hold))).seq == before
    lies.unlink()
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
        await until(lambda: _closed(ledger))
    assert await answers(place) == ["settled"]
    assert lies.read_bytes() == content


async def test_an_accident_while_an_answer_is_carried_out_is_made_good(place):
    async with place.running() as ledger:
        _, _, lies, hold = await disputed(place)
        failpoints.arm("acquisition.after_left_out=raise")
        await say(place, hold, "reject")
        await until(in_states(ledger, a="done"))
    assert lies.read_text() == "something else"
    assert len(await place.facts()) == 1


async def _noted(ledger):
    return any("something else lies at b" in item.reason for item in await ledger.list())


async def _closed(ledger):
    return await ledger.asked() == []


async def test_it_is_answered_by_the_command(tmp_path, nats_server, keeper):
    async with provisioned(nats_server) as bus:
        place = Place(tmp_path, bus=bus, announce_after="any")
        place.host["held_again_s"] = 3600.0
        async with place.running() as ledger:
            await disputed(place)
            (hold,) = await keeper.holds()
            assert hold["answers"] == "approve, reject"
            await keeper("hold", "reject", hold["id"], "--reason", "ours is better")
            await until(in_states(ledger, a="done"))
            (item,) = await ledger.list()
    assert item.reason.startswith("not at b: what lies there was left by ")
    assert item.reason.endswith(": ours is better")
