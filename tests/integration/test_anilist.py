"""Facts of shows from AniList and Kitsu: right, paced, kept, and never in the way."""

import contextlib
import json
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from izumi.clients.anilist import BY_ID, BY_TITLE, Anilist
from izumi.clients.budget import Budget
from izumi.clients.http import Http
from izumi.clients.settings import AnilistSettings
from izumi.domain.announce import announce
from izumi.domain.embed import embed
from izumi.domain.errors import Unavailable
from izumi.domain.show import Show
from tests.support.anilist import (
    BOOKS,
    LIMITED,
    NOT_FOUND,
    OWN,
    FakeAnilist,
    errors,
    fake_anilist,
    kitsu_document,
    names_of,
    recorded_shows,
)
from tests.support.discord import Answer, body_problems, cloudflare
from tests.support.graphql_service import query_problems
from tests.support.hand_clock import HandClock
from tests.support.news import acquired
from tests.support.published import document, published, rows


@asynccontextmanager
async def asking(fake: FakeAnilist, clock: HandClock, *, timeout_s: float = 5.0):
    """A client of the fake, which waits on a clock of its own."""
    http = Http()
    settings = AnilistSettings(url=fake.url, timeout_s=timeout_s)
    budget = Budget("AniList", per_minute=25, clock=clock, sleep=clock.sleep)
    try:
        yield Anilist(http, settings, budget=budget, sleep=clock.sleep)
    finally:
        await http.aclose()


def test_our_queries_are_right_by_the_published_schema():
    assert query_problems(BY_ID) == ()
    assert query_problems(BY_TITLE) == ()
    assert query_problems(BY_ID.replace("popularity", "popularty")) != ()


async def test_a_show_is_found_by_its_number():
    async with fake_anilist() as fake, asking(fake, HandClock()) as anilist:
        show = await anilist.by_id(9001)
        assert show == Show(
            anilist_id=9001,
            mal_id=8001,
            title="Hon no Mori",
            names=(
                "Hon no Mori",
                "A Forest of Books",
                "本の森",
                "The Library: Once More",
                "本の森",
            ),
            status="RELEASING",
            episodes=13,
            duration_min=24,
            score=84,
            popularity=51234,
            cover_url="https://s4.anilist.co/file/cover/medium/bx9001.png",
            studio="Studio Kodama",
            studio_id=6,
        )
        assert await anilist.by_id(404) is None
        assert fake.refused == []


async def test_what_is_not_known_yet_is_none():
    async with fake_anilist() as fake, asking(fake, HandClock()) as anilist:
        assert await anilist.by_id(9002) == Show(
            anilist_id=9002, title="Umi", names=("Umi",), status="NOT_YET_RELEASED"
        )


@pytest.mark.parametrize(
    "title",
    ["Hon no Mori", "a forest of books", "The Library - Once More", "本の森", "HON-NO-MORI!"],
)
async def test_a_show_is_found_by_any_title_or_synonym_without_punctuation(title):
    async with fake_anilist() as fake, asking(fake, HandClock()) as anilist:
        show = await anilist.by_title(title)
        assert show is not None
        assert show.anilist_id == 9001


@pytest.mark.parametrize("title", ["Hon no Mori 2", "Hon", "Mori", "Something Else"])
async def test_a_title_that_is_only_like_it_finds_nothing(title):
    async with fake_anilist() as fake, asking(fake, HandClock()) as anilist:
        assert await anilist.by_title(title) is None


@pytest.mark.parametrize(
    ("statuses", "found"),
    [
        (("NOT_YET_RELEASED", "FINISHED", "RELEASING"), 3),
        (("NOT_YET_RELEASED", "FINISHED"), 2),
        (("CANCELLED", "HIATUS", "NOT_YET_RELEASED"), 3),
        (("FINISHED", "FINISHED"), 1),
        ((None, "FINISHED"), 2),
    ],
)
async def test_of_several_the_one_that_airs_comes_first(statuses, found):
    shows = [BOOKS | {"id": place + 1, "status": one} for place, one in enumerate(statuses)]
    async with fake_anilist(*shows) as fake, asking(fake, HandClock()) as anilist:
        show = await anilist.by_title("Hon no Mori")
        assert show is not None
        assert show.anilist_id == found
        assert len(fake.asked) == 1


