"""One message tells of an episode as it grows, or of several that came together."""

import datetime as dt
import random
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.clients.discord_payload import payload
from izumi.domain.announce import announce
from izumi.domain.embed import Field, embed
from izumi.domain.events import Acquired, Distributed, Encoded, Episode
from izumi.domain.links import LinkBases, base_fault, direct_link, web_address
from izumi.domain.plain import text
from izumi.domain.spans import spans
from izumi.domain.subjects import Sub
from izumi.domain.told import News
from tests.support.discord import body_problems
from tests.support.news import AT, BOOKS, file

VAULT: dict[Sub, str] = {
    "softsub": "https://vault.example/Airing",
    "hardsub": "https://vault.example/Hard",
}
BASES = LinkBases("https://files.example/anime", {"vault": VAULT})


def softsub(number: str = "07", *, revision: int | None = None, at: int = 0) -> Acquired:
    mark = f"v{revision}" if revision else ""
    name = f"Hon no Mori - {number}{mark} [1080p].mkv"
    return Acquired(
        file=file(name, size=300 << 20),
        episode=episode(number, revision),
        sources=("nas",),
        at=later(at),
    )


def hardsub(fact: Acquired, *, suffix: str = "", at: int = 60) -> Encoded:
    name = f"{fact.file.key.rpartition('/')[2].removesuffix('.mkv')}{suffix}.mp4"
    return Encoded(
        file=file(name, sub="hardsub", size=200 << 20),
        episode=fact.episode,
        sources=("nas",),
        origin=fact.file,
        profile="hardsub",
        at=later(at),
    )


def mirror(fact: Acquired | Encoded, destination: str = "mirror", *, at: int = 90) -> Distributed:
    return Distributed(
        file=fact.file,
        episode=fact.episode,
        group="public",
        destination=destination,
        at=later(at),
    )


def episode(number: str, revision: int | None = None) -> Episode:
    return Episode(show="Hon no Mori", number=number, revision=revision, resolution="1080p")


def later(minutes: int) -> dt.datetime:
    return AT + dt.timedelta(minutes=minutes)


def everything(number: str = "07") -> list[News]:
    soft = softsub(number)
    hard = hardsub(soft)
    return [soft, hard, mirror(soft), mirror(hard), mirror(soft, "vault"), mirror(hard, "vault")]


def told(facts: Sequence[News], bases: LinkBases = BASES):
    body = payload(embed(announce(facts, BOOKS), bases=bases))
    assert body_problems(body) == []
    return body["embeds"][0]


def fields(shown) -> dict[str, str]:
    return {one["name"]: one["value"] for one in shown.get("fields", [])}


def test_a_message_grows_from_the_softsub_to_the_hardsub_to_each_mirror():
    soft = softsub()
    hard = hardsub(soft)
    first = told([soft])
    assert first["title"] == "Hon no Mori - 07 [1080p].mkv"
    assert first["description"] == "24 mins, 300.0 MiB [Softsub]"
    assert first["color"] == 0x00FFFF
    assert "url" not in first
    assert set(fields(first)) == {"Stats", "Links"}

    second = told([soft, hard])
    address = "https://files.example/anime/Hon%20no%20Mori/Hon%20no%20Mori%20-%2007%20%5B1080p%5D"
    assert second["title"] == "Hon no Mori - 07 [1080p].mp4"
    assert second["description"] == "24 mins, 300.0 MiB [Softsub], 200.0 MiB [Hardsub]"
    assert second["color"] == 0x00FF00
    assert second["url"] == f"{address}.mp4"
    assert fields(second)["Direct links"] == f"[Hardsub]({address}.mp4)"
    assert second["timestamp"] == "2026-11-03T18:30:00+00:00"

    third = told([soft, hard, mirror(hard), mirror(hard, "vault", at=95)])
    there = "https://vault.example/Hard/Hon%20no%20Mori/Hon%20no%20Mori%20-%2007%20%5B1080p%5D.mp4"
    assert fields(third)["Mirrors"] == f"mirror, [vault]({there})"
    assert third["timestamp"] == "2026-11-03T19:05:00+00:00"


