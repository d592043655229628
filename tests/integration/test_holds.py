"""Holds are answered from anywhere, and what was said is learnt: on the real bus."""

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from izumi.bus.ports import Outgoing
from izumi.domain import events, subjects
from izumi.domain.errors import BusUnavailable
from izumi.domain.events import Answered, RuleMade
from izumi.domain.fix import Fix
from izumi.domain.rules import Rule
from izumi.naming.process import NamingProcess
from izumi.storage import learnt
from tests.support.acquiring import Place, in_states, until
from tests.support.bus import connected, provisioned
from tests.support.containers import matroska
from tests.support.keeper import Keeper

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)


@pytest.fixture
async def bus(nats_server):
    async with provisioned(nats_server) as connection:
        yield connection


@pytest.fixture
async def place(tmp_path, bus):
    """Acquisition that names files as the program does."""
    async with NamingProcess() as names:
        made = Place(tmp_path, bus=bus)
        made.names = names
        made.host["held_again_s"] = 3600.0  # nothing is tried again but for a reason
        yield made


async def held(keeper: Keeper, count: int = 1) -> list[dict[str, Any]]:
    """The open holds, once there are so many."""
    found: list[dict[str, Any]] = []

    async def enough() -> bool:
        found[:] = await keeper.holds()
        return len(found) == count

    await until(enough)
    return found


async def nothing_is_held(keeper: Keeper) -> bool:
    return await keeper.holds() == []


async def reasons(ledger) -> dict[str, str]:
    return {Path(item.name).stem: item.reason for item in await ledger.list()}


async def approved(bus, hold: str) -> None:
    """An answer by hand, without the checks of the commands."""
    fact = Answered(unit="acquisition", hold=hold, answer="approve", by="hand", at=NOON)
    await bus.publish(Outgoing(events.subject_of(fact), events.encode(fact)))


async def test_a_fix_becomes_a_rule_that_files_the_next_episode_until_it_is_removed(place, keeper):
    place.put("[Aoi Hana] 05.mkv", matroska(seed=5))
    with capture_logs() as logs:
        await _learn_and_forget(place, keeper)
    why = {entry["name"]: entry["why"] for entry in logs if entry["event"] == "file.identified"}
    assert ": 'Aoi Hana' is Sweet Blue Flowers (by " in why["[Aoi Hana] 06.mkv"]
    assert why["[Aoi Hana] 06.mkv"].startswith("rule r-")


async def _learn_and_forget(place, keeper):
    async with place.running() as ledger:
        (hold,) = await held(keeper)
        assert hold["title"] == "Aoi Hana"
        assert "nothing stands where titles do" in hold["reason"]
        told = await keeper("hold", "fix", hold["id"], "--show", "Sweet Blue Flowers", "--rule")
        assert "[Aoi Hana] 05.mkv is Sweet Blue Flowers" in told
        await until(in_states(ledger, **{"[Aoi Hana] 05": "done"}))
        # A rule is heard apart from the answer that it was made of.
        await until(lambda: _rules(place))
        place.put("[Aoi Hana] 06.mkv", matroska(seed=6))
        await until(in_states(ledger, **{"[Aoi Hana] 06": "done"}))
        keys = {fact.file.key for fact in await place.facts()}
        assert keys == {f"Sweet Blue Flowers/Sweet Blue Flowers - {n}.mkv" for n in ("05", "06")}
        await until(lambda: nothing_is_held(keeper))
        assert len(await place.holds()) == 1

        (rule,) = await keeper.rows("rules", "list")
        assert (rule["title"], rule["is"]) == ("Aoi Hana", "Sweet Blue Flowers")
        assert [one.id for one in learnt.load(place.state)] == [rule["id"]]
        assert "removed" in await keeper("rules", "remove", rule["id"][:6])
        await until(lambda: _no_rules(place))
        place.put("[Aoi Hana] 07.mkv", matroska(seed=7))
        (again,) = await held(keeper)
    assert again["name"] == "[Aoi Hana] 07.mkv"
    assert await keeper("rules", "list") == "nothing\n"


async def _rules(place):
    return learnt.read(place.state)


async def _no_rules(place):
    return await _rules(place) == ()


