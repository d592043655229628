"""Users' lists at AniList and MyAnimeList: read whole, kept, renewed, and never in the way."""

import asyncio
import gzip
import json
import sqlite3
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from izumi.clients.anilist import Anilist
from izumi.clients.anilist_lists import AnilistLists
from izumi.clients.budget import Budget
from izumi.clients.facts_cache import FactsCache
from izumi.clients.http import Http
from izumi.clients.myanimelist import MyAnimeList
from izumi.clients.settings import AnilistSettings, MyAnimeListSettings
from izumi.clients.user_list import CachedUserList, ListService, Times
from izumi.clients.user_lists import NamedList, UserLists
from izumi.domain.errors import Unavailable
from izumi.domain.secret import Secret
from izumi.domain.userlist import ListEntry, Sought, Status
from tests.support import myanimelist
from tests.support.anilist import (
    BOOKS,
    LIMITED,
    NO_USER,
    PRIVATE,
    SPARSE,
    FakeAnilist,
    errors,
    fake_anilist,
)
from tests.support.discord import Answer, cloudflare
from tests.support.hand_clock import HandClock
from tests.support.myanimelist import (
    BAD_CLIENT,
    CLIENT_ID,
    NO_LIST,
    UNKNOWN,
    FakeMyAnimeList,
    fake_myanimelist,
    show,
)
from tests.support.published import document, published

DEFAULT: tuple[Status, ...] = ("watching", "paused", "planning")
BOOKS_SOUGHT = Sought(9001, None, ("Hon no Mori",), certain=True)


@asynccontextmanager
async def anilist_lists(fake: FakeAnilist, clock: HandClock):
    http = Http()
    budget = Budget("AniList", per_minute=25, clock=clock, sleep=clock.sleep)
    settings = AnilistSettings(url=fake.url, timeout_s=5.0)
    try:
        yield AnilistLists(Anilist(http, settings, budget=budget, sleep=clock.sleep))
    finally:
        await http.aclose()


@asynccontextmanager
async def mal_lists(
    fake: FakeMyAnimeList, clock: HandClock, *, by_api: bool = True, timeout_s: float = 5.0
):
    http = Http()
    service = MyAnimeList(
        http,
        MyAnimeListSettings(url=fake.url, site=fake.site, timeout_s=timeout_s),
        Secret(CLIENT_ID) if by_api else None,
        budget=Budget("MyAnimeList", per_minute=30, at_once=2, clock=clock, sleep=clock.sleep),
    )
    try:
        yield service
    finally:
        await http.aclose()


async def complaint(service: ListService, user: str = "aki") -> str:
    with pytest.raises(Unavailable) as caught:
        await service.entries(user, DEFAULT)
    assert CLIENT_ID not in str(caught.value)
    return str(caught.value)


# AniList


async def test_a_list_of_anilist_is_read_with_ids_titles_and_synonyms():
    async with fake_anilist() as fake, anilist_lists(fake, HandClock()) as service:
        fake.lists["aki"] = {"CURRENT": [BOOKS], "COMPLETED": [], "PLANNING": [SPARSE]}
        found = await service.entries("aki", DEFAULT)
        assert found == (
            ListEntry(
                anilist_id=9001,
                mal_id=8001,
                names=("Hon no Mori", "A Forest of Books", "本の森", "The Library: Once More"),
            ),
            ListEntry(anilist_id=9002, names=("Umi",)),
        )
        assert fake.refused == []
        statuses = ["CURRENT", "REPEATING", "PAUSED", "PLANNING"]
        assert fake.asked == [{"user": "aki", "statuses": statuses, "chunk": 1}]


async def test_only_the_statuses_that_are_wanted_count():
    async with fake_anilist() as fake, anilist_lists(fake, HandClock()) as service:
        fake.lists["aki"] = {"CURRENT": [BOOKS], "DROPPED": [SPARSE]}
        assert [one.anilist_id for one in await service.entries("aki", ("dropped",))] == [9002]


async def test_ten_thousand_entries_come_in_chunks_within_the_limit_of_requests():
    many = [BOOKS | {"id": 10_000 + place, "idMal": None} for place in range(10_000)]
    clock = HandClock()
    async with fake_anilist(clock=clock) as fake, anilist_lists(fake, clock) as service:
        fake.lists["aki"] = {"PLANNING": many}
        found = await service.entries("aki", DEFAULT)
        assert {one.anilist_id for one in found} == {show["id"] for show in many}
        assert [asked["chunk"] for asked in fake.asked] == list(range(1, 21))
        # And it is looked up at once, not by going through it.
        assert len(fake.at) == 20


