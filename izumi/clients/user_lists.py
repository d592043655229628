"""The lists of the configuration, and what they say of a show."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from izumi.clients.user_list import CachedUserList
from izumi.domain.filters import Answer
from izumi.domain.userlist import Sought


class NamedList(NamedTuple):
    """`[list.<name>]`.

    Attributes:
        service: As the configuration calls it.
        users: The lists; a show on any of them is on this one.
    """

    service: str
    users: Sequence[CachedUserList]


class UserLists:
    """Every list of a process.

    Args:
        lists: By name.
    """

    def __init__(self, lists: Mapping[str, NamedList]) -> None:
        self._lists = lists

    async def answer(self, name: str, show: Sought, doubt: str = "") -> Answer:
        """Whether a show is on a list.

        Args:
            name: Of the list.
            show: What is known of it.
            doubt: Why more is not known, where it should be; then only a list that holds it
                tells anything.
        """
        readings = await asyncio.gather(*(one.read() for one in self._lists[name].users))
        for reading in readings:
            if reading.entries is not None and reading.entries.holds(show):
                return Answer(name, holds=True, note=reading.note)
        notes = dict.fromkeys(reading.note for reading in readings if reading.note)
        unread = any(reading.entries is None for reading in readings)
        if doubt and not self.tells(name, show):
            return Answer(name, holds=None, note=doubt)
        return Answer(name, holds=None if unread else False, note="; ".join(notes))

    def tells(self, name: str, show: Sought) -> bool:
        """Whether the show's number at the list's own service is known for certain."""
        ours = show.anilist_id if self._lists[name].service == "anilist" else show.mal_id
        return show.certain and ours is not None

    async def aclose(self) -> None:
        """Give up what is being read. May be called twice."""
        for one in self._lists.values():
            for user in one.users:
                await user.aclose()
