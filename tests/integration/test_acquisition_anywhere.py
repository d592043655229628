"""Files that are announced once one location holds them, and brought to the others."""

import asyncio
import shutil

import pytest

from izumi import failpoints
from izumi.domain.errors import BusUnavailable
from izumi.domain.events import Distributed, decode_fact
from izumi.domain.retry import RetryPolicy
from izumi.storage.ledger import Ledger
from tests.support.acquiring import Place, in_states, until
from tests.support.containers import matroska


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path, announce_after="any")


@pytest.fixture(autouse=True)
def disarmed():
    yield
    failpoints.arm("")


async def brought(place):
    """What was told of locations that got a file later."""
    stored = await place.bus.latest("izumi.file.distributed.>")
    facts = [decode_fact(one.data) for one in stored]
    return [(one.group, one.destination) for one in facts if isinstance(one, Distributed)]


async def owes(ledger, reason, **owed):
    """Whether files (by stem) are owed to these locations, one of them for this reason."""
    items = {item.name.rpartition("/")[2].partition(".")[0]: item for item in await ledger.list()}
    return all(stem in items and items[stem].owed == (to,) for stem, to in owed.items()) and any(
        reason in item.reason for item in items.values()
    )


async def test_one_location_is_enough_and_the_other_gets_it_when_it_is_back(place):
    place.store.down.add("b")
    path = place.put("Show/a.mkv")
    async with place.running() as ledger:
        (fact,) = await until(place.facts)
        assert fact.sources == ("a",)
        await until(lambda: owes(ledger, "b does not answer", a="b"))
        assert await in_states(ledger, a="published")()
        assert await brought(place) == []
        place.store.down.clear()
        await until(in_states(ledger, a="done"))
        (item,) = await ledger.list()
        assert (item.proved, item.owed, item.reason) == (("a", "b"), (), "")
        assert await ledger.tokens() == frozenset()
    assert place.stored("a") == place.stored("b") == {"Airing/Show/a.mkv": path.read_bytes()}
    assert await brought(place) == [("acquisition", "b")]
    assert len(await place.facts()) == 1
    assert list(place.store.puts.values()) == [1, 1]
    assert not list((place.state / "staging").iterdir())


async def test_what_is_owed_is_brought_by_the_next_life(place):
    place.store.down.add("b")
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(lambda: owes(ledger, "b does not answer", a="b"))
    shutil.rmtree(place.root / "Show")
    place.store.down.clear()
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    assert [*place.stored("b")] == ["Airing/Show/a.mkv"]
    assert await brought(place) == [("acquisition", "b")]


@pytest.mark.parametrize("source", ["delete", "trash"])
async def test_the_source_stays_until_the_last_location_holds_it(tmp_path, source):
    place = Place(tmp_path, announce_after="any", source=source)
    place.store.down.add("b")
    path = place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(lambda: owes(ledger, "b does not answer", a="b"))
        assert path.exists()
        place.store.down.clear()
        await until(in_states(ledger, a="done"))
    assert not path.exists()


async def test_a_location_that_hangs_delays_only_itself(place):
    """Its uploads hold neither workers nor announcements, and do not pile up either."""
    hanging, begun = asyncio.Event(), []
    put = place.store.put

    async def slow(src, file, to, **kwargs):
        if to.name == "b":
            begun.append(file.key)
            await hanging.wait()
        await put(src, file, to, **kwargs)

    place.store.put = slow
    for number in range(12):
        place.put(f"Show/{number}.mkv", matroska(seed=number))
    async with place.running() as ledger:
        await until(lambda: _announced(place, 12))
        assert place.stored("b") == {}
        assert len(begun) == 2  # as many as `jobs`
        assert all(fact.sources == ("a",) for fact in await place.facts())
        hanging.set()
        await until(lambda: _done(ledger, 12))
    assert len(place.stored("b")) == 12
    assert set(place.store.puts.values()) == {1}


async def _announced(place, number):
    return len(await place.facts()) == number


async def _done(ledger, number):
    return (await ledger.counts()).get("done") == number


async def test_a_location_that_is_away_is_not_asked_for_each_of_many_files(tmp_path):
    place = Place(tmp_path, announce_after="any")
    place.policy = RetryPolicy(first_s=30.0, longest_s=60.0)
    place.store.down.add("b")
    for number in range(20):
        place.put(f"Show/{number}.mkv", matroska(seed=number))
    async with place.running():
        await until(lambda: _announced(place, 20))
    asked = sum(name == "b" for _, name in place.store.calls)
    # Uploads that run at once may each find out.
    assert asked <= 3 * 2


async def test_with_no_location_at_all_nothing_is_announced_until_one_is_back(place):
    place.store.down |= {"a", "b"}
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(lambda: _waits(ledger, "a does not answer; b does not answer"))
        assert await place.facts() == []
        place.store.down.discard("b")
        (fact,) = await until(place.facts)
        assert fact.sources == ("b",)
        place.store.down.clear()
        await until(in_states(ledger, a="done"))


async def _waits(ledger, reason):
    return any(reason in item.reason for item in await ledger.list())


async def test_something_else_at_any_location_is_asked_about_before_it_is_announced(place):
    for name in ("a", "b"):
        lies = place.base / name / "Airing/Show/a.mkv"
        lies.parent.mkdir(parents=True)
        lies.write_text("something else")
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="held"))
        (hold,) = await place.holds()
        assert "something else lies at" in hold.reason
    assert await place.facts() == []
    assert await ledger_is_quiet(place)


async def ledger_is_quiet(place):
    async with await Ledger.own(place.state) as ledger:
        return all(item.owed == item.proved == () for item in await ledger.list())


