"""AniList over the published catalogue: some 21,000 shows, on loopback.

    python -m tests.support.catalogue_server --port 8399 --search loose

How AniList's own search weighs words is not documented, nor which of a show's titles it
knows, so that both can be chosen.
"""

import argparse
import asyncio
import bisect
import contextlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Literal

from tests.support.anilist import fake_anilist, names_of, recorded_shows
from tests.support.published import rows

Way = Literal["strict", "loose"]
Synonyms = Literal["all", "none"]
Relations = Literal["series", "none"]

_FORMATS: Mapping[str, str | None] = {"TV_SPECIAL": "SPECIAL", "CM": "SPECIAL", "PV": "SPECIAL"}
_NATIVE = ("ja", "ko", "zh-Hans", "zh-Hant", "x-zht")
_OFFICIAL = ("official", "native", "main")


@cache
def catalogue(synonyms: Synonyms = "all", relations: Relations = "series") -> list[dict[str, Any]]:
    """Every show with a number at AniList, as AniList would tell it.

    Args:
        synonyms: "none": only the romanised, the English and the native title.
        relations: "series": seasons that TVDB counts as one series are sequels.
    """
    entries = [row for row in rows("catalogue/catalogue.jsonl.gz") if "anilist" in row["ids"]]
    recorded = {show["id"]: show for show in recorded_shows()}
    shows: dict[int, dict[str, Any]] = {}
    for entry in entries:
        show = _media(entry, synonyms)
        shows.setdefault(show["id"], show | _kept(recorded.get(show["id"], {})))
    edges = _sequels(entries) if relations == "series" else {}
    for number, show in shows.items():
        known = {edge["node"]["id"]: edge for edge in show["relations"]["edges"]}
        found = {edge["node"]["id"]: edge for edge in edges.get(number, ())}
        show["relations"] = {"edges": [*(found | known).values()]}
    return list(shows.values())


def _media(entry: Mapping[str, Any], synonyms: Synonyms) -> dict[str, Any]:
    titles = entry["titles"]

    def first(*languages: str) -> str | None:
        found = {tongue: text for text, tongue, kind, _ in reversed(titles) if kind in _OFFICIAL}
        return next((found[language] for language in languages if language in found), None)

    official = (entry["title"], first("en"), first(*_NATIVE))
    others = dict.fromkeys(text for text, *_ in titles if text not in official)
    kind = entry.get("type")
    start = [
        int(part) for part in str(entry.get("start") or entry.get("year") or "").split("-") if part
    ]
    year, month, day = [*start, None, None, None][:3]
    return {
        "id": entry["ids"]["anilist"],
        "idMal": entry["ids"].get("mal"),
        "type": "ANIME",
        "title": {
            "userPreferred": official[0],
            "romaji": official[0],
            "english": official[1],
            "native": official[2],
        },
        "synonyms": list(others) if synonyms == "all" else [],
        "format": _FORMATS.get(kind, kind) if kind else None,
        "status": "FINISHED" if year and year < 2026 else None,
        "episodes": entry.get("episodes"),
        "startDate": {"year": year, "month": month, "day": day},
        "popularity": None,
        "relations": {"edges": []},
    }


def _kept(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """What a recording of AniList knows besides the names."""
    wanted = ("status", "episodes", "format", "popularity", "relations", "coverImage", "studios")
    return {name: recorded[name] for name in wanted if recorded.get(name) is not None}


def _sequels(entries: Iterable[Mapping[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    """Edges between the seasons of a series, in the order in which they follow."""
    series: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for entry in entries:
        place = entry.get("tvdb") or {}
        season = str(place.get("season"))
        if season.isdecimal() and season != "0":
            spot = (int(season), place.get("offset") or 0, entry["ids"]["anilist"])
            series[place["id"]].append(spot)
    edges: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for spots in series.values():
        for (*_, earlier), (*_, later) in pairwise(sorted(spots)):
            if earlier != later:
                edges[earlier].append(_edge("SEQUEL", later))
                edges[later].append(_edge("PREQUEL", earlier))
    return edges


def _edge(kind: str, number: int) -> dict[str, Any]:
    return {"relationType": kind, "node": {"id": number, "type": "ANIME"}}


def words(text: str) -> list[str]:
    """Words of a title without case, width, accents; each letter of Chinese or Japanese."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return re.findall(r"[^\W\u3000-\u9fff\uac00-\ud7af]+|[\u3040-\u9fff]|[\uac00-\ud7af]+", plain)


class Index:
    """Finds shows by words of their titles, popular ones first among equals."""

    def __init__(self, shows: Sequence[dict[str, Any]]) -> None:
        self._shows = shows
        self._titles: list[tuple[int, int]] = []
        by_word: dict[str, set[int]] = defaultdict(set)
        for place, show in enumerate(shows):
            for name in dict.fromkeys(names_of(show)):
                told = words(name)
                for word in told:
                    by_word[word].add(len(self._titles))
                self._titles.append((place, len(told)))
        self._by_word = dict(by_word)
        self._words = sorted(by_word)

    def strict(self, text: str) -> list[dict[str, Any]]:
        """Every word must begin a word of one title; the shortest title is the best."""
        wanted = [self._beginning(word) for word in words(text)]
        titles = set.intersection(*wanted) if wanted else set()
        return self._best({title: -float(self._titles[title][1]) for title in titles})

    def loose(self, text: str) -> list[dict[str, Any]]:
        """Any word may do; rare words and titles without further ones weigh more."""
        wanted = set(words(text))
        scores: dict[int, float] = defaultdict(float)
        for word in wanted:
            for title in (found := self._by_word.get(word, set())):
                scores[title] += 1.0 / (1.0 + len(found)) ** 0.25
        return self._best(
            {
                title: score / (len(wanted) + self._titles[title][1]) ** 0.5
                for title, score in scores.items()
            }
        )

    def _beginning(self, word: str) -> set[int]:
        titles: set[int] = set()
        at = bisect.bisect_left(self._words, word)
        while at < len(self._words) and self._words[at].startswith(word):
            titles |= self._by_word[self._words[at]]
            at += 1
        return titles

    def _best(self, scores: Mapping[int, float]) -> list[dict[str, Any]]:
        of_show: dict[int, float] = {}
        for title, score in scores.items():
            place = self._titles[title][0]
            of_show[place] = max(of_show.get(place, score), score)
        order = sorted(
            of_show,
            key=lambda place: (
                -of_show[place],
                -(self._shows[place].get("popularity") or 0),
                place,
            ),
        )
        return [self._shows[place] for place in order]


def search(shows: Sequence[dict[str, Any]], way: Way) -> Callable[[str], list[dict[str, Any]]]:
    """A way to search these shows."""
    index = Index(shows)
    return index.strict if way == "strict" else index.loose


async def _serve(port: int, shows: Sequence[dict[str, Any]], way: Way) -> None:
    async with fake_anilist(*shows, search=search(shows, way), port=port) as fake:
        print(f"{len(shows)} shows at {fake.url}", flush=True)
        await asyncio.Event().wait()


def _arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="catalogue_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--search", choices=["strict", "loose"], default="strict")
    parser.add_argument("--synonyms", choices=["all", "none"], default="all")
    parser.add_argument("--relations", choices=["series", "none"], default="series")
    return parser.parse_args(given)


if __name__ == "__main__":
    asked = _arguments()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(asked.port, catalogue(asked.synonyms, asked.relations), asked.search))
