"""From the watch folder to the bus: the show is looked up, and never waited for in vain."""

import contextlib

from izumi.naming.identifier import MatchingIdentifier
from izumi.naming.process import NamingProcess
from tests.support.acquiring import Place, until
from tests.support.anilist import fake_anilist
from tests.support.containers import matroska
from tests.support.discord import cloudflare
from tests.support.hand_clock import HandClock
from tests.support.shows import ALL, catalogue_of, show


@contextlib.asynccontextmanager
async def acquiring(tmp_path, *shows, broken=False):
    """A place whose names are read in a child and matched over a fake."""
    place, clock = Place(tmp_path), HandClock()
    async with (
        fake_anilist(*(shows or ALL), clock=clock) as fake,
        catalogue_of(fake, tmp_path / "catalogue.sqlite", clock) as catalogue,
        NamingProcess() as reader,
    ):
        if broken:
            fake.script.extend([cloudflare(502)] * 20)
        place.names = MatchingIdentifier(reader, catalogue)
        yield place


async def test_an_acquired_file_carries_the_numbers_of_its_show(tmp_path):
    async with acquiring(tmp_path) as place, place.running():
        place.put("[G] Hon no Mori - 14 [1080p].mkv")
        (fact,) = await until(place.facts)
        episode = fact.episode
        assert (episode.anilist_id, episode.mal_id) == (2, 50_002)
        assert (episode.number, episode.anilist_number) == ("14", "2")
        assert fact.file.key == "Hon no Mori/Hon no Mori - 14 [1080p].mkv"


async def test_a_file_goes_to_the_same_place_while_anilist_is_away(tmp_path):
    async with acquiring(tmp_path, broken=True) as place, place.running():
        place.put("[G] Hon no Mori - 14 [1080p].mkv")
        (fact,) = await until(place.facts)
        assert fact.episode.anilist_id is None
        assert fact.file.key == "Hon no Mori/Hon no Mori - 14 [1080p].mkv"


async def test_a_file_that_may_be_of_several_shows_is_held_and_others_go_on(tmp_path):
    twins = [show(3, "Umi no Uta", year=2018), show(4, "Umi no Uta", year=2019)]
    async with acquiring(tmp_path, *twins) as place, place.running():
        place.put("[G] Umi no Uta - 01.mkv", matroska(seed=1))
        place.put("Umi no Uta (2019)/02.mkv", matroska(seed=2))
        (hold,) = await until(place.holds)
        assert "AniList 3" in hold.reason
        assert "AniList 4" in hold.reason
        assert "of several" not in hold.facts["match"]
        (fact,) = await until(place.facts)
        assert fact.episode.anilist_id == 4
