"""Acquisition killed around an answer: it is carried out once, whenever it died.

Real processes, with the real bus, rclone, prober and names.
"""

import datetime as dt
import signal

import pytest

from izumi.bus.ports import Outgoing
from izumi.domain import events, subjects
from izumi.domain.events import Answered, RuleMade
from izumi.domain.fix import Fix
from izumi.domain.rules import Rule
from izumi.storage import learnt
from izumi.storage.ledger import Ledger
from tests.support.acquiring import Place, until
from tests.support.bus import provisioned

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
NAME = "[Aoi Hana] 05.mkv"


@pytest.fixture
async def place(tmp_path, nats_server):
    async with provisioned(nats_server) as bus:
        yield Place(tmp_path, bus=bus)


@pytest.fixture
async def held(place, episode):
    """Has a file held, and acquisition dead; the hold."""

    async def hold(acquirer):
        place.put(NAME, episode(1))
        acquirer.start()
        (told,) = await until(place.holds)
        await until(lambda: _in_state(acquirer, "held"))
        await acquirer.kill()
        return told.job

    return hold


async def say(place, answer: Answered) -> None:
    await place.bus.publish(Outgoing(events.subject_of(answer), events.encode(answer)))


async def _in_state(acquirer, state):
    if not (acquirer.state / "acquisition.db").exists():
        return False
    async with await Ledger.visit(acquirer.state) as ledger:
        return (await ledger.counts()).get(state) == 1


@pytest.mark.parametrize("step", ["acquisition.after_answer", "acquisition.after_answered"])
async def test_killed_around_a_fix_it_files_the_file_once_as_it_was_said(
    place, acquirer, held, step
):
    one = acquirer()
    hold = await held(one)
    fix = Fix(show="Blue", episode="33")
    await say(place, Answered(unit="acquisition", hold=hold, answer="fix", fix=fix, at=NOON))
    one.start(f"{step}=kill")
    assert await one.died() == -signal.SIGKILL
    one.start()
    await one.done(1)
    (fact,) = await place.facts()
    assert fact.file.key == "Blue/Blue - 33.mkv"
    assert len(await place.holds()) == 1


@pytest.mark.parametrize("step", ["acquisition.after_answer", "acquisition.after_rejected"])
async def test_killed_around_a_rejection_it_leaves_the_file_alone(place, acquirer, held, step):
    one = acquirer()
    hold = await held(one)
    await say(place, Answered(unit="acquisition", hold=hold, answer="reject", by="m", at=NOON))
    one.start(f"{step}=kill")
    assert await one.died() == -signal.SIGKILL
    one.start()
    await until(lambda: _in_state(one, "ignored"))
    assert await place.facts() == []
    assert (place.root / NAME).exists()


async def test_an_answer_that_took_the_place_of_another_meanwhile_is_the_one_that_counts(
    place, acquirer, held
):
    one = acquirer()
    hold = await held(one)
    fix = Fix(anilist_id=7, revision=2)
    await say(place, Answered(unit="acquisition", hold=hold, answer="approve", at=NOON))
    one.start("acquisition.after_answer=kill")
    assert await one.died() == -signal.SIGKILL
    await say(place, Answered(unit="acquisition", hold=hold, answer="fix", fix=fix, at=NOON))
    one.start()
    await one.done(1)
    (fact,) = await place.facts()
    assert (fact.file.key, fact.episode.anilist_id) == ("Aoi Hana/Aoi Hana - 05v2.mkv", 7)


@pytest.mark.parametrize(
    "step",
    [
        "acquisition.after_rules_heard",
        "acquisition.after_rules_written",
        "acquisition.after_hold_closed",
    ],
)
async def test_killed_while_it_learns_it_goes_by_the_rule_and_closes_the_hold(
    place, acquirer, held, step
):
    one = acquirer()
    hold = await held(one)
    rule = Rule(title="Aoi Hana", fix=Fix(show="Blue"), by="m", at=NOON)
    made = RuleMade(rule=rule)
    await place.bus.publish(Outgoing(subjects.rule(rule.id), events.encode(made)))
    one.start(f"{step}=kill")
    assert await one.died() == -signal.SIGKILL
    one.start()
    await one.done(1)
    (fact,) = await place.facts()
    assert fact.file.key == "Blue/Blue - 05.mkv"
    assert learnt.load(one.state) == (rule,)
    assert (await until(lambda: place.bus.last(subjects.answered("acquisition", hold)))) is not None
    (answer,) = await place.bus.latest("izumi.file.answered.>")
    settled = events.decode_fact(answer.data)
    assert isinstance(settled, Answered)
    assert settled.answer == "settled"


async def test_two_acquirers_killed_around_an_answer_carry_it_out_once(place, acquirer, held):
    one, two = acquirer("one"), acquirer("two")
    hold = await held(one)
    two.start()
    await until(lambda: _in_state(two, "held"))
    fix = Fix(show="Blue")
    await say(place, Answered(unit="acquisition", hold=hold, answer="fix", fix=fix, at=NOON))
    one.start("acquisition.after_answered=kill")
    await one.died()
    one.start()
    await one.done(1)
    await two.done(1)
    (fact,) = await place.facts()
    assert fact.file.key == "Blue/Blue - 05.mkv"
