"""`izumi-admin hold` and `rules` in a keeper's hands, on a real bus."""

import datetime as dt
import json

import pytest

from izumi.bus.ports import Outgoing
from izumi.domain import events, subjects
from izumi.domain.events import Answered, HeldFile
from izumi.domain.fix import Fix
from tests.support.bus import acquired, provisioned, taken

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
FACT = acquired()


@pytest.fixture
async def bus(nats_server):
    async with provisioned(nats_server) as connection:
        yield connection


async def hold(bus, job: str = "j", **changes: object) -> None:
    given = {
        "unit": "acquisition",
        "job": job,
        "name": f"{job}.mkv",
        "reason": "which show?",
        "answers": ("approve", "fix", "reject"),
        "step": "identify",
        "title": "Spring",
        "at": NOON,
    }
    fact = HeldFile(**(given | changes))  # type: ignore[arg-type]  # as a test names them
    await bus.publish(Outgoing(events.subject_of(fact), events.encode(fact)))


def working(**changes: object) -> dict[str, object]:
    """A hold of an encoder's job."""
    made: dict[str, object] = {
        "unit": "encoder",
        "group": "main",
        "answers": (),
        "step": "",
        "origin": events.raw(events.encode(FACT)),
    }
    return made | changes


async def test_only_open_holds_are_listed_with_ids_that_the_other_commands_take(bus, keeper):
    for number in range(40):
        await hold(bus, f"j{number}")
    rows = await keeper.holds()
    ids = [row["id"] for row in rows]
    assert len({*ids}) == 40
    assert min(map(len, ids)) >= 4
    for row in rows[:3]:
        assert row["name"] in await keeper("hold", "show", row["id"])
        await keeper("hold", "reject", row["id"])
    assert [row["id"] for row in await keeper.holds()] == ids[3:]


async def test_everything_known_of_a_hold_is_shown(bus, keeper):
    await hold(bus, facts={"titles": "Spring | Haru", "why": "number behind a dash"}, host="box")
    (row,) = await keeper.holds()
    shown = await keeper("hold", "show", row["id"])
    for text in (
        "j.mkv",
        "which show?",
        "Spring | Haru",
        "number behind a dash",
        "box",
        "identify",
    ):
        assert text in shown
    (whole,) = await keeper.rows("hold", "show", row["id"])
    assert whole["facts"] == {"titles": "Spring | Haru", "why": "number behind a dash"}


async def test_a_wrong_id_is_one_error_that_names_the_nearest_and_answers_nothing(bus, keeper):
    await hold(bus)
    (row,) = await keeper.holds()
    said = await keeper.refused("hold", "approve", row["id"], "zzzz")
    assert said == f"no hold is called 'zzzz'; the nearest is {row['id']} (j.mkv)"
    assert len(await keeper.holds()) == 1
    assert "name at least one" in await keeper.refused("hold", "reject")


async def test_where_nothing_is_held_that_is_said(bus, keeper):
    assert await keeper("hold", "list") == "nothing\n"
    assert "nothing is held" in await keeper.refused("hold", "approve", "abcd")


async def test_an_answered_hold_says_by_whom_and_when_it_was_answered(bus, keeper):
    await hold(bus)
    (row,) = await keeper.holds()
    await keeper("hold", "fix", row["id"], "--show", "Spring", "--by", "mira")
    said = await keeper.refused("hold", "reject", row["id"])
    assert said.startswith("j.mkv: it was answered before: fix: Spring (by mira, 20")
    (one,) = await keeper.rows("hold", "list", "--all")
    assert one["answered"].startswith("fix: Spring (by mira, ")


async def test_of_two_answers_at_once_one_counts_and_the_other_is_told(bus, keeper, monkeypatch):
    await hold(bus)
    (row,) = await keeper.holds()
    real = type(bus).publish

    async def late(self, message):
        other = Answered(unit="acquisition", hold="j", answer="reject", by="other", at=NOON)
        await real(self, Outgoing(events.subject_of(other), events.encode(other)))
        return await real(self, message)

    monkeypatch.setattr(type(bus), "publish", late)
    said = await keeper.refused("hold", "approve", row["id"])
    assert "answered before: reject (by other, 2026-01-02 12:00 UTC)" in said


async def test_several_holds_are_answered_at_once_and_the_answers_are_on_the_bus(bus, keeper):
    await hold(bus, "a")
    await hold(bus, "b")
    ids = [row["id"] for row in await keeper.holds()]
    rows = await keeper.rows("hold", "fix", *ids, "--show", "A: B?", "--season", 2)
    assert [row["fix"] for row in rows] == ["A: B?, season 2"] * 2
    for job in ("a", "b"):
        stored = await bus.last(subjects.answered("acquisition", job))
        answered = events.decode_fact(stored.data)
        assert isinstance(answered, Answered)
        assert (answered.fix, answered.rule) == (Fix(show="A: B?", season=2), "")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((), "it says nothing"),
        (("--show", "??"), "is no title"),
        (("--episode", "1/2"), "contains '/'"),
        (("--offset", "0"), "changes nothing"),
        (("--episode", "5", "--film"), "exclude each other"),
        (("--episode", "5", "--rule"), "of one file alone"),
    ],
)
async def test_a_fix_that_cannot_be_is_refused_with_the_reason(bus, keeper, options, reason):
    await hold(bus)
    (row,) = await keeper.holds()
    assert reason in await keeper.refused("hold", "fix", row["id"], *options)
    assert len(await keeper.holds()) == 1
    assert await keeper("rules", "list") == "nothing\n"