async def test_the_rule_is_named_in_the_why_of_what_it_decides(place, keeper):
    await keeper("rules", "add", "--title", "Moon", "--show", "Luna", "--by", "mira")
    place.put("[G] Moon 100 - Spring.mkv")
    async with place.running():
        (hold,) = await held(keeper)
        shown = await keeper("hold", "show", hold["id"])
    (rule,) = await keeper.rows("rules", "list")
    assert f"rule {rule['id']}: 'Moon' is Luna (by mira, " in shown
    assert hold["reason"] == "the episode is none or '100'", "a show is no episode"


async def test_a_rule_frees_all_that_waits_for_it(place, keeper):
    for number in range(1, 4):
        place.put(f"[Aoi Hana] {number:02}.mkv", matroska(seed=number))
    async with place.running() as ledger:
        first, *_ = await held(keeper, 3)
        await keeper("hold", "fix", first["id"], "--show", "Blue", "--rule")
        await until(in_states(ledger, **{f"[Aoi Hana] {n:02}": "done" for n in range(1, 4)}))
        await until(lambda: nothing_is_held(keeper))
    everything = await keeper.rows("hold", "list", "--all")
    assert sorted(row["answered"].split(":")[0].split(" ")[0] for row in everything) == [
        "fix",
        "settled",
        "settled",
    ]


async def test_what_is_approved_is_taken_as_it_was_read(place, keeper):
    place.put("[Aoi Hana] 05.mkv")
    async with place.running() as ledger:
        (hold,) = await held(keeper)
        told = await keeper("hold", "approve", hold["id"])
        assert f"(in spite of: {hold['reason']})" in told
        await until(in_states(ledger, **{"[Aoi Hana] 05": "done"}))
    (fact,) = await place.facts()
    assert fact.file.key == "Aoi Hana/Aoi Hana - 05.mkv"


async def test_what_is_rejected_is_left_where_it_is_and_never_asked_for_again(place, keeper):
    path = place.put("[Aoi Hana] 05.mkv")
    async with place.running() as ledger:
        (hold,) = await held(keeper)
        await keeper("hold", "reject", hold["id"], "--reason", "no", "--by", "mira")
        await until(in_states(ledger, **{"[Aoi Hana] 05": "ignored"}))
        assert await reasons(ledger) == {"[Aoi Hana] 05": "rejected by mira: no"}
    # Even when everything that acquisition knew is lost.
    place.state = place.base / "other-state"
    async with place.running() as ledger:
        await until(in_states(ledger, **{"[Aoi Hana] 05": "ignored"}))
    assert path.exists()
    assert await place.facts() == []
    assert await keeper.holds() == []


async def test_a_rejected_file_that_gets_another_content_is_asked_for_anew(place, keeper):
    place.put("[Aoi Hana] 05.mkv", matroska(seed=1))
    async with place.running() as ledger:
        (hold,) = await held(keeper)
        await keeper("hold", "reject", hold["id"])
        await until(in_states(ledger, **{"[Aoi Hana] 05": "ignored"}))
        place.put("[Aoi Hana] 05.mkv", matroska(9000, seed=2))
        (again,) = await held(keeper)
    assert again["id"] != hold["id"]


async def test_a_file_that_is_doubtful_after_its_fix_is_listed_again_and_answers_add_up(
    place, keeper
):
    place.put("[G] Moon 100 - Spring.mkv")
    async with place.running() as ledger:
        (first,) = await held(keeper)
        await keeper("hold", "fix", first["id"], "--show", "Moon 100: Spring", "--once")

        async def again():
            found = await keeper.holds()
            return found and found[0]["said before"] and found

        (second,) = await until(again)
        assert second["id"] == first["id"]
        assert second["reason"] == "the episode is none or '100'"
        assert second["said before"] == "Moon 100: Spring"
        await keeper("hold", "fix", second["id"], "--film")
        await until(in_states(ledger, **{"[G] Moon 100 - Spring": "done"}))
    (fact,) = await place.facts()
    assert fact.file.key == "Moon 100 - Spring/Moon 100 - Spring.mkv"


