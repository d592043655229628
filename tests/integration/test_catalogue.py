"""The catalogue: many questions in few requests, kept, and never in the way."""

import asyncio
import json
import sqlite3
from contextlib import asynccontextmanager
from typing import Any

import pytest

from izumi.clients.anilist_entry import BY_IDS, search_query
from izumi.clients.catalogue_answers import Freshness
from izumi.clients.catalogue_store import CatalogueStore
from izumi.domain.matching import redirects
from izumi.domain.matching.entry import Entry, Match, Wanted
from tests.support.anilist import LIMITED, errors, fake_anilist
from tests.support.catalogue_server import catalogue, search
from tests.support.discord import Answer, cloudflare
from tests.support.graphql_service import complexity, query_problems
from tests.support.hand_clock import HandClock
from tests.support.published import published
from tests.support.shows import ALL, MORI, MORI_2, UMI, catalogue_of, show, wanting

DAY_S = 86400.0


@asynccontextmanager
async def asking(*shows, path=None, clock=None, **more):
    """A catalogue, and the AniList that it asks."""
    clock = clock or HandClock()
    fake_search = more.pop("search", None)
    async with (
        fake_anilist(*(shows or ALL), clock=clock, search=fake_search) as fake,
        catalogue_of(fake, path, clock, **more) as known,
    ):
        yield known, fake
    assert fake.refused == []


def id_of(match: Match) -> int | None:
    return None if match.entry is None else match.entry.anilist_id


def searched(fake) -> list[str]:
    """Every text that was searched for, request after request."""
    return [text for asked in fake.asked if "ids" not in asked for text in asked.values()]


def test_our_queries_are_right_by_the_published_schema():
    assert query_problems(BY_IDS) == ()
    assert query_problems(search_query(15)) == ()
    assert complexity(search_query(15)) < 500


async def test_a_show_is_found_with_all_that_is_known_of_it():
    async with asking() as (known, _):
        (match,) = await known.match([wanting("Hon no Mori")])
        entry = match.entry
        assert entry is not None
        assert (entry.anilist_id, entry.mal_id) == (1, 50_001)
        assert entry.titles == ("Hon no Mori", "A Forest of Books", "本の森")
        assert entry.synonyms == ("Book Woods",)
        assert (entry.format, entry.status, entry.episodes) == ("TV", "FINISHED", 12)
        assert (entry.started, entry.popularity) == ("2015-04-07", 100)
        assert [(one.kind, one.anilist_id) for one in entry.relations] == [("SEQUEL", 2)]


async def test_answers_come_in_the_order_of_the_questions_each_asked_once():
    async with asking() as (known, fake):
        titles = ["Umi no Uta", "Hon no Mori", "Something Else", "Hon no Mori"]
        wanted = [wanting(title, year=2019 if "Umi" in title else None) for title in titles]
        assert list(map(id_of, await known.match(wanted))) == [4, 1, None, 1]
        assert len(fake.asked) == 1
        assert len(searched(fake)) == len(set(searched(fake)))


async def test_no_questions_and_a_question_without_a_title_ask_nothing():
    async with asking() as (known, fake):
        assert await known.match([]) == []
        assert await known.match([wanting("Hon no Mori"), wanting("")]) != []
        before = len(fake.asked)
        assert await known.match([Wanted(titles=())]) == [Match()]
        assert len(fake.asked) == before


async def test_a_sequel_that_the_search_does_not_find_is_loaded_by_its_number():
    shows = [MORI, MORI_2 | {"title": MORI["title"] | {"romaji": "Tobira"}, "synonyms": []}]
    async with asking(*shows, search=lambda _: [MORI]) as (known, fake):
        (match,) = await known.match([wanting("Hon no Mori", "14")])
        assert id_of(match) == 2
        assert match.number == "2"
        assert {"ids": [2]} in fake.asked


async def test_a_sequel_that_cannot_be_loaded_is_said():
    async with asking(*ALL, search=lambda _: [MORI]) as (known, fake):
        await known.match([wanting("Hon no Mori")])
        fake.script.append(errors(403, ("disabled", 403)))
        (match,) = await known.match([wanting("Hon no Mori", "14")])
        assert match.why[-1] == "AniList: it answered 403: disabled; this is by what is known here"


