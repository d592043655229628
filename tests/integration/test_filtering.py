"""Filters at work: what a notifier's targets are told of, and what a distributor's group gets."""

import asyncio
import datetime as dt
import hashlib
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from izumi import compose, settings
from izumi.bus.memory import MemoryBus
from izumi.bus.ports import Bus, Outgoing
from izumi.clients.anilist import Anilist
from izumi.clients.anilist_lists import AnilistLists
from izumi.clients.facts_cache import FactsCache
from izumi.clients.http import Http
from izumi.clients.ports import ShowFacts, Sieve
from izumi.clients.settings import AnilistSettings
from izumi.clients.sieve import FilterSieve
from izumi.clients.user_list import CachedUserList, Times
from izumi.clients.user_lists import NamedList, UserLists
from izumi.consumers.board import Board
from izumi.consumers.distributor import Distributor, DistributorSettings
from izumi.consumers.notifier import Notifier
from izumi.consumers.telling import Target
from izumi.domain import subjects
from izumi.domain.errors import Postponed, StorageUnavailable, Unavailable
from izumi.domain.events import Acquired, Distributed, Notified, encode, subject_of
from izumi.domain.filters import Drop, Filter, Pass, Verdict, Wait
from izumi.domain.show import Show
from izumi.domain.told import News
from izumi.storage.ports import Location
from tests.support.anilist import BOOKS, fake_anilist
from tests.support.anilist import errors as anilist_error
from tests.support.channels import KnownFacts, MemoryChannel
from tests.support.folder_store import FolderStore
from tests.support.job import FakeJob
from tests.support.myanimelist import CLIENT_ID, fake_myanimelist, show
from tests.support.news import BOOKS as FACTS
from tests.support.news import acquired, encoded, file
from tests.support.working import until_state, working

NIGHT = dt.datetime(2026, 11, 3, 23, 30, tzinfo=dt.UTC)
MORNING = dt.datetime(2026, 11, 4, 7, tzinfo=dt.UTC)
QUIET = Filter(quiet="23:00-07:00", zone="UTC")
AWAY = anilist_error(503, ("Service Unavailable", 503))


class Clock:
    """The time of day, moved by hand."""

    def __init__(self, now: dt.datetime = NIGHT) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now


class Written:
    """A `Sieve` that says what it is told to."""

    def __init__(self, *verdicts: Verdict) -> None:
        self.verdicts = list(verdicts)

    async def judge(self, fact: News) -> Verdict:
        return self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]


def by(rules: Filter, now: Callable[[], dt.datetime] = Clock()) -> FilterSieve:  # noqa: B008 - it is only read
    return FilterSieve(rules=rules, lists=UserLists({}), facts=None, now=now)


@asynccontextmanager
async def by_lists(
    folder: Path, url: str, *users: str, facts: ShowFacts | None = None, **rules: Any
):
    """A sieve of `friends`, the AniList lists of these users."""
    http = Http()
    service = AnilistLists(Anilist(http, AnilistSettings(url=url, timeout_s=2.0), tries=1))
    cache = FactsCache(folder / "lists.sqlite")
    cached = [
        CachedUserList(service, user, ("watching", "planning"), cache, Times()) for user in users
    ]
    lists = UserLists({"friends": NamedList("anilist", cached)})
    try:
        yield FilterSieve(
            rules=Filter(lists=("friends",), **rules), lists=lists, facts=facts, now=Clock()
        )
    finally:
        await lists.aclose()
        await cache.aclose()
        await http.aclose()


# The component


async def test_a_show_on_any_users_list_is_let_in_by_its_number_and_another_is_not(tmp_path):
    async with fake_anilist() as fake:
        fake.lists = {"aki": {"CURRENT": []}, "ben": {"PLANNING": [BOOKS]}}
        async with by_lists(tmp_path, fake.url, "aki", "ben") as sieve:
            assert await sieve.judge(acquired(anilist_id=9001)) == Pass("on list friends")
            verdict = await sieve.judge(acquired(anilist_id=5, show="Hon no Mori Zwei"))
            assert verdict == Drop("not on list friends")
        assert len(fake.asked) == 2, "each list was read once"