async def test_something_else_found_after_it_was_announced_is_listed_and_never_overwritten(place):
    place.store.down.add("b")
    path = place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(lambda: owes(ledger, "b does not answer", a="b"))
        lies = place.base / "b/Airing/Show/a.mkv"
        lies.parent.mkdir(parents=True)
        lies.write_text("something else")
        place.store.down.clear()
        await until(lambda: owes(ledger, "something else lies at b", a="b"))
        assert lies.read_text() == "something else"
        lies.unlink()
        await until(in_states(ledger, a="done"))
    assert lies.read_bytes() == path.read_bytes()


async def test_a_changed_file_never_lies_where_its_predecessor_was_still_to_come(place):
    """The location that was away must not get the second content under the name of the first."""
    place.store.down.add("b")
    first = place.put("Show/a.mkv").read_bytes()
    async with place.running() as ledger:
        await until(lambda: owes(ledger, "b does not answer", a="b"))
        place.put("Show/a.mkv", matroska(seed=44))
        (hold,) = await until(place.holds)
        assert "something else lies at a" in hold.reason
        place.store.down.clear()
        await until(lambda: _has(place, "b"))
    assert place.stored("a") == place.stored("b") == {"Airing/Show/a.mkv": first}
    assert len(await place.facts()) == 1


async def _has(place, name):
    return place.stored(name)


async def test_a_changed_file_is_not_stored_while_a_location_cannot_tell_what_it_holds(place):
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
        (place.base / "a/Airing/Show/a.mkv").unlink()
        place.store.down.add("b")
        place.put("Show/a.mkv", matroska(seed=44))
        await until(lambda: _waits(ledger, "b does not answer"))
        assert place.stored("a") == {}
        (place.base / "b/Airing/Show/a.mkv").unlink()
        place.store.down.clear()
        await until(lambda: _done(ledger, 2))
    assert place.stored("a") == place.stored("b") == {"Airing/Show/a.mkv": matroska(seed=44)}
    assert len(await place.facts()) == 2


async def test_what_is_staged_no_more_comes_from_a_location_that_holds_it(place):
    place.store.down.add("b")
    path = place.put("Show/a.mkv")
    data = path.read_bytes()
    async with place.running() as ledger:
        await until(lambda: owes(ledger, "b does not answer", a="b"))
        with path.open("ab") as file:
            file.write(matroska(seed=3))
        place.store.down.clear()
        await until(lambda: _has(place, "b"))
        assert ("copy", "b") in place.store.calls
    assert place.stored("b") == {"Airing/Show/a.mkv": data}


async def test_another_host_brings_what_the_one_that_announced_it_still_owes(place):
    place.store.down.add("b")
    place.put("Show/a.mkv")
    other = Place(place.base, bus=place.bus, announce_after="any", source="delete")
    other.state, other.store = place.base / "other-state", place.store
    other.host["claim_s"] = 0.3
    async with place.running() as ledger:
        await until(lambda: owes(ledger, "b does not answer", a="b"))
    async with other.running() as ledger:
        await until(lambda: owes(ledger, "b does not answer", a="b"))
        place.store.down.clear()
        await until(in_states(ledger, a="done"))
    assert [*place.stored("b")] == ["Airing/Show/a.mkv"]
    assert not list(place.root.rglob("*.mkv"))
    shutil.rmtree(place.base / "b/Airing")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    assert len(await place.facts()) == 1


async def test_what_was_brought_everywhere_is_not_brought_again_by_a_new_ledger(place):
    place.store.down.add("b")
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(lambda: owes(ledger, "b does not answer", a="b"))
        place.store.down.clear()
        await until(in_states(ledger, a="done"))
    shutil.rmtree(place.state)
    for name in ("a", "b"):
        shutil.rmtree(place.base / name / "Airing")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    assert place.stored("a") == place.stored("b") == {}


@pytest.mark.parametrize(
    "step", ["after_brought", "after_brought_noted", "after_brought_told", "after_stored"]
)
async def test_an_accident_at_any_step_is_made_good(place, step):
    """The upload is begun anew by a worker; killing the process is tested elsewhere."""
    place.policy = RetryPolicy(first_s=0.05, longest_s=0.2)
    place.put("Show/a.mkv")
    failpoints.arm(f"acquisition.{step}=raise")
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))
    assert len(await place.facts()) == 1
    assert place.stored("a") == place.stored("b")
    assert list(place.store.puts.values()) == [1, 1]


async def test_a_destination_that_is_no_more_is_owed_nothing(place):
    place.store.down.add("b")
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(lambda: owes(ledger, "b does not answer", a="b"))
    place.watch["destinations"] = ("a",)
    async with place.running() as ledger:
        await until(in_states(ledger, a="done"))


async def test_a_bus_that_is_away_delays_the_telling_alone(place, monkeypatch):
    place.store.down.add("b")
    place.put("Show/a.mkv")
    async with place.running() as ledger:
        await until(lambda: owes(ledger, "b does not answer", a="b"))
        publish, away = place.bus.publish, [True]

        async def guarded(message):
            if away[0] and message.subject.startswith("izumi.file.distributed"):
                raise BusUnavailable("the bus does not answer")
            return await publish(message)

        monkeypatch.setattr(place.bus, "publish", guarded)
        place.store.down.clear()
        await until(lambda: _has(place, "b"))
        assert not await in_states(ledger, a="done")()
        away.clear()
        away.append(False)
        await until(in_states(ledger, a="done"))
    assert await brought(place) == [("acquisition", "b")]
