"""Facts of shows with Kitsu's numbers: asked for once a day, kept over restarts."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from izumi.clients.anilist import Anilist
from izumi.clients.budget import Budget
from izumi.clients.facts import CachedFacts
from izumi.clients.facts_cache import FactsCache
from izumi.clients.http import Http
from izumi.clients.kitsu import Kitsu
from izumi.clients.settings import AnilistSettings, KitsuSettings
from izumi.domain.errors import Unavailable
from tests.support.anilist import BOOKS, OWN, SPARSE, FakeAnilist, fake_anilist
from tests.support.discord import Answer, cloudflare
from tests.support.hand_clock import HandClock
from tests.support.published import rows


@asynccontextmanager
async def knowing(fake: FakeAnilist, folder: Path, clock: HandClock, *, kitsu: bool = True):
    """Facts with a cache in `folder`, fresh for a day of the clock."""
    http = Http()
    facts = CachedFacts(
        Anilist(
            http,
            AnilistSettings(url=fake.url),
            budget=Budget("AniList", per_minute=25, clock=clock, sleep=clock.sleep),
            sleep=clock.sleep,
        ),
        Kitsu(
            http,
            KitsuSettings(url=fake.kitsu_url, timeout_s=2.0),
            budget=Budget("Kitsu", per_minute=30, clock=clock, sleep=clock.sleep),
        )
        if kitsu
        else None,
        FactsCache(folder / "facts.sqlite"),
        fresh_s=86400.0,
        now=clock,
    )
    try:
        yield facts
    finally:
        await facts.aclose()
        await http.aclose()


async def test_facts_come_with_kitsus_number(tmp_path):
    async with fake_anilist(kitsu=[OWN]) as fake, knowing(fake, tmp_path, HandClock()) as facts:
        show = await facts.lookup(anilist_id=9001, title="x")
        assert show is not None
        assert show.kitsu_id == 7001
        assert fake.kitsu_asked == ["Hon no Mori"]


@pytest.mark.parametrize(
    ("kitsu", "number"),
    [
        ([OWN | {"id": "1", "title": "Other", "myanimelist/anime": "1"}, OWN], 7001),
        ([{"id": "2", "title": "Different", "anilist/anime": "9001"}], 2),
        ([{"id": "3", "title": "HON NO MORI!"}], 3),
        ([{"id": "4", "title": "Hon no Mori", "myanimelist/anime": "5"}], None),
        ([{"id": "5", "title": "Hon no Mori 2"}], None),
        ([{"id": "x", "title": "Hon no Mori"}], None),
        ([], None),
    ],
)
async def test_kitsus_number_is_of_the_same_show_or_none(tmp_path, kitsu, number):
    async with fake_anilist(kitsu=kitsu) as fake, knowing(fake, tmp_path, HandClock()) as facts:
        show = await facts.lookup(anilist_id=9001, title="x")
        assert show is not None
        assert show.kitsu_id == number


async def test_recorded_answers_of_kitsu_are_understood(tmp_path):
    one_piece = BOOKS | {
        "id": 21,
        "idMal": 21,
        "title": {"userPreferred": "ONE PIECE", "romaji": "ONE PIECE"},
    }
    recorded = rows("lists/kitsu_recorded/status__current.json.gz")[0]
    async with fake_anilist(one_piece) as fake, knowing(fake, tmp_path, HandClock()) as facts:
        fake.kitsu_script.append(Answer(200, recorded))
        show = await facts.lookup(anilist_id=21, title="x")
        assert show is not None
        assert show.kitsu_id == 12


@pytest.mark.parametrize(
    "answer",
    [
        cloudflare(503),
        Answer(200, {"data": "x"}),
        Answer(200, {"data": [{"id": 1}]}),
        Answer(404, {"errors": [{"title": "no", "status": "404"}]}),
        cloudflare(200),
        Answer(200, {}, after_s=5.0),
        Answer(429, {}, {"Retry-After": "90"}),
    ],
)
async def test_without_kitsu_the_facts_come_without_its_number_and_it_is_left_alone(
    tmp_path, answer
):
    clock = HandClock()
    async with fake_anilist(kitsu=[OWN]) as fake, knowing(fake, tmp_path, clock) as facts:
        fake.kitsu_script.append(answer)
        for number in (9001, 9002):
            show = await facts.lookup(anilist_id=number, title="x")
            assert show is not None
            assert show.kitsu_id is None
        assert len(fake.kitsu_asked) == 1
        clock.now += 91
        show = await facts.lookup(anilist_id=9001, title="x")
        assert show is not None
        assert show.kitsu_id == 7001


async def test_facts_are_asked_for_once_a_day_and_survive_a_restart(tmp_path):
    clock = HandClock()
    async with fake_anilist(kitsu=[OWN]) as fake:
        for _ in range(2):
            async with knowing(fake, tmp_path, clock) as facts:
                for title in ("Hon no Mori", "HON NO MORI"):
                    assert await facts.lookup(anilist_id=None, title=title) is not None
        assert (len(fake.asked), len(fake.kitsu_asked)) == (1, 1)
        clock.now += 86401
        async with knowing(fake, tmp_path, clock) as facts:
            assert await facts.lookup(anilist_id=None, title="Hon no Mori") is not None
        assert (len(fake.asked), len(fake.kitsu_asked)) == (2, 1)


async def test_a_whole_season_that_arrives_asks_once(tmp_path):
    async with fake_anilist(kitsu=[OWN]) as fake, knowing(fake, tmp_path, HandClock()) as facts:
        shows = await asyncio.gather(*(facts.lookup(anilist_id=9001, title="x") for _ in range(24)))
        assert all(show == shows[0] for show in shows)
        assert (len(fake.asked), len(fake.kitsu_asked)) == (1, 1)


async def test_who_loses_patience_takes_the_answer_from_nobody_else(tmp_path):
    async with fake_anilist() as fake, knowing(fake, tmp_path, HandClock(), kitsu=False) as facts:
        fake.script.append(Answer(200, {"data": {"Media": BOOKS}}, after_s=0.5))
        waiting = asyncio.create_task(facts.lookup(anilist_id=9001, title="x"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await facts.lookup(anilist_id=9001, title="x")
        assert await waiting is not None
        assert len(fake.asked) == 1


async def test_old_facts_serve_while_anilist_is_away(tmp_path):
    clock = HandClock()
    async with fake_anilist() as fake, knowing(fake, tmp_path, clock, kitsu=False) as facts:
        fresh = await facts.lookup(anilist_id=9001, title="x")
        clock.now += 10 * 86400
        fake.script.extend([cloudflare(502)] * 2)
        assert await facts.lookup(anilist_id=9001, title="x") == fresh
        with pytest.raises(Unavailable):
            await facts.lookup(anilist_id=9002, title="x")


async def test_a_show_that_nobody_knew_is_asked_for_again_after_an_hour(tmp_path):
    clock = HandClock()
    async with fake_anilist(SPARSE) as fake, knowing(fake, tmp_path, clock, kitsu=False) as facts:
        for _ in range(3):
            assert await facts.lookup(anilist_id=None, title="Hon no Mori") is None
        assert len(fake.asked) == 1
        fake.shows = [BOOKS]
        clock.now += 3601
        assert await facts.lookup(anilist_id=None, title="Hon no Mori") is not None


async def test_a_number_that_anilist_forgot_falls_back_to_the_title(tmp_path):
    async with fake_anilist() as fake, knowing(fake, tmp_path, HandClock(), kitsu=False) as facts:
        show = await facts.lookup(anilist_id=1, title="Hon no Mori")
        assert show is not None
        assert show.anilist_id == 9001
        assert await facts.lookup(anilist_id=1, title=" ") is None


@pytest.mark.parametrize(
    "content", [b"not a database" * 100, b"", b"SQLite format 3\0" + b"x" * 5000]
)
async def test_a_broken_cache_is_made_anew(tmp_path, content):
    (tmp_path / "facts.sqlite").write_bytes(content)
    async with fake_anilist() as fake:
        for _ in range(2):
            async with knowing(fake, tmp_path, HandClock(), kitsu=False) as facts:
                assert await facts.lookup(anilist_id=9001, title="x") is not None
        assert len(fake.asked) == 1


async def test_a_cache_that_cannot_be_written_lasts_as_long_as_the_process(tmp_path):
    (tmp_path / "facts.sqlite").mkdir()
    async with (
        fake_anilist() as fake,
        knowing(fake, tmp_path, HandClock(), kitsu=False) as facts,
    ):
        assert await facts.lookup(anilist_id=9001, title="x") is not None
        assert await facts.lookup(anilist_id=9001, title="x") is not None
        assert len(fake.asked) == 1


async def test_what_another_version_kept_is_asked_for_again(tmp_path):
    clock = HandClock()
    cache = FactsCache(tmp_path / "facts.sqlite")
    await cache.put("id:9001", b'{"other": 1}', clock())
    await cache.aclose()
    async with fake_anilist() as fake, knowing(fake, tmp_path, clock, kitsu=False) as facts:
        assert await facts.lookup(anilist_id=9001, title="x") is not None


async def test_the_cache_forgets_what_is_older_than_a_year(tmp_path):
    cache = FactsCache(tmp_path / "facts.sqlite")
    await cache.put("old", b"1", 0.0)
    await cache.put("new", b"2", 401 * 86400.0)
    assert await cache.get("old") is None
    assert (await cache.get("new")) == (b"2", 401 * 86400.0)
    await cache.aclose()
    await cache.aclose()


async def test_two_processes_may_share_the_cache(tmp_path):
    one, other = FactsCache(tmp_path / "facts.sqlite"), FactsCache(tmp_path / "facts.sqlite")
    for number in range(20):
        await asyncio.gather(one.put(f"a{number}", b"1", 1.0), other.put(f"b{number}", b"2", 1.0))
    assert await one.get("b19") is not None
    assert await other.get("a19") is not None
    await one.aclose()
    await other.aclose()
    with sqlite3.connect(tmp_path / "facts.sqlite") as file:
        assert file.execute("SELECT count(*) FROM facts").fetchone() == (40,)
    file.close()