async def test_a_show_without_a_number_is_let_in_by_its_title_or_a_synonym(tmp_path):
    async with fake_anilist() as fake:
        fake.lists = {"aki": {"CURRENT": [BOOKS]}}
        async with by_lists(tmp_path, fake.url, "aki", facts=KnownFacts(None)) as sieve:
            for title in ("Hon no Mori", "The Library - Once More", "本の森"):
                assert isinstance(await sieve.judge(acquired(show=title)), Pass), title
            assert isinstance(await sieve.judge(acquired(show="Umi")), Drop)


async def test_numbers_and_names_that_the_facts_know_count_too(tmp_path):
    facts = KnownFacts(FACTS)
    async with fake_anilist() as fake:
        fake.lists = {"aki": {"CURRENT": [BOOKS | {"title": {"romaji": "Else"}, "synonyms": []}]}}
        async with by_lists(tmp_path, fake.url, "aki", facts=facts) as sieve:
            assert isinstance(await sieve.judge(acquired(show="A Forest of Books")), Pass)
            await sieve.judge(acquired(file(show="A Forest of Books"), show="A Forest of Books"))
    assert facts.asked == [(None, "A Forest of Books")], "once for all of a show"


async def test_facts_of_a_show_that_is_only_called_alike_do_not_count(tmp_path):
    alike = Show(anilist_id=9001, mal_id=8001, title="Hon no Mori", names=("Hon no Mori",))
    at_mal = acquired(show="Else")
    fact = msgspec.structs.replace(
        at_mal, episode=msgspec.structs.replace(at_mal.episode, mal_id=77)
    )
    async with fake_anilist() as fake:
        fake.lists = {"aki": {"CURRENT": [BOOKS]}}
        async with by_lists(tmp_path, fake.url, "aki", facts=KnownFacts(alike)) as sieve:
            assert isinstance(await sieve.judge(fact), Drop)


async def test_a_list_that_cannot_be_read_lets_the_news_in_and_says_so_once(tmp_path):
    async with fake_anilist() as fake:
        fake.script.extend([AWAY] * 9)
        async with by_lists(tmp_path, fake.url, "aki") as sieve:
            with capture_logs() as said:
                for number in range(1, 6):
                    verdict = await sieve.judge(acquired(anilist_id=number))
                    assert isinstance(verdict, Pass)
                    assert "let in unread: list friends (AniList: it answered 503" in verdict.reason
        assert [line["event"] for line in said] == ["list.unreadable"]
        assert len(fake.asked) == 1


@pytest.mark.parametrize("failure", [Unavailable("AniList: it answered 502"), TimeoutError()])
async def test_a_show_of_which_nothing_can_be_asked_is_let_in_unless_the_list_has_it(
    tmp_path, failure
):
    async with fake_anilist() as fake:
        fake.lists = {"aki": {"CURRENT": [BOOKS]}}
        async with by_lists(tmp_path, fake.url, "aki", facts=KnownFacts(failure=failure)) as sieve:
            assert await sieve.judge(acquired()) == Pass("on list friends")
            verdict = await sieve.judge(acquired(show="Umi"))
            assert "which show Umi is cannot be asked" in verdict[0]
            assert isinstance(verdict, Pass)


async def test_a_word_lets_in_what_is_on_no_list_and_asks_nobody(tmp_path):
    async with (
        fake_anilist() as fake,
        by_lists(tmp_path, fake.url, "aki", words=("mori",)) as sieve,
    ):
        assert isinstance(await sieve.judge(acquired()), Pass)
        assert fake.asked == []


async def test_a_thousand_shows_ask_the_facts_and_remember_no_more_than_needed(tmp_path):
    async with fake_anilist() as fake:
        fake.lists = {"aki": {"CURRENT": [BOOKS]}}
        async with by_lists(tmp_path, fake.url, "aki") as sieve:
            for number in range(1, 1001):
                await sieve.judge(acquired(anilist_id=number))
            assert len(sieve._answers) <= 256
        assert len(fake.asked) == 1


# The notifier


def group(clock: Clock, *targets: tuple[MemoryChannel, Sieve | None], **more: Any) -> Notifier:
    return Notifier(
        group="main",
        targets=[Target(channel, sieve=sieve) for channel, sieve in targets],
        board=Board(bus=more.pop("bus", None) or MemoryBus(), group="main", now=clock),
        facts=more.pop("facts", KnownFacts(FACTS)),
        now=clock,
        **more,
    )