async def test_approving_after_a_fix_keeps_the_fix(place, keeper):
    place.put("[G] Moon 100 - Spring.mkv")
    async with place.running() as ledger:
        (first,) = await held(keeper)
        await keeper("hold", "fix", first["id"], "--show", "Other", "--once")
        await until(lambda: _said_before(keeper))
        await keeper("hold", "approve", first["id"])
        await until(in_states(ledger, **{"[G] Moon 100 - Spring": "done"}))
    (fact,) = await place.facts()
    assert fact.file.key == "Other/Other - 100.mkv"


async def _said_before(keeper):
    return [hold for hold in await keeper.holds() if hold["said before"]]


async def test_answers_that_came_while_acquisition_was_down_are_carried_out(place, keeper):
    for number in (1, 2, 3):
        place.put(f"[Aoi Hana] {number:02}.mkv", matroska(seed=number))
    async with place.running():
        ids = {hold["name"]: hold["id"] for hold in await held(keeper, 3)}
    await keeper("hold", "approve", ids["[Aoi Hana] 01.mkv"])
    await keeper("hold", "reject", ids["[Aoi Hana] 02.mkv"])
    await keeper("hold", "fix", ids["[Aoi Hana] 03.mkv"], "--show", "Blue", "--episode", "33")
    async with place.running() as ledger:
        states = {"[Aoi Hana] 01": "done", "[Aoi Hana] 02": "ignored", "[Aoi Hana] 03": "done"}
        await until(in_states(ledger, **states))
    keys = {fact.file.key for fact in await place.facts()}
    assert keys == {"Aoi Hana/Aoi Hana - 01.mkv", "Blue/Blue - 33.mkv"}


async def test_answers_that_nobody_heard_are_found_by_the_next_look(place, keeper, monkeypatch):
    async def deaf(self, pattern):
        await asyncio.Event().wait()
        yield

    monkeypatch.setattr(type(place.bus), "listen", deaf)
    place.options["look_s"] = 0.2
    place.put("[Aoi Hana] 05.mkv")
    async with place.running() as ledger:
        (hold,) = await held(keeper)
        await keeper("hold", "approve", hold["id"])
        await until(in_states(ledger, **{"[Aoi Hana] 05": "done"}))


async def test_a_bus_that_was_away_delays_an_answer_and_loses_none(
    place, keeper, nats_server, tmp_path
):
    place.options["look_s"] = 0.2
    place.put("[Aoi Hana] 05.mkv")
    async with place.running() as ledger:
        (hold,) = await held(keeper)
        nats_server.kill()
        nats_server.start()
        await keeper("hold", "approve", hold["id"])
        await until(in_states(ledger, **{"[Aoi Hana] 05": "done"}))
    assert len(await place.facts()) == 1


async def test_two_acquirers_on_one_folder_carry_an_answer_out_once(place, keeper, nats_server):
    place.put("[Aoi Hana] 05.mkv", matroska(seed=1))
    place.put("[G] Moon 100 - Spring.mkv", matroska(seed=2))
    place.put("[Aoi Hana] 06.mkv", matroska(seed=3))
    async with connected(nats_server.url) as other_bus, NamingProcess() as names:
        other = Place(place.base, bus=other_bus)
        other.state, other.store, other.names = place.base / "other", place.store, names
        other.host["held_again_s"] = 3600.0
        async with place.running() as one, other.running() as two:
            await until(lambda: _all_held(one, 3))
            await until(lambda: _all_held(two, 3))
            ids = {hold["name"]: hold["id"] for hold in await held(keeper, 3)}
            await keeper("hold", "approve", ids["[Aoi Hana] 05.mkv"])
            await keeper("hold", "reject", ids["[Aoi Hana] 06.mkv"])
            await keeper("hold", "fix", ids["[G] Moon 100 - Spring.mkv"], "--show", "Moon")
            for ledger in (one, two):
                states = {"[Aoi Hana] 05": "done", "[Aoi Hana] 06": "ignored"}
                await until(in_states(ledger, **states))
            (again,) = await until(lambda: _said_before(keeper))
            await keeper("hold", "fix", again["id"], "--episode", "01")
            for ledger in (one, two):
                await until(in_states(ledger, **{"[G] Moon 100 - Spring": "done"}))
            await until(lambda: nothing_is_held(keeper))
    keys = sorted(fact.file.key for fact in await place.facts())
    assert keys == ["Aoi Hana/Aoi Hana - 05.mkv", "Moon/Moon - 01.mkv"]
    assert set(place.store.puts.values()) == {1}
    # Three files, and one that was told twice.
    assert len(await place.holds()) == 3


