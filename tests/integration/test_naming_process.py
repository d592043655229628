"""Names are read in a process that is killed when one hangs it, and is there for the next."""

import asyncio
import datetime as dt
import sys
from pathlib import Path

import pytest

from izumi.domain import keys
from izumi.domain.errors import ToolFailed
from izumi.domain.fix import Fix
from izumi.domain.rules import Rule
from izumi.naming.process import NamingProcess

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
RAW = [sys.executable, str(Path(__file__).parent.parent / "support" / "raw_reader.py")]


async def test_a_name_is_identified_with_its_folders():
    async with NamingProcess() as naming:
        found = await naming.identify("[G] Frieren - 05v2 (1080p).mkv", ["Frieren", "Season 2"])
    assert found.key == "Frieren/Frieren S2 - 05v2 [1080p].mkv"
    assert (found.sub, found.held) == ("softsub", None)
    assert found.episode.show == "Frieren"
    assert (found.episode.season, found.episode.number, found.episode.revision) == (2, "05", 2)
    assert found.facts["why"]


async def test_what_is_uncertain_is_held_with_what_is_known():
    async with NamingProcess() as naming:
        found = await naming.identify("[G] Mob Psycho 100 - Reigen.mkv", [])
        unread = await naming.identify("05.mkv", [])
    assert found.held == "the episode is none or '100'"
    assert found.facts["titles"].startswith("Mob Psycho | ")
    assert unread.held is not None
    assert unread.key == "05.mkv"


async def test_a_name_that_hangs_the_reader_is_held_and_the_next_one_is_read():
    async with NamingProcess(limit_s=3, argv=RAW) as naming:
        before = await naming.identify("[G] Show - 01.mkv", [])
        hung = await naming.identify("E 3 -", [])
        after = await naming.identify("[G] Show - 02.mkv", [])
    assert before.episode.show == after.episode.show == "Show"
    assert hung.held == "reading the name took longer than 3 s; give the file another name"


@pytest.mark.parametrize("name", ["die", "chatter"])
async def test_a_name_that_ends_the_reader_is_held_and_the_next_one_is_read(name):
    async with NamingProcess(argv=RAW) as naming:
        ended = await naming.identify(name, [])
        after = await naming.identify("[G] Show - 02.mkv", [])
    assert ended.held is not None
    assert ended.held.startswith("reading the name made its reader end, twice")
    assert after.episode.show == "Show"


async def test_a_reader_that_was_killed_is_replaced():
    async with NamingProcess() as naming:
        await naming.identify("[G] Show - 01.mkv", [])
        assert naming._reader is not None
        await naming._reader.child.stop(grace_s=0)
        assert (await naming.identify("[G] Show - 02.mkv", [])).episode.number == "02"


async def test_an_interrupted_question_does_not_answer_the_next():
    async with NamingProcess(limit_s=60, argv=RAW) as naming:
        asking = asyncio.create_task(naming.identify("E 3 -", []))
        while naming._reader is None:
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert (await naming.identify("[G] Show - 02.mkv", [])).episode.show == "Show"


async def test_the_loop_goes_on_while_a_name_hangs():
    async with NamingProcess(limit_s=1, argv=RAW) as naming:
        asking = asyncio.create_task(naming.identify("E 3 -", []))
        turns = 0
        while not asking.done():
            turns += 1
            await asyncio.sleep(0.01)
    assert turns > 20


async def test_questions_asked_at_once_get_their_own_answers():
    names = [f"[G] Show {chr(65 + i)} - {i:02} [1080p].mkv" for i in range(20)]
    async with NamingProcess() as naming:
        answers = await asyncio.gather(*(naming.identify(name, []) for name in names))
    assert [answer.episode.number for answer in answers] == [f"{i:02}" for i in range(20)]
    assert all(keys.parse_key(answer.key) for answer in answers)


async def test_a_reader_that_cannot_start_is_the_hosts_trouble():
    async with NamingProcess(argv=[sys.executable, "-c", "print('no such thing')"]) as naming:
        with pytest.raises(ToolFailed, match="does not start") as caught:
            await naming.identify("[G] Show - 01.mkv", [])
    assert caught.value.host


async def test_a_name_that_is_no_utf8_is_held():
    async with NamingProcess() as naming:
        found = await naming.identify("Show\udcff - 01.mkv", [])
    assert found.held == "the name is not UTF-8; rename the file"


async def test_rules_and_answers_are_applied_where_names_are_read():
    rule = Rule(title="Aoi Hana", fix=Fix(show="Blue"), by="mira", at=NOON)
    async with NamingProcess() as naming:
        ruled = await naming.identify("[Aoi Hana] 05.mkv", [], rules=[rule])
        fixed = await naming.identify("[Aoi Hana] 05.mkv", [], rules=[rule], fix=Fix(revision=3))
    assert (ruled.key, ruled.held) == ("Blue/Blue - 05.mkv", None)
    assert ruled.facts["why"].startswith(f"rule {rule.id}: 'Aoi Hana' is Blue (by mira, ")
    assert (ruled.title, ruled.season) == ("Aoi Hana", None)
    assert fixed.key == "Blue/Blue - 05v3.mkv"
