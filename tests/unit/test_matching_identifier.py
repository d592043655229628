"""The identifier of acquisition: names and the catalogue together."""

import msgspec
import pytest

from izumi.domain.fix import Fix
from izumi.domain.identify import identify
from izumi.domain.matching.entry import Entry, Match
from izumi.domain.release import Filing
from izumi.domain.rules import apply
from izumi.naming.answer import Question, answer
from izumi.naming.identifier import MatchingIdentifier

FOUND = Entry(anilist_id=7, mal_id=8, titles=("Hon no Mori",), format="TV", started="2015-04-07")
REMAKE = Entry(anilist_id=9, titles=("Hon no Mori",), format="TV", started="2020")


class Reader:
    """Reads names in this process, as the child does."""

    async def identify(self, name, folders, *, rules=(), fix=None, filing=None):
        question = Question(name, tuple(folders), tuple(rules), fix, filing or Filing())
        read = identify(name, folders=folders, extras=question.filing.extras)
        return answer(apply(read, rules, fix), read, question)


class Told:
    """Shows as a test says."""

    def __init__(self, match=None, entry=None):
        self.told, self.known = match or Match(), entry
        self.wanted = []

    async def match(self, wanted):
        self.wanted += wanted
        return [self.told for _ in wanted]

    async def entry(self, _anilist_id):
        return self.known


async def said(shows, name="[G] Hon no Mori - 14 [1080p].mkv", folders=(), **more):
    return await MatchingIdentifier(Reader(), shows).identify(name, folders, **more)


async def test_a_show_that_is_found_comes_with_its_numbers():
    named = await said(Told(Match(entry=FOUND, number="2", score=1.0, why=("the same title",))))
    assert named.held is None
    assert (named.episode.anilist_id, named.episode.mal_id) == (7, 8)
    assert (named.episode.number, named.episode.anilist_number) == ("14", "2")
    assert named.facts["anilist"] == "Hon no Mori (AniList 7)"
    assert named.facts["match"] == "the same title"


@pytest.mark.parametrize(
    "match",
    [Match(), Match(entry=FOUND, number="2"), Match(candidates=(FOUND, REMAKE))],
)
async def test_where_a_file_goes_never_depends_on_the_catalogue(match):
    named = await said(Told(match))
    assert named.key == "Hon no Mori/Hon no Mori - 14 [1080p].mkv"
    assert named.episode.show == "Hon no Mori"


async def test_an_open_show_holds_nothing_up():
    named = await said(Told(Match(why=("no entry is like it",))))
    assert named.held is None
    assert (named.episode.anilist_id, named.episode.mal_id) == (None, None)


async def test_what_may_be_several_shows_is_held_and_says_which():
    named = await said(Told(Match(candidates=(FOUND, REMAKE))))
    assert named.held == (
        "2 shows may be meant: Hon no Mori (TV, 2015, AniList 7); Hon no Mori (TV, 2020, "
        "AniList 9); say which with `izumi-admin hold fix --anilist-id`, or put the year behind "
        "the title"
    )
    assert named.episode.anilist_id is None


async def test_a_doubt_about_the_name_and_one_about_the_show_are_told_together():
    named = await said(Told(Match(candidates=(FOUND, REMAKE))), "Hon no Mori S2 [1080p].mkv")
    assert named.held.startswith("a season (2), but no episode number; 2 shows may be meant: ")


async def test_a_candidate_with_a_hostile_title_is_one_short_line():
    hostile = msgspec.structs.replace(REMAKE, titles=("x\n\x1b[31m\u202e" + "y" * 500,))
    named = await said(Told(Match(candidates=(FOUND, hostile))))
    assert named.held.isprintable()
    assert len(named.held) < 400


@pytest.mark.parametrize("entry", [REMAKE, None])
async def test_the_entry_that_a_person_named_is_not_doubted(entry):
    shows = Told(Match(candidates=(FOUND, REMAKE)), entry)
    named = await said(shows, fix=Fix(anilist_id=9))
    assert named.held is None
    assert named.episode.anilist_id == 9
    assert named.episode.mal_id is None


async def test_a_show_that_a_person_named_by_title_is_looked_up_and_not_asked_about_again():
    shows = Told(Match(candidates=(FOUND, REMAKE)))
    named = await said(shows, fix=Fix(show="Umi no Uta"))
    assert named.held is None
    assert named.episode.anilist_id is None
    assert shows.wanted[0].titles == ("Umi no Uta",)


@pytest.mark.parametrize("name", ["[G] Hon no Mori NCOP1.mkv", "[G] Hon no Mori 01-12 [BD]"])
async def test_extras_and_batches_are_looked_up_too(name):
    shows = Told(Match(entry=FOUND))
    named = await said(shows, name)
    assert named.episode.anilist_id == 7
    assert shows.wanted[0].titles[0] == "Hon no Mori"


async def test_what_is_ignored_or_has_no_title_asks_nothing():
    shows = Told()
    await said(shows, "[G] Hon no Mori NCOP1.mkv", filing=Filing(extras="ignore"))
    named = await said(shows, "05.mkv")
    assert named.held is not None
    assert shows.wanted == []


async def test_the_folder_of_a_show_is_what_is_looked_for():
    shows = Told()
    await said(shows, "05.mkv", ["Hon no Mori (2015)", "Season 2"])
    (wanted,) = shows.wanted
    assert (wanted.titles[0], wanted.season, wanted.number, wanted.year) == (
        "Hon no Mori (2015)",
        2,
        "05",
        2015,
    )