async def _all_held(ledger, count):
    return (await ledger.counts()).get("held") == count


async def test_something_else_in_its_place_is_not_approved_and_a_revision_gets_a_place(
    place, keeper
):
    place.put("One/[G] Spring - 01.mkv", matroska(seed=1))
    async with place.running() as ledger:
        await until(in_states(ledger, **{"[G] Spring - 01": "done"}))
        place.put("One/[H] Spring - 01.mkv", matroska(seed=2))
        (hold,) = await held(keeper)
        assert hold["step"] == "store"
        said = await keeper.refused("hold", "approve", hold["id"])
        assert "nothing is ever overwritten" in said
        await keeper("hold", "fix", hold["id"], "--revision", "2")
        await until(in_states(ledger, **{"[H] Spring - 01": "done"}))
    keys = sorted(fact.file.key for fact in await place.facts())
    assert [key.rpartition("/")[2] for key in keys] == [
        "Spring - 01.mkv",
        "Spring - 01v2.mkv",
    ]


async def test_a_fix_that_leads_to_the_same_place_is_asked_about_again(place, keeper, bus):
    place.put("One/[G] Spring - 01.mkv", matroska(seed=1))
    async with place.running() as ledger:
        await until(in_states(ledger, **{"[G] Spring - 01": "done"}))
        place.put("One/[H] Spring - 01.mkv", matroska(seed=2))
        (hold,) = await held(keeper)
        await keeper("hold", "fix", hold["id"], "--episode", "01")
        (again,) = await until(lambda: _said_before(keeper))
        assert again["id"] == hold["id"]
        # By hand, past the checks: it is refused by what comes of it.
        await approved(bus, again["job"])
        (third,) = await until(lambda: _told_after(keeper, again))
        await keeper("hold", "reject", third["id"])
        await until(in_states(ledger, **{"[H] Spring - 01": "ignored"}))
    assert len(await place.facts()) == 1


async def _told_after(keeper, before):
    found = [hold for hold in await keeper.holds() if hold["id"] == before["id"]]
    return [hold for hold in found if hold["at"] >= before["at"]]


async def test_a_file_that_is_not_whole_can_only_be_rejected(place, keeper, bus):
    place.host["stuck_after_s"] = 0.5
    place.put("a.mkv", matroska(50_000)[:20_000])
    async with place.running() as ledger:
        (hold,) = await held(keeper)
        assert (hold["step"], hold["answers"]) == ("settle", "reject")
        for answer in (["approve"], ["fix", "--show", "A", "--film"]):
            said = await keeper.refused("hold", answer[0], hold["id"], *answer[1:])
            assert "is never filed: replace the file, or reject it" in said
        await approved(bus, hold["job"])
        (again,) = await held(keeper)
        # An answer that is no use holds the file anew, so its second is the second hold's.
        assert {**again, "at": hold["at"]} == hold
        assert await place.facts() == []
        await keeper("hold", "reject", hold["id"])
        await until(in_states(ledger, a="ignored"))


async def test_without_a_show_it_cannot_be_approved(place, keeper, bus):
    place.put("05.mkv")
    async with place.running() as ledger:
        (hold,) = await held(keeper)
        assert hold["answers"] == "fix, reject"
        said = await keeper.refused("hold", "approve", hold["id"])
        assert "no show was read in its name: fix it with --show, or reject it" in said
        said = await keeper.refused("hold", "fix", hold["id"], "--show", "Spring", "--rule")
        assert "no title was read that a rule could be about" in said
        await approved(bus, hold["job"])
        await until(lambda: _waits(ledger, "it cannot be approved, since no show was read"))
        (hold,) = await held(keeper)
        await keeper("hold", "fix", hold["id"], "--show", "Spring", "--episode", "05")
        await until(in_states(ledger, **{"05": "done"}))
    (fact,) = await place.facts()
    assert fact.file.key == "Spring/Spring - 05.mkv"


async def _waits(ledger, reason):
    return any(reason in item.reason for item in await ledger.list())