async def test_a_list_that_says_for_ever_that_there_is_more_comes_to_an_end():
    async with fake_anilist() as fake, anilist_lists(fake, HandClock()) as service:
        page = {"hasNextChunk": True, "lists": [{"entries": [{"media": {"id": 5}}]}]}
        fake.script.extend([Answer(200, {"data": {"MediaListCollection": page}})] * 50)
        assert len(await service.entries("aki", DEFAULT)) == 1
        assert len(fake.asked) == 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (NO_USER, "there is no public list of aki"),
        (PRIVATE, "there is no public list of aki"),
        (LIMITED, "Too Many Requests"),
        (errors(500, ("Internal Server Error", 500)), "500"),
        (cloudflare(403), "403"),
        (Answer(200, {"data": {"MediaListCollection": ["x"]}}), "no public list"),
        (Answer(200, {"data": {"MediaListCollection": {"lists": None}}}), "not as documented"),
        (
            Answer(200, {"data": {"MediaListCollection": {"lists": [{"entries": [7]}]}}}),
            "not as documented",
        ),
        (Answer(200, "<html>"), "without GraphQL"),
    ],
)
async def test_a_list_of_anilist_that_cannot_be_read_says_why(answer, said):
    async with fake_anilist() as fake, anilist_lists(fake, HandClock()) as service:
        fake.script.extend([answer] * 2)
        assert said in await complaint(service)


async def test_what_is_on_a_list_of_anilist_is_taken_as_far_as_it_can_be_understood():
    good = {"media": {"id": 5, "idMal": "x", "title": {"romaji": 5}, "synonyms": [None, "  ", "A"]}}
    rubbish: list[Any] = [None, 5, "x", [], {}, {"media": None}, {"media": {"id": -1}}]
    rubbish += [{"media": {"id": "7"}}, {"media": {"id": True}}, {"media": {"id": 10**12}}, good]
    lists: list[Any] = [None, 5, {}, {"entries": None}, {"entries": 7}, {"entries": rubbish}]
    async with fake_anilist() as fake, anilist_lists(fake, HandClock()) as service:
        answer = {"data": {"MediaListCollection": {"hasNextChunk": "yes", "lists": lists}}}
        fake.script.append(Answer(200, answer))
        assert await service.entries("aki", DEFAULT) == (ListEntry(anilist_id=5, names=("A",)),)


async def test_the_recorded_list_is_read_as_it_is():
    recorded = document("anilist/recorded/seanime_anime_collection.json")
    async with fake_anilist() as fake, anilist_lists(fake, HandClock()) as service:
        fake.script.append(Answer(200, {"data": recorded}))
        found = await service.entries("aki", DEFAULT)
        assert len(found) == 52
        assert any("86 EIGHTY-SIX Part 2" in one.names for one in found)


# MyAnimeList


async def test_a_list_of_myanimelist_is_read_by_its_api_with_other_titles():
    mori = show(11, "Hon no Mori", "Book Woods", en="A Forest of Books", ja="本の森")
    lists = {"aki": {"watching": [mori], "plan_to_watch": [show(12, "Umi")], "completed": [mori]}}
    async with fake_myanimelist(lists) as fake, mal_lists(fake, HandClock()) as service:
        names = ("Hon no Mori", "A Forest of Books", "本の森", "Book Woods")
        assert await service.entries("aki", DEFAULT) == (
            ListEntry(mal_id=11, names=names),
            ListEntry(mal_id=12, names=("Umi",)),
        )
        assert fake.refused == []
        assert all("nsfw=true" in asked for asked in fake.asked)


async def test_without_a_client_id_the_list_is_read_as_the_site_shows_it():
    lists = {"aki": {"watching": [show(11, "86", en="Eighty-Six")], "on_hold": [show(12, "Umi")]}}
    async with (
        fake_myanimelist(lists, site_page=1) as fake,
        mal_lists(fake, HandClock(), by_api=False) as service,
    ):
        assert await service.entries("aki", DEFAULT) == (
            ListEntry(mal_id=11, names=("86", "Eighty-Six")),
            ListEntry(mal_id=12, names=("Umi",)),
        )


