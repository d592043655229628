"""Shows of our own for the catalogue, with seasons, a remake and a film."""

from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from izumi.clients.anilist import Anilist
from izumi.clients.budget import Budget
from izumi.clients.catalogue import Catalogue
from izumi.clients.catalogue_store import CatalogueStore
from izumi.clients.http import Http
from izumi.clients.settings import AnilistSettings
from izumi.domain.matching.entry import Wanted
from tests.support.anilist import FakeAnilist
from tests.support.hand_clock import HandClock


def show(number: int, romaji: str, *synonyms: str, **facts: Any) -> dict[str, Any]:
    """A show as AniList tells it; `sequel` and `prequel` are numbers of others."""
    edges = [
        {"relationType": kind.upper(), "node": {"id": facts.pop(kind), "type": "ANIME"}}
        for kind in ("sequel", "prequel")
        if kind in facts
    ]
    edges.append({"relationType": "ADAPTATION", "node": {"id": 77, "type": "MANGA"}})
    english, native = facts.pop("english", None), facts.pop("native", None)
    year = facts.pop("year", 2015)
    return {
        "id": number,
        "idMal": 50_000 + number,
        "type": "ANIME",
        "title": {
            "userPreferred": romaji,
            "romaji": romaji,
            "english": english,
            "native": native,
        },
        "synonyms": list(synonyms),
        "format": "TV",
        "status": "FINISHED",
        "episodes": 12,
        "popularity": 100,
        "startDate": {"year": year, "month": 4, "day": 7},
        "relations": {"edges": edges},
    } | facts


MORI = show(1, "Hon no Mori", "Book Woods", english="A Forest of Books", native="本の森", sequel=2)
MORI_2 = show(2, "Hon no Mori: Tobira", "Hon no Mori 2", prequel=1, year=2017)
UMI = show(3, "Umi no Uta", year=2001)
UMI_AGAIN = show(4, "Umi no Uta", year=2019)
ALL = (MORI, MORI_2, UMI, UMI_AGAIN)


def wanting(title: str, number: str = "01", **more: Any) -> Wanted:
    """What a release of that title wants."""
    return Wanted(titles=(title,), number=number, **more)


@asynccontextmanager
async def catalogue_of(
    fake: FakeAnilist, path: Path | None, clock: HandClock, *, timeout_s: float = 5.0, **more: Any
):
    """A catalogue over the fake; all its clocks are the one given."""
    http = Http()
    anilist = Anilist(
        http,
        AnilistSettings(url=fake.url, timeout_s=timeout_s),
        budget=Budget("AniList", per_minute=25, clock=clock, sleep=clock.sleep),
        sleep=clock.sleep,
    )
    catalogue = Catalogue(CatalogueStore(path), anilist, **({"now": clock, "clock": clock} | more))
    try:
        yield catalogue
    finally:
        await catalogue.aclose()
        await http.aclose()
