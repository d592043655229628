"""What news are in words: a value for every placeholder of a template. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from izumi.domain.announce import Announcement, EpisodeFile, EpisodeNews, span_of
from izumi.domain.links import Download, LinkBases, downloads, mirrored, web_address
from izumi.domain.markup import Markup
from izumi.domain.placeholders import Values
from izumi.domain.subjects import SUBS, Sub
from izumi.domain.template import Wording

UNKNOWN: Final = "\u3007\u3007"
"""Two ideographic zeros."""

_NAME: Final = 256
_LABEL: Final = 64
_SPAN: Final = 400


def values(news: Announcement, bases: LinkBases, markup: Markup, wording: Wording) -> Values:
    """Texts that are safe where `markup` goes, by the names of `placeholders.PLACEHOLDERS`."""
    links = {link.label: link.url for link in news.links}
    addresses = {
        "link": _only_link(news, bases),
        "cover": web_address(news.facts.cover_url if news.facts else None) or "",
        "studio_link": news.studio.url if news.studio else "",
        "anilist": links.get("Anilist", ""),
        "mal": links.get("MyAnimeList", ""),
        "kitsu": links.get("Kitsu", ""),
    }
    names = {
        "show": (news.show, _NAME),
        "title": (news.title, _NAME),
        "name": (news.name, _NAME),
        "episode": (news.span, _SPAN),
        "resolution": (_same(one.resolution for one in news.episodes), _LABEL),
        "studio": (news.studio.label if news.studio else "", _NAME),
    }
    return {
        **{name: markup.name(text, limit) if text else "" for name, (text, limit) in names.items()},
        **addresses,
        **_numbers(news),
        "season": _same(str(one.season) for one in news.episodes if one.season is not None),
        "count": str(len(news.episodes)),
        "news": getattr(wording, news.kind),
        "subs": ", ".join(getattr(wording, sub) for sub in news.subs),
        "size": size(_bytes(news.files)),
        "softsub_size": _size_of(news, "softsub"),
        "hardsub_size": _size_of(news, "hardsub"),
        "summary": summary(news, wording),
        "list": _listed(news, markup, wording),
        "downloads": _downloads(news, bases, markup, wording),
        "mirrors": tuple(_mirrors(news, bases, markup, wording)),
        "links": tuple(markup.link(link.label, link.url) for link in news.links),
        "stats": stats(news),
    }


def summary(news: Announcement, wording: Wording) -> str:
    """`24 mins, 351.2 MiB [Softsub]`; `12 episodes, 24 mins each, 4.1 GiB [Softsub]`."""
    minutes = f"{number(news.facts.duration_min if news.facts else None)} mins"
    if not news.is_digest:
        sizes = [f"{size(f.size_bytes)} [{getattr(wording, f.sub)}]" for f in news.files]
        return ", ".join([minutes, *sizes])
    every = len(news.episodes)
    sizes = []
    for sub in news.subs:
        have = sum(any(f.sub == sub for f in one.files) for one in news.episodes)
        share = "" if have == every else f", {have} of {every}"
        sizes.append(f"{_size_of(news, sub)} [{getattr(wording, sub)}{share}]")
    return ", ".join([f"{every} episodes", f"{minutes} each", *sizes])


def stats(news: Announcement) -> str:
    """`Score: 84/100, Pop: 305734, Total: 12 Eps.`; "" without facts."""
    if news.facts is None:
        return ""
    facts = news.facts
    score, popularity = number(facts.score), number(facts.popularity)
    return f"Score: {score}/100, Pop: {popularity}, Total: {number(facts.episodes)} Eps."


def number(value: int | None) -> str:
    """A count for people; `UNKNOWN` where it is not known."""
    return UNKNOWN if value is None else str(value)


def size(size_bytes: int) -> str:
    """`351.2 MiB`."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"


def _numbers(news: Announcement) -> dict[str, str]:
    if news.facts is None:
        return dict.fromkeys(("duration", "score", "popularity", "total"), "")
    facts = news.facts
    return {
        "duration": number(facts.duration_min),
        "score": number(facts.score),
        "popularity": number(facts.popularity),
        "total": number(facts.episodes),
    }


def _listed(news: Announcement, markup: Markup, wording: Wording) -> Sequence[str]:
    """Which episodes have what, where they differ: `01-06 [Softsub] [Hardsub]`."""
    by_subs: dict[tuple[Sub, ...], list[EpisodeNews]] = {}
    for one in news.episodes:
        have = tuple(sub for sub in SUBS if any(file.sub == sub for file in one.files))
        by_subs.setdefault(have, []).append(one)
    if len(by_subs) == 1:
        return ()
    return [
        " ".join([_span(some, markup), *(f"[{getattr(wording, sub)}]" for sub in subs)])
        for subs, some in by_subs.items()
    ]


def _downloads(
    news: Announcement, bases: LinkBases, markup: Markup, wording: Wording
) -> Sequence[str]:
    found = list(downloads(news, bases))
    return [markup.link(_label(one, news, markup, wording), one.url) for one in found]


def _mirrors(
    news: Announcement, bases: LinkBases, markup: Markup, wording: Wording
) -> Iterable[str]:
    for destination in news.destinations:
        name = markup.name(destination, _LABEL)
        found = list(mirrored(news, bases, destination))
        linked = _one_each([one for one in found if one.url], news)
        if not linked:
            there = list(dict.fromkeys(one.episode for one in found))
            some = f" ({_span(there, markup)})" if len(there) < len(news.episodes) else ""
            yield f"{name}{some}"
        elif len(linked) == 1 and not news.is_digest:
            yield markup.link(name, linked[0].url)
        else:
            labels = [_label(one, news, markup, wording) for one in linked]
            labels[0] = f"{name} {labels[0]}"
            yield from map(markup.link, labels, [one.url for one in linked])


def _one_each(found: Sequence[Download], news: Announcement) -> Sequence[Download]:
    """Of several episodes, one file of each: the hardsub where it is there."""
    if not news.is_digest:
        return found
    best: dict[str, Download] = {}
    for one in found:
        name = one.episode.best.key
        if name not in best or (one.file.sub, best[name].file.sub) == ("hardsub", "softsub"):
            best[name] = one
    return list(best.values())


def _label(one: Download, news: Announcement, markup: Markup, wording: Wording) -> str:
    """What tells a file from the others of the message."""
    if news.is_digest:
        return _span([one.episode], markup)
    alike = [file for file in news.files if file.sub == one.file.sub]
    word: str = getattr(wording, one.file.sub)
    return word if len(alike) == 1 else markup.name(one.file.name, _NAME)


def _only_link(news: Announcement, bases: LinkBases) -> str:
    if news.is_digest:
        return ""
    return next((one.url for one in downloads(news, bases)), "")


def _span(episodes: Sequence[EpisodeNews], markup: Markup) -> str:
    return markup.name(span_of(episodes), _SPAN if len(episodes) > 1 else _LABEL)


def _size_of(news: Announcement, sub: Sub) -> str:
    files = [file for file in news.files if file.sub == sub]
    return size(_bytes(files)) if files else ""


def _bytes(files: Iterable[EpisodeFile]) -> int:
    return sum(file.size_bytes for file in files)


def _same(texts: Iterable[str | None]) -> str:
    """What all agree on; else nothing."""
    found = set(texts)
    return (found.pop() or "") if len(found) == 1 else ""