async def test_redirects_of_episodes_are_heeded():
    rules = redirects.parse("::rules\n\n- ?|?|1:13-24 -> ?|?|2:1-12\n")
    quiet = [MORI | {"relations": None, "episodes": None}, MORI_2]
    async with asking(*quiet, redirects=rules) as (known, _):
        (match,) = await known.match([wanting("Hon no Mori", "15")])
        assert (id_of(match), match.number) == (2, "3")


async def test_what_may_be_several_is_left_to_a_person():
    equals = [show(3, "Umi no Uta", year=2018), show(4, "Umi no Uta", year=2019)]
    async with asking(*equals) as (known, _):
        (match,) = await known.match([wanting("Umi no Uta")])
        assert match.entry is None
        assert {one.anilist_id for one in match.candidates} == {3, 4}


async def test_an_unknown_show_is_open_and_not_held():
    async with asking() as (known, _):
        (match,) = await known.match([wanting("Nobody Knows This")])
        assert match.entry is None
        assert match.candidates == ()
        assert not any("AniList:" in why for why in match.why)


async def test_thousands_of_names_need_few_requests_and_stay_within_the_limit():
    clock = HandClock()
    shows = [show(number, f"Kotoba {number:04d} no Mori") for number in range(1, 1001)]
    titles = {one["title"]["romaji"]: one for one in shows}
    async with asking(
        *shows,
        clock=clock,
        search=lambda text: [titles[text]] if text in titles else [],
        patience_s=100_000.0,
    ) as (known, fake):
        names = [
            wanting(f"Kotoba {1 + n % 1000:04d} no Mori", str(n // 1000 + 1)) for n in range(3000)
        ]
        found = await known.match(names)
        assert all(map(id_of, found))
        assert len(fake.asked) <= 1000 / 15 + 2
        windows = zip(fake.at, fake.at[25:], strict=False)
        assert all(later - earlier >= 60 for earlier, later in windows)


async def test_nothing_is_asked_again_while_it_is_fresh_also_after_a_restart(tmp_path):
    clock, path = HandClock(), tmp_path / "catalogue.sqlite"
    async with fake_anilist(*ALL, clock=clock) as fake:
        for _ in range(3):
            async with catalogue_of(fake, path, clock) as known:
                found = await known.match([wanting("Hon no Mori"), wanting("Nobody Knows")])
                assert list(map(id_of, found)) == [1, None]
        assert len(fake.asked) == 1
        clock.now += 1.1 * DAY_S
        async with catalogue_of(fake, path, clock) as known:
            await known.match([wanting("Hon no Mori"), wanting("Nobody Knows")])
        assert len(fake.asked) == 2
        assert not any("Hon" in text for text in fake.asked[1].values())
        clock.now += 7 * DAY_S
        async with catalogue_of(fake, path, clock) as known:
            await known.match([wanting("Hon no Mori")])
        assert len(fake.asked) == 3


@pytest.mark.parametrize(
    ("title", "number", "found"),
    [
        ("Hon no Mori", "01", 1),
        ("HON NO MORI!", "01", 1),
        ("A Forest of Books", "01", 1),
        ("本の森", "01", 1),
        ("Book Woods", "01", 1),
        ("Hon no Mori Tobira", "01", 2),
        ("Hon no Mori", "13", 2),
        ("Something Else", "01", None),
    ],
)
async def test_known_shows_are_found_by_any_title_while_anilist_is_away(
    tmp_path, title, number, found
):
    clock, path = HandClock(), tmp_path / "catalogue.sqlite"
    async with fake_anilist(*ALL, clock=clock) as fake, catalogue_of(fake, path, clock) as known:
        await known.match([wanting("Hon no Mori", "14")])
    async with fake_anilist(*ALL, clock=clock) as fake, catalogue_of(fake, path, clock) as known:
        fake.script.extend([cloudflare(502)] * 2)
        (match,) = await known.match([wanting(title, number)])
        assert id_of(match) == found
        if title != "Hon no Mori":
            assert match.why[-1] == "AniList: it answered 502; this is by what is known here"


async def test_a_later_season_is_known_by_its_beginning_while_anilist_is_away(tmp_path):
    clock, path = HandClock(), tmp_path / "catalogue.sqlite"
    by_title = {"Kaze no Tani": show(7, "Kaze no Tani")}
    by_title["Kaze no Tani 2nd Season"] = show(8, "Kaze no Tani 2nd Season", year=2018)
    async with fake_anilist(
        clock=clock, search=lambda text: [by_title[text]] if text in by_title else []
    ) as fake:
        async with catalogue_of(fake, path, clock) as known:
            await known.match([wanting("Kaze no Tani 2nd Season"), wanting("Kaze no Tani")])
        fake.script.extend([cloudflare(502)] * 2)
        async with catalogue_of(fake, path, clock) as known:
            (match,) = await known.match([wanting("Kaze no Tani", season=2)])
        assert id_of(match) == 8


async def test_a_stale_answer_serves_while_anilist_is_away(tmp_path):
    clock, path = HandClock(), tmp_path / "catalogue.sqlite"
    odd = show(9, "Nothing Like It")
    async with asking(odd, search=lambda _: [odd], path=path, clock=clock) as (known, fake):
        (before,) = await known.match([wanting("Nothing Lik It")])
        clock.now += 30 * DAY_S
        fake.script.extend([cloudflare(503)] * 2)
        (match,) = await known.match([wanting("Nothing Lik It")])
        assert id_of(match) == id_of(before) == 9
        clock.now += 31
        (match,) = await known.match([wanting("Nothing Lik It")])
        assert match == before


async def test_once_anilist_is_away_names_are_answered_at_once():
    clock = HandClock()
    async with asking(clock=clock) as (known, fake):
        fake.script.extend([cloudflare(502)] * 2)
        asked_at = clock.now
        for number in range(200):
            (match,) = await known.match([wanting(f"Title {number}")])
            assert match.entry is None
            assert "AniList" in match.why[-1]
        assert len(fake.asked) == 2
        assert clock.now - asked_at < 5


@pytest.mark.parametrize("wait_s", [7, 45])
async def test_a_pause_is_waited_for_within_patience_and_no_longer(wait_s):
    clock = HandClock()
    async with asking(clock=clock, patience_s=20.0) as (known, fake):
        fake.script.append(LIMITED._replace(headers={"Retry-After": str(wait_s)}))
        (match,) = await known.match([wanting("Hon no Mori")])
        assert "429" in match.why[-1]
        began = clock.now
        (match,) = await known.match([wanting("Hon no Mori")])
        if wait_s < 20:
            assert id_of(match) == 1
            assert fake.at[1] - fake.at[0] >= wait_s
        else:
            assert id_of(match) is None
            assert clock.now - began < 20


UNUSABLE = {
    "403": errors(403, ("The AniList API has been temporarily disabled", 403)),
    "html": cloudflare(200),
    "500": errors(500, ("Internal Server Error", 500)),
    "null": Answer(200, None),
    "list": Answer(200, []),
    "no pages": Answer(200, {"data": {}}),
    "pages are null": Answer(200, {"data": {"a0": None}}),
    "pages are texts": Answer(200, {"data": {"a0": "x", "a1": "y", "a2": 7}}),
    "media is a text": Answer(200, {"data": {"a0": {"media": "x"}}}),
    "huge": Answer(200, {"data": {"a0": {"media": ["x" * 3_000_000]}}}),
    "404 for all": errors(404, ("Not Found.", 404)),
    "late": Answer(200, {"data": {}}, after_s=2.0),
}


@pytest.mark.parametrize("answer", UNUSABLE)
async def test_an_answer_of_no_use_leaves_a_show_open_and_is_not_kept(answer):
    clock = HandClock()
    async with asking(clock=clock, timeout_s=0.3) as (known, fake):
        fake.script.extend([UNUSABLE[answer]] * (2 if answer in {"500", "huge", "late"} else 1))
        (match,) = await known.match([wanting("Hon no Mori")])
        assert match.entry is None
        assert "this is by what is known here" in match.why[-1]
        clock.now += 400
        (match,) = await known.match([wanting("Hon no Mori")])
        assert id_of(match) == 1


async def test_what_is_answered_in_part_is_used_and_the_rest_asked_again():
    clock = HandClock()
    async with asking(clock=clock) as (known, fake):
        half = {"data": {"a0": {"media": [MORI]}, "a1": None}}
        fake.script.append(Answer(200, half | {"errors": [{"message": "late", "status": 500}]}))
        (one, other) = await known.match([wanting("Mori"), wanting("Umi")])
        assert "only a part" in other.why[-1]
        assert not any("only a part" in why for why in one.why)
        await known.match([wanting("Umi", year=2001)])
        assert fake.asked[1] == {"q0": "Umi"}


@pytest.mark.parametrize("limit", [24, 60, 130, 240])
async def test_a_query_that_is_too_complex_is_halved_until_it_is_not(limit):
    clock = HandClock()
    shows = [show(number, f"Kotoba {number:04d}") for number in range(1, 61)]
    async with fake_anilist(*shows, clock=clock) as fake:
        fake.most_complex = limit
        async with catalogue_of(fake, None, clock, patience_s=10_000.0) as known:
            found = await known.match([wanting(f"Kotoba {n:04d}") for n in range(1, 61)])
            assert all(map(id_of, found))
            refusals = len(fake.asked)
            await known.match([wanting(f"Ame {n:04d}") for n in range(1, 61)])
            sizes = [len(asked) for asked in fake.asked[refusals:]]
        assert max(sizes) <= limit // 22 + 1
        assert fake.refused == []


class Picky:
    """Refuses queries that hold a certain text."""

    def __init__(self, fake, bad: str) -> None:
        self.fake, self.bad = fake, bad
        self.answer = fake._carry_out

    def __call__(self, query, variables):
        if any(self.bad in str(value) for value in variables.values()):
            return errors(400, ("validation", 400))
        return self.answer(query, variables)


async def test_one_text_that_is_refused_hides_no_other_and_is_asked_once_a_day():
    clock = HandClock()
    shows = [show(number, f"Kotoba {number:04d}") for number in range(1, 31)]
    async with asking(*shows, clock=clock, patience_s=10_000.0) as (known, fake):
        fake._carry_out = Picky(fake, "0007")
        wanted = [wanting(f"Kotoba {n:04d}") for n in range(1, 31)]
        found = await known.match(wanted)
        assert [number for number, one in enumerate(found, 1) if one.entry is None] == [7]
        assert len(fake.asked) <= 14
        before = len(fake.asked)
        await known.match(wanted)
        assert len(fake.asked) == before
        await known.match([wanting(f"Ame {n:04d}") for n in range(1, 31)])
        assert max(len(asked) for asked in fake.asked[before:]) == 15


async def test_a_service_that_refuses_everything_is_left_alone():
    clock = HandClock()
    async with asking(clock=clock, patience_s=10_000.0) as (known, fake):
        fake._carry_out = Picky(fake, "")
        for number in range(30):
            (match,) = await known.match([wanting(f"Kotoba {number:04d}")])
            assert match.entry is None
        assert len(fake.asked) <= 6
        assert "AniList" in match.why[-1]


async def test_a_season_that_arrives_at_once_asks_once():
    async with asking() as (known, fake):
        names = [wanting("Hon no Mori", f"{n:02d}") for n in range(1, 13)]
        found = await asyncio.gather(*(known.match([one]) for one in names))
        assert [id_of(match) for (match,) in found] == [1] * 12
        assert len(fake.asked) == 1


async def test_who_waits_behind_another_goes_by_what_is_known_when_patience_ends():
    clock = HandClock()
    async with asking(clock=clock, patience_s=0.3) as (known, fake):
        fake.script.append(Answer(200, {"data": {"a0": {"media": [MORI]}}}, after_s=1.5))
        first = asyncio.create_task(known.match([wanting("Hon no Mori")]))
        while not fake.asked:
            await asyncio.sleep(0.01)
        (match,) = await known.match([wanting("Umi no Uta")])
        assert match.why[-1].startswith("AniList: others ask it")
        assert id_of((await first)[0]) == 1


@pytest.mark.parametrize(
    "content", [b"not a database" * 100, b"", b"SQLite format 3\0" + b"x" * 5000]
)
async def test_a_broken_store_is_made_anew(tmp_path, content):
    path = tmp_path / "catalogue.sqlite"
    path.write_bytes(content)
    async with asking(path=path) as (known, _):
        assert id_of((await known.match([wanting("Hon no Mori")]))[0]) == 1
    async with asking(path=path) as (known, fake):
        assert id_of((await known.match([wanting("Hon no Mori")]))[0]) == 1
        assert fake.asked == []


async def test_a_store_that_breaks_while_it_is_open_is_made_anew(tmp_path):
    path, clock = tmp_path / "catalogue.sqlite", HandClock()
    async with asking(path=path, clock=clock) as (known, fake):
        await known.match([wanting("Hon no Mori")])
        with sqlite3.connect(path) as raw:
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        raw.close()
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (size - 4096))
        for _ in range(2):
            assert id_of((await known.match([wanting("Hon no Mori")]))[0]) == 1
        assert len(fake.asked) == 2


@pytest.mark.parametrize("spoil", ["PRAGMA user_version = 99", "DROP TABLE name"])
async def test_a_store_of_another_version_is_no_reason_to_fail(tmp_path, spoil):
    path = tmp_path / "catalogue.sqlite"
    async with asking(path=path) as (known, _):
        await known.match([wanting("Hon no Mori")])
    with sqlite3.connect(path) as raw:
        raw.execute(spoil)
    raw.close()
    async with asking(path=path) as (known, _):
        assert id_of((await known.match([wanting("Hon no Mori")]))[0]) == 1


async def test_a_store_that_cannot_be_written_lasts_as_long_as_the_process(tmp_path):
    (tmp_path / "state").write_bytes(b"a file where a folder should be")
    async with asking(path=tmp_path / "state/catalogue.sqlite") as (known, fake):
        for _ in range(2):
            assert id_of((await known.match([wanting("Hon no Mori")]))[0]) == 1
        assert len(fake.asked) == 1


async def test_what_an_older_version_wrote_is_asked_for_again(tmp_path):
    path = tmp_path / "catalogue.sqlite"
    async with asking(path=path) as (known, _):
        await known.match([wanting("Hon no Mori")])
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE entry SET value = '{}'")
        raw.execute("UPDATE search SET ids = 'x'")
    raw.close()
    async with asking(path=path) as (known, _):
        assert id_of((await known.match([wanting("Hon no Mori")]))[0]) == 1


async def test_an_entry_is_had_by_its_number_and_kept():
    clock = HandClock()
    async with asking(clock=clock) as (known, fake):
        for _ in range(2):
            entry = await known.entry(2)
            assert entry is not None
            assert entry.mal_id == 50_002
            assert await known.entry(404) is None
        assert len(fake.asked) == 2
        fake.script.append(cloudflare(403))
        assert await known.entry(3) is None
        assert await known.entry(2) == entry


async def test_how_long_answers_are_fresh_can_be_said():
    clock = HandClock()
    brief = Freshness(found_s=10.0, nothing_s=5.0)
    async with asking(clock=clock, freshness=brief) as (known, fake):
        for wait_s in (0, 9, 2):
            clock.now += wait_s
            await known.match([wanting("Hon no Mori")])
        assert len(fake.asked) == 2


async def test_an_entry_is_found_by_the_titles_that_it_has_now_and_no_others(tmp_path):
    store = CatalogueStore(tmp_path / "catalogue.sqlite")
    before = Entry(anilist_id=1, titles=("Hon no Mori", "Kept"))
    await store.keep([before], 0.0)
    await store.keep([Entry(anilist_id=1, titles=("Hon no Umi", "Kept"))], 1.0)
    names = ["hon no mori!", "HON NO UMI", "kept", "Hon no", "Kep"]
    found = await store.named(names, widely=False)
    assert found == {
        "hon no mori!": (),
        "HON NO UMI": (1,),
        "kept": (1,),
        "Hon no": (),
        "Kep": (),
    }
    assert (await store.named(["Hon no", "Kep"], widely=True)) == {"Hon no": (1,), "Kep": ()}
    await store.keep([], 2.0, absent=[1])
    assert await store.named(names, widely=True) == dict.fromkeys(names, ())
    await store.aclose()


async def test_one_store_serves_two_catalogues_at_once(tmp_path):
    path, clock = tmp_path / "catalogue.sqlite", HandClock()
    shows = [show(number, f"Kotoba {number:04d}") for number in range(1, 121)]
    async with (
        fake_anilist(*shows, clock=clock) as fake,
        catalogue_of(fake, path, clock, patience_s=10_000.0) as one,
        catalogue_of(fake, path, clock, patience_s=10_000.0) as other,
    ):
        wanted = [wanting(f"Kotoba {n:04d}") for n in range(1, 121)]
        found, again = await asyncio.gather(one.match(wanted), other.match(wanted[::-1]))
        assert list(map(id_of, found)) == [*range(1, 121)] == list(map(id_of, again[::-1]))
    async with catalogue_of(fake, path, clock) as offline:
        asked = len(fake.asked)
        assert list(map(id_of, await offline.match(wanted))) == [*range(1, 121)]
        assert len(fake.asked) == asked


ITSELF = {"relationType": "SEQUEL", "node": {"id": 1, "type": "ANIME"}}

HOSTILE: dict[str, list[Any]] = {
    "ids": [{"id": None}, {"id": "1"}, {"id": -1}, {"id": True}, {}, None, 7, []],
    "titles": [MORI | {"title": None}, MORI | {"title": [1]}, MORI | {"title": {"romaji": {}}}],
    "synonyms": [MORI | {"synonyms": "text"}, MORI | {"synonyms": [None, 1, {}, "", " "]}],
    "huge": [MORI | {"synonyms": ["x" * 200_000, *map(str, range(5000))]}],
    "numbers": [MORI | dict.fromkeys(("idMal", "episodes", "popularity"), 10**30)],
    "words": [MORI | {"format": 3, "status": "; DROP TABLE name"}],
    "dates": [
        MORI | {"startDate": None},
        MORI | {"startDate": []},
        MORI | {"startDate": {"year": "x"}},
        MORI | {"startDate": {"year": 10**9}},
    ],
    "days": [MORI | {"startDate": {"year": 2015, "month": 13, "day": 40}}],
    "relations": [
        MORI | {"relations": None},
        MORI | {"relations": []},
        MORI | {"relations": {"edges": 7}},
        MORI | {"relations": {"edges": [None, {}, {"node": None}, {"node": {"id": 1}}]}},
        MORI | {"relations": {"edges": [ITSELF] * 3000}},
    ],
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_entries_that_are_not_as_documented_harm_nothing(tmp_path, case):
    for number, media in enumerate(HOSTILE[case]):
        path = tmp_path / f"{number}.sqlite"
        async with asking(path=path) as (known, fake):
            fake.script.append(Answer(200, {"data": {"a0": {"media": [media, UMI]}}}))
            (match,) = await known.match([wanting("Umi no Uta", year=2001)])
            assert id_of(match) == 3
            (match,) = await known.match([wanting("Hon no Mori")])
            assert id_of(match) == 1


@pytest.mark.parametrize("way", ["strict", "loose"])
async def test_published_release_names_find_their_shows(way):
    names = json.loads(published("catalogue/subsplease_names.json").read_text("utf-8"))["names"]
    some = dict(list(names.items())[::5])
    clock = HandClock()
    async with asking(
        *catalogue(), search=search(catalogue(), way), clock=clock, patience_s=100_000.0
    ) as (known, fake):
        found = await known.match([wanting(name) for name in some])
        answered = [(one, ids) for one, ids in zip(found, some.values(), strict=True) if one.entry]
        right = sum(id_of(one) in ids for one, ids in answered)
        assert len(answered) >= 0.85 * len(some)
        assert right >= 0.92 * len(answered)
        assert len(fake.asked) <= len(some) / 5