def test_a_mirror_that_has_both_kinds_says_which_is_which():
    there = fields(told(everything()))["Mirrors"]
    assert there.startswith("mirror, [vault Softsub](https://vault.example/Airing/")
    assert "[Hardsub](https://vault.example/Hard/" in there


def test_a_newer_revision_takes_the_place_of_an_older_one_and_of_what_was_made_of_it():
    first, second = softsub(), softsub(revision=2, at=120)
    facts: list[News] = [first, hardsub(first), mirror(first), second]
    news = announce(facts, None)
    assert [one.name for one in news.files] == [
        "Hon no Mori - 07v2 [1080p].mkv",
        "Hon no Mori - 07 [1080p].mp4",
    ]
    assert news.destinations == ()
    again = announce([*facts, hardsub(second, at=180), mirror(second, at=190)], None)
    assert [one.revision for one in again.files] == [2, 2]
    assert again.destinations == ("mirror",)


def test_a_file_that_was_made_anew_counts_once():
    soft = softsub()
    anew = msgspec.structs.replace(
        hardsub(soft, at=300), file=msgspec.structs.replace(hardsub(soft).file, sha256="cd" * 32)
    )
    news = announce([soft, hardsub(soft), anew], None)
    assert [one.at for one in news.files] == [later(0), later(300)]


def test_a_mirror_that_is_told_again_is_there_since_it_was_told_first():
    soft = softsub()
    news = announce([mirror(soft, at=500), mirror(soft, at=90), soft], None)
    assert [one.at for one in news.files[0].mirrors] == [later(90)]
    assert news.at == later(90)


def test_hardsubs_of_several_profiles_stand_beside_each_other():
    soft = softsub()
    shown = told([soft, hardsub(soft), hardsub(soft, suffix=" [HEVC]")])
    assert shown["description"].count("[Hardsub]") == 2
    links = fields(shown)["Direct links"]
    assert r"[Hon no Mori - 07 \[1080p\] \[HEVC\].mp4](" in links
    assert links.count("](https://") == 2


def test_a_hardsub_that_came_as_one_is_told_as_one():
    fact = Acquired(
        file=file("Umi - 01.mp4", show="Umi", sub="hardsub"),
        episode=Episode(show="Umi", number="1"),
        sources=("nas",),
        at=AT,
    )
    assert (announce([fact], None).kind, announce([fact], None).sub) == ("acquired", "hardsub")


def test_episodes_that_come_together_share_a_message():
    facts = [fact for number in range(1, 13) for fact in everything(f"{number:02}")]
    shown = told([*facts, softsub("12.5"), softsub("13")])
    assert shown["title"] == "Hon no Mori - 01-12, 12.5, 13 [1080p]"
    assert shown["description"] == (
        "14 episodes, 24 mins each, 4.1 GiB [Softsub], 2.3 GiB [Hardsub, 12 of 14]\n"
        "01-12 [Softsub] [Hardsub], 12.5, 13 [Softsub]"
    )
    assert shown["color"] == 0x00FFFF
    assert "url" not in shown
    assert fields(shown)["Mirrors"].startswith("mirror (01-12), [vault 01](https://vault.example/")
    assert fields(shown)["Mirrors"].count("](https://vault.example/Hard/") == 10


def test_a_long_list_of_links_goes_on_below_itself_and_says_how_many_are_missing():
    facts = [fact for number in range(1, 101) for fact in everything(f"{number:03}")]
    shown = told(facts)
    values = [one["value"] for one in shown["fields"]]
    (first,) = [number for number, value in enumerate(values) if value.startswith("[001]")]
    assert [one["name"] for one in shown["fields"]][first : first + 3] == [
        "Direct links",
        "\u200b",
        "\u200b",
    ]
    links = "".join(values[first : first + 3]).count("](https://files.example")
    assert links > 20
    assert values[first + 2].endswith(f" … and {100 - links} more")


