"""Redirects of episodes between seasons, in the format of anime-relations.

`10001|10002|10003:14-26 -> 20001|20002|20003:1-13!`: the numbers are of MyAnimeList, Kitsu
and AniList, `?` is unknown, `~` repeats the source, and `!` adds that the destination, too,
is redirected to itself. https://github.com/erengy/anime-relations
"""

import re
from typing import Final, NamedTuple

_RULE: Final = re.compile(
    r"- *(?P<ids>[\d?~|]+):(?P<first>\d+)(?:-(?P<last>\d+|\?))?"
    r" *-> *(?P<to>[\d?~|]+):(?P<start>\d+)(?:-(?:\d+|\?))?(?P<self>!?)"
)
_ENDLESS: Final = 1 << 30


class Redirect(NamedTuple):
    """Episodes `first` to `last` of a show are those of `to` from `start` on."""

    first: int
    last: int
    to: int
    start: int


class Redirects:
    """Redirects by the AniList number of the show that a release names.

    Args:
        rules: By that number.
    """

    def __init__(self, rules: dict[int, list[Redirect]]) -> None:
        self._rules = rules

    def __len__(self) -> int:
        return sum(map(len, self._rules.values()))

    def of(self, anilist_id: int, episode: int) -> tuple[int, int] | None:
        """Show and number that an episode really has; None: those that it says."""
        for rule in self._rules.get(anilist_id, ()):
            if rule.first <= episode <= rule.last:
                return rule.to, episode - rule.first + rule.start
        return None


NONE: Final = Redirects({})
"""No redirects are known."""


def parse(text: str) -> Redirects:
    """The redirects in a file.

    Raises:
        ValueError: A line of its rules is not as documented; the text names it.
    """
    rules: dict[int, list[Redirect]] = {}
    _, _, body = text.partition("::rules")
    for number, line in enumerate(body.splitlines(), text.count("\n") - body.count("\n") + 1):
        line = line.strip()  # noqa: PLW2901 - the line as it counts
        if not line or line.startswith("#"):
            continue
        match = _RULE.fullmatch(line)
        if match is None:
            raise ValueError(f"line {number}: {line[:80]!r} is no redirect")
        ids, to = match["ids"].split("|"), match["to"].split("|")
        if len(ids) != 3 or len(to) != 3:
            raise ValueError(f"line {number}: {line[:80]!r} does not name three sites")
        source, target = ids[2], ids[2] if to[2] == "~" else to[2]
        if not source.isdecimal() or not target.isdecimal():
            continue  # unknown at AniList
        first, last = int(match["first"]), match["last"]
        end = first if last is None else _ENDLESS if last == "?" else int(last)
        rule = Redirect(first, end, int(target), int(match["start"]))
        rules.setdefault(int(source), []).append(rule)
        if match["self"]:
            rules.setdefault(int(target), []).append(rule)
    return Redirects(rules)