@pytest.mark.parametrize("how", ["renamed", "deleted", "replaced"])
async def test_a_hold_that_is_none_any_more_is_taken_off_the_list(place, keeper, how):
    place.options["look_s"] = 0.2
    path = place.put("[Aoi Hana] 05.mkv", matroska(seed=1))
    async with place.running():
        (hold,) = await held(keeper)
        if how == "renamed":
            path.rename(place.root / "[G] Aoi Hana - 05.mkv")
        elif how == "deleted":
            path.unlink()
        else:
            place.put("[Aoi Hana] 05.mkv", matroska(9000, seed=2))
        await until(lambda: _not_listed(keeper, hold["id"]))
        (old,) = [
            one for one in await keeper.rows("hold", "list", "--all") if one["id"] == hold["id"]
        ]
        assert old["answered"].startswith("settled: ")
        if how == "renamed":
            await until(place.facts)
    said = await keeper.refused("hold", "approve", hold["id"])
    assert "it was answered before: settled: " in said


async def _not_listed(keeper, id_):
    return id_ not in {hold["id"] for hold in await keeper.holds()}


async def test_a_file_that_comes_back_is_listed_again(place, keeper):
    place.options["look_s"] = 0.2
    path = place.put("[Aoi Hana] 05.mkv")
    async with place.running():
        (hold,) = await held(keeper)
        aside = path.rename(place.base / "aside.mkv")
        await until(lambda: nothing_is_held(keeper))
        aside.rename(path)
        (again,) = await held(keeper)
    assert again["id"] == hold["id"]


async def test_rules_count_while_the_bus_is_away_once_they_were_read(place, monkeypatch):
    rule = Rule(title="Aoi Hana", fix=Fix(show="Blue"), at=NOON)
    await place.bus.publish(Outgoing(subjects.rule(rule.id), events.encode(RuleMade(rule=rule))))
    async with place.running():
        await until(lambda: _copied(place, rule))
    real = type(place.bus).latest

    async def away(self, pattern):
        if pattern == subjects.RULES:
            raise BusUnavailable("the bus does not answer")
        return await real(self, pattern)

    monkeypatch.setattr(type(place.bus), "latest", away)
    place.put("[Aoi Hana] 05.mkv")
    async with place.running() as ledger:
        await until(in_states(ledger, **{"[Aoi Hana] 05": "done"}))
    (fact,) = await place.facts()
    assert fact.file.key == "Blue/Blue - 05.mkv"


async def _copied(place, rule):
    return learnt.read(place.state) == (rule,)


async def test_no_name_is_read_before_the_rules_are_known(place, monkeypatch):
    away = True
    real = type(place.bus).latest

    async def sometimes(self, pattern):
        if away and pattern == subjects.RULES:
            raise BusUnavailable("the bus does not answer")
        return await real(self, pattern)

    monkeypatch.setattr(type(place.bus), "latest", sometimes)
    place.options["look_s"] = 0.1
    (place.state).mkdir(parents=True)
    (place.state / learnt.FILE).write_text("[{}]")  # a copy that is damaged is none
    place.put("[G] Spring - 01.mkv")
    with capture_logs() as logs:
        async with place.running() as ledger:
            await until(lambda: _waits(ledger, "the rules are not read yet"))
            assert await place.facts() == []
            away = False
            await until(in_states(ledger, **{"[G] Spring - 01": "done"}))
    assert any(entry["event"] == "rules.copy_not_read" for entry in logs)
    assert learnt.load(place.state) == ()


async def test_a_rule_that_a_newer_version_wrote_is_told_and_the_others_count(place, keeper):
    await keeper("rules", "add", "--title", "Aoi Hana", "--show", "Blue")
    await place.bus.publish(Outgoing(subjects.rule("r-new"), b'{"type":"rule.made/9"}'))
    place.put("[Aoi Hana] 05.mkv")
    with capture_logs() as logs:
        async with place.running() as ledger:
            await until(in_states(ledger, **{"[Aoi Hana] 05": "done"}))
    assert any(entry["event"] == "rules.not_understood" for entry in logs)
    assert (await keeper.rows("rules", "list"))[0]["title"] == "Aoi Hana"