@pytest.fixture
def job(tmp_path: Path) -> FakeJob:
    return FakeJob(tmp_path, unit="notifier", group="main")


async def test_each_target_is_told_what_its_own_filter_lets_in(job):
    hard, mori, other = (MemoryChannel(name) for name in ("hard", "mori", "other"))
    unit = group(
        Clock(),
        (hard, by(Filter(subs=("hardsub",)))),
        (mori, by(Filter(shows=("hon no mori",)))),
        (other, by(Filter(not_words=("mori",)))),
    )
    with capture_logs() as said:
        (told,) = await unit(acquired(), job)
    assert isinstance(told, Notified)
    assert told.targets == ("mori",)
    assert (hard.asked, mori.asked, other.asked) == (0, 1, 0)
    dropped = {line["target"]: line["reason"] for line in said if "filtered" in line["event"]}
    assert dropped == {
        "hard": "softsub is not among `subs`",
        "other": "`not_words` has 'mori'",
    }


async def test_news_that_no_filter_lets_in_are_done_and_nothing_is_asked_about_them(job):
    channel, facts = MemoryChannel(), KnownFacts(FACTS)
    unit = group(Clock(), (channel, by(Filter(words=("umi",)))), facts=facts)
    assert await unit(acquired(), job) == []
    assert (channel.asked, facts.asked) == (0, [])


async def test_a_message_tells_only_those_facts_of_an_episode_that_its_filter_lets_in(job):
    hard, all_of_it = MemoryChannel("hard"), MemoryChannel("all")
    unit = group(Clock(), (hard, by(Filter(subs=("hardsub",)))), (all_of_it, None))
    await unit(acquired(), job)
    await unit(encoded(), FakeJob(job.scratch, job="other"))
    (news,) = hard.sent.values()
    assert [len(one) for one in hard.sent.values()] == [1]
    assert "softsub" not in str(news[-1]).lower()
    assert [len(one) for one in all_of_it.sent.values()] == [2]


async def test_quiet_hours_of_one_target_delay_no_other_and_nothing_is_told_twice(job):
    clock, quiet, loud = Clock(), MemoryChannel("quiet"), MemoryChannel("loud")
    unit = group(clock, (quiet, by(QUIET, clock)), (loud, None))
    with pytest.raises(Postponed, match="quiet: quiet hours 23:00-07:00 UTC, until") as waits:
        await unit(acquired(), job)
    assert waits.value.wait_s == 7.5 * 3600
    assert (quiet.asked, loud.asked) == (0, 1)
    clock.now = MORNING
    (told,) = await unit(acquired(), job.again())
    assert isinstance(told, Notified)
    assert told.targets == ("quiet", "loud")
    assert (quiet.asked, loud.asked) == (1, 1)


async def test_a_target_that_is_down_is_tried_again_before_the_quiet_hours_of_another_are_over(job):
    clock, quiet, down = Clock(), MemoryChannel("quiet"), MemoryChannel("down")
    down.failures.append(Unavailable("it answered 502"))
    unit = group(clock, (quiet, by(QUIET, clock)), (down, None))
    with pytest.raises(Unavailable) as waits:
        await unit(acquired(), job)
    assert not isinstance(waits.value, Postponed)
    assert waits.value.retry_after_s is None
    with pytest.raises(Postponed):
        await unit(acquired(), job.again())
    assert len(down.sent) == 1


async def test_plain_names_are_completed_while_another_target_is_quiet(job):
    clock, quiet, loud = Clock(), MemoryChannel("quiet"), MemoryChannel("loud")
    facts = KnownFacts(failure=Unavailable("AniList: it answered 502"))
    unit = group(clock, (quiet, by(QUIET, clock)), (loud, None), facts=facts)
    with pytest.raises(Unavailable, match="plain names") as waits:
        await unit(acquired(), job)
    assert waits.value.retry_after_s == 60
    facts.failure, facts.show = None, FACTS
    with pytest.raises(Postponed):
        await unit(acquired(), job.again())
    assert [len(one) for one in loud.sent.values()] == [2]


