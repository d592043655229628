"""Facts of the bus to announce, and names that want to harm."""

import datetime as dt

from hypothesis import strategies as st

from izumi.domain.events import Acquired, Distributed, Encoded, Episode, File
from izumi.domain.show import Show
from izumi.domain.subjects import Sub

AT = dt.datetime(2026, 11, 3, 17, 30, tzinfo=dt.UTC)
BOOKS = Show(
    anilist_id=9001,
    mal_id=8001,
    kitsu_id=7001,
    title="Hon no Mori",
    names=("Hon no Mori", "A Forest of Books", "本の森"),
    status="RELEASING",
    episodes=13,
    duration_min=24,
    score=84,
    popularity=51234,
    cover_url="https://s4.anilist.co/file/cover/medium/bx9001.png",
    studio="Studio Kodama",
    studio_id=6,
)


def file(
    name: str = "Hon no Mori - 07 [1080p].mkv",
    show: str = "Hon no Mori",
    sub: Sub = "softsub",
    size: int = 368_258_123,
) -> File:
    return File(key=f"{show}/{name}", size=size, sha256="ab" * 32, sub=sub)


def acquired(
    stored: File | None = None, *, anilist_id: int | None = None, show: str = "Hon no Mori"
) -> Acquired:
    episode = Episode(show=show, number="7", resolution="1080p", anilist_id=anilist_id)
    return Acquired(file=stored or file(show=show), episode=episode, sources=("nas",), at=AT)


def encoded(made: File | None = None) -> Encoded:
    origin = acquired()
    return Encoded(
        file=made or file("Hon no Mori - 07 [1080p].mp4", sub="hardsub"),
        episode=origin.episode,
        sources=("nas",),
        origin=origin.file,
        profile="hardsub",
        at=AT,
    )


def distributed(destination: str = "mirror") -> Distributed:
    made = encoded()
    return Distributed(
        file=made.file, episode=made.episode, group="public", destination=destination, at=AT
    )


HOSTILE = (
    "@everyone", "@here", "<@123456789012345678>", "<@&1>", "<#1>", "<:x:1>", "<a:x:1>", "<t:0:R>",
    "</cmd:1>", "[x](javascript:alert(1))", "[a](https://e.vil)", "https://e.vil/x", "discord.gg/x",
    "**b**", "__u__", "_i_", "~~s~~", "||spoiler||", "`code`", "```\nblock\n```", "> quote",
    "# big", "-# small", "1. one", "- list", ":skull:", "\\", "\\\\", "\u202e", "\u2066", "\u200b",
    "\ufeff", "\x00", "\x1b[31m", "\r\n", "\u2028", "\ud800",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001f1e9\U0001f1ea", "\U0001f44d\U0001f3fd", "e\u0301", "\u0301" * 40, "한국어",
    "\u1112\u1161", "字" * 60, " ", "\t", "\u3007", "%s", "{0}", "x" * 300,
)  # fmt: skip
"""Every way to ping, link, format, or break a line that Discord or a terminal knows."""

names = st.lists(
    st.one_of(
        st.sampled_from(HOSTILE),
        st.text(max_size=12),
        st.text(st.characters(codec=None, exclude_categories=()), max_size=6),
    ),
    max_size=40,
).map("".join)
"""Names as nobody wishes them: any text, mixed with what does harm."""