@pytest.mark.parametrize("by_api", [True, False])
async def test_ten_thousand_entries_of_myanimelist_are_read_page_by_page(by_api):
    many = [show(place, f"Show {place}") for place in range(1, 10_001)]
    async with (
        fake_myanimelist({"aki": {"watching": many}}, page=2000) as fake,
        mal_lists(fake, HandClock(), by_api=by_api) as service,
    ):
        assert len(await service.entries("aki", ("watching",))) == 10_000
        assert len(fake.asked) == (20 if by_api else 35)


@pytest.mark.parametrize("by_api", [True, False])
async def test_pages_without_end_come_to_an_end(by_api):
    async with (
        fake_myanimelist({"aki": {"watching": [show(1, "A")]}}, endless=True) as fake,
        mal_lists(fake, HandClock(), by_api=by_api) as service,
    ):
        assert len(await service.entries("aki", ("watching",))) == 1
        assert len(fake.asked) == 2


@pytest.mark.parametrize("elsewhere", ["http://127.0.0.1:9", "//evil.example", "http://[", "x:/"])
async def test_the_client_id_goes_to_no_other_host_whatever_a_next_page_says(elsewhere):
    many = [show(place, f"Show {place}") for place in range(1, 9)]
    async with (
        fake_myanimelist({"aki": {"watching": many}}, page=4, elsewhere=elsewhere) as fake,
        mal_lists(fake, HandClock()) as service,
    ):
        assert "its next page is at another address" in await complaint(service)


@pytest.mark.parametrize(
    ("by_api", "answer", "said"),
    [
        (True, UNKNOWN, "404, there is no such user, in its words 'not_found'"),
        (True, myanimelist.PRIVATE, "403, the list is private"),
        (True, BAD_CLIENT, "400, the client id is wrong, in its words 'bad_request Invalid"),
        (True, cloudflare(403), "403, the list is private, or this host is shut out"),
        (False, NO_LIST, "400, there is no public list of this user"),
        (False, cloudflare(405), "405"),
        (True, cloudflare(429, Retry_After="7"), "429, too many requests"),
        (True, cloudflare(503), "503"),
        (True, Answer(200, "<html>maintenance</html>"), "200, without a list"),
        (True, Answer(200, []), "not as documented"),
        (True, Answer(200, {"data": {}}), "not as documented"),
        (True, Answer(200, {"data": [], "paging": []}), "not as documented"),
        (True, Answer(200, {"data": [], "paging": {"next": 5}}), "at another address"),
        (False, Answer(200, {"errors": "x"}), "not as documented"),
        (False, Answer(302, "", {"Location": "http://127.0.0.1:9/"}), "302"),
        (True, Answer(200, {"data": [{"id": 5}], "paging": {}}), "not as documented"),
        (True, Answer(200, drop=True), "MyAnimeList: "),
        (True, Answer(200, after_s=30), "no answer within"),
    ],
)
async def test_a_list_of_myanimelist_that_cannot_be_read_says_why(by_api, answer, said):
    async with (
        fake_myanimelist({"aki": {}}) as fake,
        mal_lists(fake, HandClock(), by_api=by_api, timeout_s=0.5) as service,
    ):
        fake.script.extend([answer] * 3)  # a dropped connection is tried again by aiohttp
        assert said in await complaint(service)


async def test_too_many_requests_are_a_pause_for_every_user_of_the_service():
    clock = HandClock()
    async with fake_myanimelist({"aki": {}}) as fake, mal_lists(fake, clock) as service:
        fake.script.append(cloudflare(429, Retry_After="37"))
        await complaint(service)
        began = clock.now
        assert await service.entries("aki", DEFAULT) == ()
        assert clock.now - began >= 37


async def test_what_is_on_a_list_of_myanimelist_is_taken_as_far_as_it_can_be_understood():
    nodes: list[Any] = [None, 5, {}, {"node": 5}, {"node": {"id": "x"}}, {"node": {"id": -3}}]
    nodes += [{"node": {"id": 7, "title": None, "alternative_titles": ["x"]}}]
    nodes += [{"node": {"id": 8, "title": "A", "alternative_titles": {"synonyms": [5, {}, "B"]}}}]
    rows: list[Any] = [None, 7, {}, {"anime_id": "9"}, {"anime_id": 9, "anime_title": True}]
    async with fake_myanimelist({}) as fake:
        async with mal_lists(fake, HandClock()) as service:
            fake.script.append(Answer(200, {"data": nodes, "paging": {}}))
            assert await service.entries("aki", ("watching",)) == (
                ListEntry(mal_id=7),
                ListEntry(mal_id=8, names=("A", "5", "B")),
            )
        async with mal_lists(fake, HandClock(), by_api=False) as service:
            fake.script.extend([Answer(200, rows), Answer(200, [])])
            (found,) = await service.entries("aki", ("watching",))
            assert found.mal_id == 9