FAILURES = {
    "html": cloudflare(200),
    "html 502": cloudflare(502),
    "500": errors(500, ("Internal Server Error", 500)),
    "503 empty": Answer(503, ""),
    "200 with errors": errors(200, ("validation", 400)),
    "200 with errors without status": Answer(200, {"data": None, "errors": [{"message": "no"}]}),
    "400": errors(400, ('Cannot query field "x" on type "Media".', 400)),
    "403 switched off": errors(403, ("The AniList API has been temporarily disabled", 403)),
    "403 blocked": cloudflare(403),
    "404 of a proxy": cloudflare(404),
    "404 json of someone else": Answer(404, {"error": "no route"}),
    "429": LIMITED,
    "429 html": cloudflare(429, Retry_After="30"),
    "200 with 429 inside": errors(200, ("Too Many Requests.", 429)),
    "null": Answer(200, None),
    "list": Answer(200, []),
    "no data": Answer(200, {}),
    "data is a text": Answer(200, {"data": "x"}),
    "data is null": Answer(200, {"data": None}),
    "5 MB": Answer(200, {"data": {"Media": BOOKS | {"description": "x" * 5_000_000}}}),
    "media is a list": Answer(200, {"data": {"Media": []}}),
    "media without title": Answer(200, {"data": {"Media": {"id": 1}}}),
    "title is a number": Answer(200, {"data": {"Media": BOOKS | {"title": {"romaji": 3}}}}),
    "id is huge": Answer(200, {"data": {"Media": BOOKS | {"id": 10**30}}}),
    "errors is a text": Answer(200, {"data": None, "errors": "no"}),
    "errors hold nonsense": Answer(500, {"errors": [None, 1, {"status": {}}], "data": []}),
    "redirect": Answer(302, "", {"Location": "http://127.0.0.1:1/"}),
    "deep": Answer(200, "[" * 20_000),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_an_answer_that_is_of_no_use_is_unavailable_and_says_so(failure):
    async with fake_anilist() as fake, asking(fake, HandClock()) as anilist:
        fake.script.extend([FAILURES[failure]] * 2)
        with pytest.raises(Unavailable, match=r"^AniList: ") as caught:
            await anilist.by_id(9001)
        assert fake.address not in str(caught.value)
        assert len(fake.asked) <= 2


@pytest.mark.parametrize(
    "answer",
    [
        NOT_FOUND,
        Answer(200, {"data": {"Media": None}}),
        errors(200, ("Not Found.", 404), data={"Media": None}),
        errors(404, ("Not Found.", 404)),
    ],
)
async def test_no_such_show_is_no_error(answer):
    async with fake_anilist() as fake, asking(fake, HandClock()) as anilist:
        fake.script.append(answer)
        assert await anilist.by_id(9001) is None


async def test_data_that_came_with_an_error_is_used():
    async with fake_anilist() as fake, asking(fake, HandClock()) as anilist:
        fake.script.append(errors(200, ("studios failed", 500), data={"Media": BOOKS}))
        show = await anilist.by_id(9001)
        assert show is not None
        assert show.title == "Hon no Mori"


async def test_one_entry_that_is_not_as_documented_hides_no_other():
    async with fake_anilist() as fake, asking(fake, HandClock()) as anilist:
        media = [{"id": "x"}, None, 7, BOOKS]
        fake.script.append(Answer(200, {"data": {"Page": {"media": media}}}))
        show = await anilist.by_title("Hon no Mori")
        assert show is not None
        assert show.anilist_id == 9001


@pytest.mark.parametrize("value", [-1, 0, 10**30, True, "12", 3.5, [], {}])
async def test_a_number_that_is_none_is_unknown(value):
    numbers = ("episodes", "duration", "averageScore", "popularity", "idMal")
    async with fake_anilist() as fake, asking(fake, HandClock()) as anilist:
        fake.script.append(Answer(200, {"data": {"Media": BOOKS | dict.fromkeys(numbers, value)}}))
        show = await anilist.by_id(9001)
        assert show is not None
        assert (show.episodes, show.duration_min, show.score, show.popularity, show.mal_id) == (
            (None,) * 5
        )


async def test_a_server_error_is_tried_once_more():
    async with fake_anilist() as fake, asking(fake, HandClock()) as anilist:
        fake.script.append(cloudflare(502))
        assert await anilist.by_id(9001) is not None
        assert len(fake.asked) == 2


async def test_a_server_error_that_says_when_is_not_asked_before():
    clock = HandClock()
    async with fake_anilist(clock=clock) as fake, asking(fake, clock) as anilist:
        fake.script.append(cloudflare(503, Retry_After="120"))
        with pytest.raises(Unavailable, match="503") as caught:
            await anilist.by_id(9001)
        assert caught.value.retry_after_s == 120.0
        clock.now += 119.0
        with pytest.raises(Unavailable, match="not to be asked"):
            await anilist.by_id(9001)
        clock.now += 1.0
        assert await anilist.by_id(9001) is not None


async def test_a_slow_answer_is_given_up_and_others_do_not_wait_for_it():
    async with fake_anilist() as fake, asking(fake, HandClock(), timeout_s=0.2) as anilist:
        fake.script.extend([Answer(200, {}, after_s=3.0)] * 2)
        with pytest.raises(Unavailable, match=r"no answer within 0\.2 s"):
            await anilist.by_id(9001)
        with pytest.raises(Unavailable, match="not to be asked for another 30 s"):
            await anilist.by_id(9002)
        assert len(fake.asked) == 2


async def test_nothing_is_asked_before_retry_after_has_passed():
    clock = HandClock()
    async with fake_anilist(clock=clock) as fake, asking(fake, clock) as anilist:
        for wait_s in ("60", "3", None):
            fake.script.append(LIMITED._replace(headers={"Retry-After": wait_s} if wait_s else {}))
            with pytest.raises(Unavailable, match="429: Too Many Requests") as caught:
                await anilist.by_id(9001)
            allowed_at = clock.now + float(wait_s or 60)
            assert caught.value.retry_after_s == float(wait_s or 60)
            for _ in range(100):
                clock.now += 1.0
                with contextlib.suppress(Unavailable):
                    await anilist.by_id(9001)
                    break
            assert fake.at[-1] >= allowed_at
            assert fake.at[-2] < allowed_at - float(wait_s or 60) + 1


async def test_the_last_request_that_headers_allow_is_the_last_of_its_minute():
    clock = HandClock()
    async with fake_anilist(clock=clock) as fake, asking(fake, clock) as anilist:
        spent = {"X-RateLimit-Remaining": "0"}
        fake.script.append(Answer(200, {"data": {"Media": BOOKS}}, spent))
        assert await anilist.by_id(9001) is not None
        assert await anilist.by_id(9002) is not None
        assert fake.at[1] - fake.at[0] >= 60


async def test_a_suspended_service_is_left_alone_for_minutes():
    async with fake_anilist() as fake, asking(fake, HandClock()) as anilist:
        fake.script.append(FAILURES["403 switched off"])
        with pytest.raises(Unavailable, match="temporarily disabled"):
            await anilist.by_id(9001)
        with pytest.raises(Unavailable, match="another 300 s"):
            await anilist.by_id(9001)


async def test_a_hundred_shows_in_a_row_stay_within_the_limit():
    clock = HandClock()
    async with fake_anilist(clock=clock) as fake, asking(fake, clock) as anilist:
        for number in range(100):
            await anilist.by_id(number)
        assert len(fake.at) == 100
        minutes = zip(fake.at, fake.at[25:], strict=False)
        assert all(later - earlier >= 60 for earlier, later in minutes)


async def test_an_address_where_nobody_listens_is_unavailable():
    http = Http()
    anilist = Anilist(
        http, AnilistSettings(url="http://127.0.0.1:1/secret-path"), sleep=HandClock().sleep
    )
    with pytest.raises(Unavailable, match="AniList: no connection: Connection refused") as caught:
        await anilist.by_id(1)
    assert "secret-path" not in repr(caught.value)
    await http.aclose()


async def test_every_recorded_show_becomes_news_that_discord_takes():
    from izumi.clients.discord_payload import payload

    shows = recorded_shows()
    clock = HandClock()
    async with fake_anilist(*shows) as fake, asking(fake, clock) as anilist:
        for media in shows[::40]:
            clock.now += 60
            show = await anilist.by_id(media["id"])
            assert show is not None
            assert show.title
            assert body_problems(payload(embed(announce([acquired()], show)))) == []
            clock.now += 60
            again = await anilist.by_title(names_of(media)[0])
            assert again is not None
            assert again.is_called(names_of(media)[0])
        assert fake.refused == []


async def test_recorded_edge_answers_are_understood():
    """Answers as AniList gave them: null seasons, no studios, cancelled, 404 and 429."""
    bodies = [document(f"anilist/recorded/modb/{path.name}") for path in modb()]
    async with fake_anilist() as fake, asking(fake, HandClock()) as anilist:
        for body in bodies:
            fake.script.append(Answer(200, body))
            anilist._budget._turns.clear()
            show = await anilist.by_id(1)
            assert show is None or show.title
        for exchange in rows("anilist/recorded/pyanilist_exchanges.jsonl.gz"):
            if exchange["status"]["code"] == 200:
                continue
            fake.script.append(
                Answer(exchange["status"]["code"], exchange["body"], pacing(exchange["headers"]))
            )
            anilist._budget._turns.clear()
            if exchange["status"]["code"] == 404:
                assert await anilist.by_id(1) is None
            else:
                with pytest.raises(Unavailable):
                    await anilist.by_id(1)


def pacing(headers: dict[str, str]) -> dict[str, str]:
    """Of the recorded headers, those that say how fast to ask."""
    return {name: text for name, text in headers.items() if name.startswith(("Retry", "X-Rate"))}


def modb() -> list[Path]:
    return sorted(published("anilist/recorded/modb").glob("*.json"))


def test_the_fake_speaks_as_the_recordings_do():
    recorded = rows("lists/kitsu_recorded/type__tv.json.gz")[0]
    ours = kitsu_document(OWN)
    assert set(ours) <= set(recorded)
    assert set(ours["data"][0]) <= set(recorded["data"][0])
    exchange = next(
        one
        for one in rows("anilist/recorded/pyanilist_exchanges.jsonl.gz")
        if one["status"]["code"] == 429
    )
    assert LIMITED.body | {"errors": exchange["body"]["errors"]} == exchange["body"]
    assert json.loads(msgspec.json.encode(NOT_FOUND.body))["data"] == {"Media": None}