async def test_a_night_of_episodes_is_one_message_in_the_morning(job):
    clock, quiet = Clock(), MemoryChannel("quiet")
    unit = group(clock, (quiet, by(QUIET, clock)))
    night = [acquired(file(f"Hon no Mori - {n:02}.mkv")) for n in range(1, 6)]
    facts = [
        msgspec.structs.replace(one, episode=msgspec.structs.replace(one.episode, number=str(n)))
        for n, one in enumerate(night)
    ]
    jobs = [FakeJob(job.scratch, job=f"job{n}") for n in range(5)]
    for fact, one in zip(facts, jobs, strict=True):
        with pytest.raises(Postponed):
            await unit(fact, one)
    clock.now = MORNING
    await asyncio.gather(*(unit(f, j.again()) for f, j in zip(facts, jobs, strict=True)))
    assert len(quiet.sent) == 1


async def test_on_the_bus_a_quiet_target_is_told_when_its_hours_are_over(
    any_bus: Bus, tmp_path: Path
):
    clock = Clock(MORNING - dt.timedelta(seconds=0.5))
    quiet, loud = MemoryChannel("quiet"), MemoryChannel("loud")
    unit = group(clock, (quiet, by(QUIET, clock)), (loud, None), bus=any_bus)
    fact = acquired()
    log = subjects.job("notifier", "main", f"acquired-{fact.file.id}")
    async with working(any_bus, unit, tmp_path, unit="notifier"):
        await any_bus.publish(Outgoing(subject_of(fact), encode(fact)))
        record = await until_state(any_bus, log, "waiting")
        assert record.attempt == 0, "it counts for nothing"
        assert "quiet hours" in record.reason
        assert (len(quiet.sent), len(loud.sent)) == (0, 1)
        clock.now = MORNING
        await until_state(any_bus, log, "done")
    assert (quiet.asked, loud.asked) == (1, 1)


# The distributor

DATA = b"an episode"
FILE = msgspec.structs.replace(
    file("Hon no Mori - 07.mkv", size=len(DATA)), sha256=hashlib.sha256(DATA).hexdigest()
)
FACT = acquired(FILE, anilist_id=9001)
PLACES = {name: Location(name=name, remote=name) for name in ("nas", "a", "b")}


def distributor(store: FolderStore, sieve: Sieve | None, clock: Clock) -> Distributor:
    return Distributor(
        group="public",
        settings=DistributorSettings(destinations=("a", "b")),
        locations=PLACES,
        store=store,
        host="h",
        now=clock,
        sieve=sieve,
    )


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    made = FolderStore(tmp_path / "places")
    made.path(FILE, PLACES["nas"]).parent.mkdir(parents=True)
    made.path(FILE, PLACES["nas"]).write_bytes(DATA)
    return made


async def test_what_no_list_has_is_done_and_goes_nowhere(store, tmp_path):
    async with fake_anilist() as fake:
        fake.lists = {"aki": {"CURRENT": []}}
        async with by_lists(tmp_path, fake.url, "aki") as sieve:
            unit = distributor(store, sieve, Clock())
            with capture_logs() as said:
                assert await unit(FACT, FakeJob(tmp_path)) == []
    assert store.calls == []
    (line,) = [line for line in said if line["event"] == "distributor.filtered"]
    assert line["reason"] == "not on list friends"


async def test_what_a_list_has_goes_everywhere_and_so_does_everything_while_it_is_away(
    store, tmp_path
):
    async with fake_anilist() as fake:
        fake.lists = {"aki": {"CURRENT": [BOOKS]}}
        async with by_lists(tmp_path, fake.url, "aki") as sieve:
            job = FakeJob(tmp_path)
            await distributor(store, sieve, Clock())(FACT, job)
            assert len(job.facts) == 2
        fake.script.extend([AWAY] * 3)
        async with by_lists(tmp_path / "fresh", fake.url, "aki") as sieve:
            job = FakeJob(tmp_path)
            await distributor(store, sieve, Clock())(FACT, job)
            assert len(job.facts) == 2