async def test_the_documented_samples_and_the_recorded_rows_are_read_as_they_are():
    sample = document("lists/mal_v2/userAnimeList.json")
    rows = json.loads(
        gzip.decompress(published("lists/mal_load_json_toy-anime.json.gz").read_bytes())
    )
    async with fake_myanimelist({"toy": {"watching": rows}}) as fake:
        async with mal_lists(fake, HandClock()) as service:
            fake.script.append(Answer(200, sample | {"paging": {}}))
            found = await service.entries("aki", ("watching",))
            assert [one.mal_id for one in found][:2] == [967, 820]
            assert len(found) == len(sample["data"])
        async with mal_lists(fake, HandClock(), by_api=False) as service:
            found = await service.entries("toy", ("watching",))
            assert len(found) == 300
            assert found[0].names == ("Accel World: Infinite∞Burst",)


# What is kept


class Written:
    """A `ListService` that answers as it is told."""

    name = "Written"

    def __init__(self, *answers: tuple[ListEntry, ...] | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()

    async def entries(self, user: str, statuses: Any) -> tuple[ListEntry, ...]:
        self.asked += 1
        await self.open.wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


ONE = (ListEntry(anilist_id=9001, names=("Hon no Mori",)),)
OTHER = (ListEntry(anilist_id=2),)
AWAY = Unavailable("Written: it answered 503")


@asynccontextmanager
async def kept(service: ListService, folder: Path, clock: HandClock, **times: Any):
    cache = FactsCache(folder / "lists.sqlite")
    made = CachedUserList(
        service,
        "aki",
        DEFAULT,
        cache,
        Times(**({"fresh_s": 600.0, "stale_s": 86400.0} | times), now=clock, clock=clock),
    )
    try:
        yield made
    finally:
        await made.aclose()
        await cache.aclose()


async def test_a_list_is_read_once_and_again_when_it_is_old(tmp_path):
    service, clock = Written(ONE, OTHER), HandClock()
    async with kept(service, tmp_path, clock) as mine:
        for _ in range(3):
            reading = await mine.read()
            assert reading.entries is not None
            assert reading.entries.holds(BOOKS_SOUGHT)
            assert reading.note == ""
        clock.now += 599
        await mine.read()
        assert service.asked == 1
        clock.now += 2
        reading = await mine.read()
        assert reading.entries is not None
        assert not reading.entries.holds(BOOKS_SOUGHT)
        assert service.asked == 2


async def test_many_who_ask_at_once_are_one_request(tmp_path):
    service = Written(ONE)
    service.open.clear()
    async with kept(service, tmp_path, HandClock()) as mine:
        asking = [asyncio.create_task(mine.read()) for _ in range(20)]
        await asyncio.sleep(0)
        service.open.set()
        assert all(reading.entries for reading in await asyncio.gather(*asking))
    assert service.asked == 1


async def test_a_list_survives_a_restart_and_is_not_asked_for_again(tmp_path):
    clock = HandClock()
    async with kept(Written(ONE), tmp_path, clock) as mine:
        await mine.read()
    service = Written()
    async with kept(service, tmp_path, clock) as mine:
        reading = await mine.read()
        assert reading.entries is not None
        assert reading.entries.holds(BOOKS_SOUGHT)
    assert service.asked == 0


async def test_an_old_list_is_used_while_the_service_is_away_and_its_age_is_said_once(tmp_path):
    clock = HandClock()
    async with kept(Written(ONE), tmp_path, clock) as mine:
        await mine.read()
    service = Written(AWAY, AWAY, OTHER)
    async with kept(service, tmp_path, clock) as mine:
        clock.now += 3 * 3600
        with capture_logs() as said:
            for _ in range(5):
                reading = await mine.read()
                assert reading.entries is not None
                assert reading.entries.holds(BOOKS_SOUGHT)
                assert reading.note == "of 3 h 0 min ago: Written: it answered 503"
            assert service.asked == 1, "it is left alone for a while"
            clock.now += 60
            await mine.read()
            assert service.asked == 2
            clock.now += 60
            assert (await mine.read()).note == ""
        assert [(line["event"], line.get("kept")) for line in said] == [
            ("list.unreadable", "3 h 0 min ago"),
            ("list.readable", None),
        ]


async def test_a_list_that_is_too_old_is_none(tmp_path):
    clock = HandClock()
    service = Written(ONE, AWAY)
    async with kept(service, tmp_path, clock) as mine:
        await mine.read()
        clock.now += 86_401
        reading = await mine.read()
        assert reading == (None, "Written: it answered 503")


async def test_a_list_that_does_not_come_is_not_waited_for_and_there_the_next_time(tmp_path):
    service = Written(ONE)
    service.open.clear()
    async with kept(service, tmp_path, HandClock(), within_s=0.05) as mine:
        assert await mine.read() == (None, "no answer yet")
        service.open.set()
        async with asyncio.timeout(30):
            while (await mine.read()).entries is None:
                await asyncio.sleep(0)
    assert service.asked == 1


async def test_a_clock_that_was_put_back_makes_a_list_old_not_young_for_ever(tmp_path):
    service, clock = Written(ONE, OTHER), HandClock(5000.0)
    async with kept(service, tmp_path, clock) as mine:
        await mine.read()
        clock.now = 10.0
        await mine.read()
    assert service.asked == 2


@pytest.mark.parametrize("value", [b"", b"\xff", b"[[1]]", b'[[1,2,["a"],4]]', b'{"a":1}'])
async def test_what_is_kept_and_cannot_be_understood_is_asked_for_again(tmp_path, value):
    clock = HandClock()
    async with kept(Written(ONE), tmp_path, clock) as mine:
        await mine.read()
    with sqlite3.connect(tmp_path / "lists.sqlite") as file:
        file.execute("UPDATE facts SET value = ?", (value,))
    file.close()
    async with kept(Written(ONE), tmp_path, clock) as mine:
        reading = await mine.read()
    assert reading.entries is not None


async def test_a_failure_that_nobody_expects_is_told_and_lets_the_news_through(tmp_path):
    async with kept(Written(ValueError("a bug")), tmp_path, HandClock()) as mine:
        with capture_logs() as said:
            assert (await mine.read()).entries is None
    assert "list.failed" in {line["event"] for line in said}


# Lists of several users


def two(*services: ListService, folder: Path, clock: HandClock, cache: FactsCache) -> UserLists:
    times = Times(now=clock, clock=clock)
    users = [
        CachedUserList(service, f"user{place}", DEFAULT, cache, times)
        for place, service in enumerate(services)
    ]
    return UserLists({"friends": NamedList("anilist", users)})


@pytest.mark.parametrize(
    ("answers", "holds", "note"),
    [
        ([OTHER, ONE], True, ""),
        ([OTHER, OTHER], False, ""),
        ([OTHER, AWAY], None, "Written: it answered 503"),
        ([AWAY, ONE], True, ""),
    ],
)
async def test_any_of_several_users_counts(tmp_path, answers, holds, note):
    cache = FactsCache(tmp_path / "lists.sqlite")
    services = [Written(answer) for answer in answers]
    lists = two(*services, folder=tmp_path, clock=HandClock(), cache=cache)
    assert await lists.answer("friends", BOOKS_SOUGHT) == ("friends", holds, note)
    await lists.aclose()
    await cache.aclose()


def test_the_settings_of_a_list_name_what_is_wrong_with_them():
    from izumi.clients.settings import ListSettings

    good = {"service": "anilist", "users": ["aki"]}
    assert msgspec.convert(good, ListSettings).statuses == DEFAULT
    for change, said in (
        ({"users": []}, "users, statuses"),
        ({"users": [".."]}, "'..' is no user's name"),
        ({"users": ["a/b"]}, "'a/b'"),
        ({"users": ["@me"]}, "'@me'"),
        ({"statuses": []}, "users, statuses"),
        ({"refresh_min": 0}, "refresh_min"),
        ({"service": "kitsu"}, "Invalid enum value 'kitsu'"),
        ({"statuses": ["reading"]}, "Invalid enum value 'reading'"),
    ):
        with pytest.raises(msgspec.ValidationError) as caught:
            msgspec.convert(good | change, ListSettings)
        assert said in str(caught.value)