def test_a_digest_of_one_state_needs_no_list():
    shown = told([softsub("1"), softsub("2")])
    assert shown["description"] == "2 episodes, 24 mins each, 600.0 MiB [Softsub]"
    assert shown["title"] == "Hon no Mori - 01-02 [1080p]"


def test_films_and_seasons_have_names_in_a_digest():
    film = Acquired(
        file=file("Hon no Mori Movie.mkv"), episode=Episode(show="x"), sources=("nas",), at=AT
    )
    second = msgspec.structs.replace(
        softsub("01"), episode=msgspec.structs.replace(episode("01"), season=2)
    )
    news = announce([second, film, softsub("03")], None)
    assert news.name == "Hon no Mori - 03, Hon no Mori Movie, S2 01"


def test_a_season_in_the_files_names_is_in_the_digests_name():
    facts = []
    for number in ("01", "02"):
        name = f"Hon no Mori S2 - {number} [1080p].mkv"
        of_season = msgspec.structs.replace(episode(number), season=2)
        facts.append(Acquired(file=file(name), episode=of_season, sources=("nas",), at=AT))
    assert announce(facts, None).name == "Hon no Mori S2 - 01-02 [1080p]"


@given(st.randoms(use_true_random=False))
def test_neither_the_order_of_the_facts_nor_repeats_change_the_news(chance: random.Random):
    facts = [*everything("01"), *everything("02"), softsub("01", revision=2, at=30)]
    mixed = [*facts, *chance.choices(facts, k=5)]
    chance.shuffle(mixed)
    assert announce(mixed, BOOKS) == announce(facts, BOOKS)


def test_text_tells_the_same_as_the_embed():
    title, body = text(announce(everything(), BOOKS), bases=BASES)
    assert title == "Hon no Mori - 07 [1080p].mp4"
    assert "24 mins, 300.0 MiB [Softsub], 200.0 MiB [Hardsub]" in body.split("\n")
    assert "Direct links: Hardsub: https://files.example/anime/Hon%20no%20Mori/" in body


@pytest.mark.parametrize(
    ("labels", "written"),
    [
        ([(None, "7")], "07"),
        ([(None, "1"), (None, "2"), (None, "4")], "01-02, 04"),
        ([(1, "12"), (2, "1"), (2, "2")], "S1 12, S2 01-02"),
        ([(None, "SP1"), (None, "12.5")], "SP1, 12.5"),
        ([(None, "099"), (None, "100")], "099-100"),
        ([(None, "1"), (None, "1")], "01"),
        ([(None, "1-12"), (None, "13")], "1-12, 13"),
    ],
)
def test_numbers_that_follow_each_other_are_joined(labels, written):
    assert spans(labels) == written


@pytest.mark.parametrize("key", ["../x", "a/../x", "a//x", "./x", "/x", ""])
def test_a_name_that_would_lead_elsewhere_has_no_link(key):
    assert direct_link("https://files.example", key) is None


@pytest.mark.parametrize(
    "base",
    [
        "ftp://x",
        "https://" + "x" * 500,
        "https://a b",
        "https://x?y=",
        "https://x#y",
        "https://me:key@x",
        "https://x)",
        "https://höst",
        "https://x\n",
        "files.example",
    ],
)
def test_a_base_that_makes_no_links_is_told_with_the_way_out(base):
    assert "must begin with https://" in str(base_fault("link_base", base))


def test_good_bases_are_taken():
    assert base_fault("x", "https://files.example:8443/a/%20b/") is None
    assert base_fault("x", "http://10.0.0.1") is None


def test_an_address_in_a_link_cannot_end_the_link():
    assert web_address("https://x/(a)") == "https://x/%28a%29"
    assert web_address(None) is None


def test_fields_may_stand_beside_each_other():
    wanted = msgspec.structs.replace(
        embed(announce([softsub()], None)), fields=(Field("a", "b", inline=True),)
    )
    assert payload(wanted)["embeds"][0]["fields"] == [{"name": "a", "value": "b", "inline": True}]