async def test_a_rule_about_numbers_is_about_the_season_as_written(bus, keeper):
    await hold(bus, "a", season=2)
    await hold(bus, "b")
    a, b = [row["id"] for row in await keeper.holds()]
    await keeper("hold", "fix", a, "--season", 3, "--offset", -12, "--rule")
    await keeper("hold", "fix", b, "--season", 2, "--offset", "-12", "--rule")
    only = {row["only"]: row["is"] for row in await keeper.rows("rules", "list")}
    assert only == {
        "season 2": "season 3, episode -12",
        "without a season": "season 2, episode -12",
    }


async def test_the_folder_is_told_where_a_show_is_written_otherwise(bus, keeper):
    await hold(bus)
    (row,) = await keeper.holds()
    told = await keeper("hold", "fix", row["id"], "--show", "Re:Zero: Snow?")
    assert "its folder is called 'Re-Zero - Snow'" in told


async def test_approving_the_work_of_another_unit_orders_it_again_from_that_group_alone(
    bus, keeper
):
    await hold(bus, "acquired-1", **working())
    (row,) = await keeper.holds()
    assert row["answers"] == "approve, reject"
    said = await keeper.refused("hold", "fix", row["id"], "--show", "A")
    assert "encoder.main reads no names" in said
    await keeper("hold", "approve", row["id"])
    order = await taken(bus.inbox("encoder", "main"))
    assert order.subject.startswith("izumi.do.encoder.main.normal.again-")
    assert events.decode_fact(order.data) == FACT
    assert await keeper.holds() == []


async def test_rejecting_the_work_of_another_unit_closes_the_hold_and_orders_nothing(bus, keeper):
    await hold(bus, "acquired-1", **working())
    (row,) = await keeper.holds()
    await keeper("hold", "reject", row["id"])
    assert await keeper.holds() == []
    assert await bus.latest("izumi.do.>") == []


async def test_work_whose_order_was_not_kept_cannot_be_done_again(bus, keeper):
    await hold(bus, "acquired-1", **working(origin=events.NULL))
    (row,) = await keeper.holds()
    assert "is not kept" in await keeper.refused("hold", "approve", row["id"])


async def test_two_groups_that_hold_the_same_job_are_two_holds(bus, keeper):
    for group in ("public", "private"):
        await hold(bus, "acquired-1", **working(unit="distributor", group=group))
    units = {row["unit"] for row in await keeper.holds()}
    assert units == {"distributor.public", "distributor.private"}


async def test_what_a_newer_version_held_hides_nothing(bus, keeper):
    await bus.publish(Outgoing(subjects.held("acquisition", "new"), b'{"type":"file.held/9"}'))
    await hold(bus)
    assert len(await keeper.holds()) == 1


async def test_a_rule_made_by_hand_takes_the_place_of_one_about_the_same(bus, keeper):
    await keeper("rules", "add", "--title", "Spring!", "--show", "A", "--by", "mira")
    told = await keeper("rules", "add", "--title", "spring", "--show", "B", "--group", "")
    assert "in place of: 'Spring!' is A (by mira)" in told
    (rule,) = await keeper.rows("rules", "list")
    assert rule["is"] == "B"
    await keeper("rules", "add", "--title", "Spring", "--only-season", 2, "--film")
    assert len(await keeper.rows("rules", "list")) == 2


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--title", " ", "--show", "A"), "the title is empty"),
        (("--title", "Spring"), "it says nothing"),
        (("--title", "Spring", "--episode", "05"), "cannot give every file"),
        (("--title", "S\udcff", "--show", "A"), "is not UTF-8"),
    ],
)
async def test_a_rule_that_cannot_be_is_refused(bus, keeper, options, reason):
    assert reason in await keeper.refused("rules", "add", *options)


async def test_a_removed_rule_is_a_message_and_a_wrong_id_names_the_nearest(bus, keeper):
    assert "there are none" in await keeper.refused("rules", "remove", "r-1")
    await keeper("rules", "add", "--title", "Spring", "--show", "A")
    (rule,) = await keeper.rows("rules", "list")
    said = await keeper.refused("rules", "remove", "r-zz")
    assert said == f"no rule is called 'r-zz'; the nearest is {rule['id']} (Spring)"
    assert "name at least one" in await keeper.refused("rules", "remove")
    await keeper("rules", "remove", rule["id"], "--by", "mira")
    stored = await bus.last(subjects.rule(rule["id"]))
    assert json.loads(stored.data)["type"] == "rule.removed/1"
    assert json.loads(stored.data)["by"] == "mira"