async def test_what_one_destination_has_the_others_get_whatever_the_list_says_by_then(
    store, tmp_path
):
    store.down.add("b")
    unit = distributor(store, Written(Pass("let in unread"), Drop("not on it")), Clock())
    job = FakeJob(tmp_path)
    with pytest.raises(StorageUnavailable):
        await unit(FACT, job)
    store.down.clear()
    again = job.again()
    await unit(FACT, again)
    assert [fact.destination for fact in again.facts if isinstance(fact, Distributed)] == ["b"]


async def test_a_group_with_quiet_hours_distributes_when_they_are_over(store, tmp_path):
    clock = Clock()
    unit = distributor(store, by(QUIET, clock), clock)
    with pytest.raises(Postponed, match="public: quiet hours") as waits:
        await unit(FACT, FakeJob(tmp_path))
    assert waits.value.wait_s == 7.5 * 3600
    assert store.calls == []
    clock.now = MORNING
    job = FakeJob(tmp_path)
    await unit(FACT, job)
    assert len(job.facts) == 2


async def test_a_wait_counts_also_for_what_is_half_done(store, tmp_path):
    store.down.add("b")
    wait = Wait(MORNING, "quiet hours")
    unit = distributor(store, Written(Pass(), wait), Clock())
    job = FakeJob(tmp_path)
    with pytest.raises(StorageUnavailable):
        await unit(FACT, job)
    with pytest.raises(Postponed):
        await unit(FACT, job.again())


# The configuration put together

CONFIGURED = """
state = "state"
host = "here"
[storage.nas]
remote = "{folder}/nas"
[storage.a]
remote = "{folder}/a"
[distributor.public]
destinations = ["a"]
filter = {{ lists = ["friends"] }}
[notifier.main]
digest_s = 0
[[notifier.main.apprise]]
name = "chat"
url = "json://127.0.0.1:9/"
filter = {{ subs = ["softsub"], lists = ["friends", "others"] }}
[list.friends]
service = "myanimelist"
users = ["aki"]
[list.others]
service = "anilist"
users = ["ben"]
[anilist]
url = "{anilist}"
[kitsu]
enabled = false
[myanimelist]
client_id_file = "client-id"
url = "{mal}"
"""


async def test_units_of_a_configuration_share_their_lists_and_the_limits_of_their_services(
    tmp_path: Path,
):
    (tmp_path / "client-id").write_text(f"{CLIENT_ID}\n")
    lists = {"aki": {"watching": [show(8001, "Hon no Mori")]}}
    async with fake_anilist() as anilist, fake_myanimelist(lists) as mal:
        anilist.lists = {"ben": {}}
        path = tmp_path / "izumi.toml"
        path.write_text(CONFIGURED.format(folder=tmp_path, anilist=anilist.url, mal=mal.url))
        loaded = settings.load(path, environ={})
        async with compose.instance(loaded, "test") as parts:
            source = tmp_path / "nas" / loaded.storage["nas"].softsub / FILE.key
            source.parent.mkdir(parents=True)
            source.write_bytes(DATA)
            (tmp_path / "a").mkdir()
            unit, _ = await parts.distributor("public")
            assert await unit(FACT, FakeJob(tmp_path)) == []
            other = await _placed(tmp_path, loaded, "Umi")
            assert await unit(other, FakeJob(tmp_path)) == []
            notifier, _ = await parts.notifier("main", MemoryBus())
            assert await notifier(other, FakeJob(tmp_path, job="x")) == []
            assert await notifier(encoded(), FakeJob(tmp_path, job="y")) == []
            assert parts.anilist is not None
    placed = tmp_path / "a" / loaded.storage["a"].softsub
    assert [one.name for one in placed.iterdir()] == ["Hon no Mori"]
    assert len(mal.asked) == 3, "one request for each status, for both units"
    assert sum("user" in asked for asked in anilist.asked) == 1
    assert mal.refused == anilist.refused == []


async def _placed(folder: Path, loaded: settings.Settings, name: str) -> Acquired:
    stored = msgspec.structs.replace(FILE, key=f"{name}/{name} - 01.mkv")
    path = folder / "nas" / loaded.storage["nas"].softsub / stored.key
    path.parent.mkdir(parents=True)
    path.write_bytes(DATA)
    return acquired(stored, show=name)
