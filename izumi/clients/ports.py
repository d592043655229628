"""What units know of the services of other people."""

from typing import Protocol

from izumi.domain.announce import Announcement
from izumi.domain.errors import Rejected
from izumi.domain.filters import Verdict
from izumi.domain.show import Show
from izumi.domain.told import News


class ChannelOff(Rejected):
    """Nobody can be told there until a person mends it: the webhook is gone or locked."""


class ShowFacts(Protocol):
    """What is known of shows, wherever it comes from."""

    async def lookup(self, *, anilist_id: int | None, title: str) -> Show | None:
        """The show with that id, else the one that is called so; None: nobody knows one.

        Facts may be a day old, and older when their source is away.

        Raises:
            Unavailable: They cannot be had in the next seconds.
        """


class Channel(Protocol):
    """Where people are told: a webhook, a chat, a file.

    Both methods raise Unavailable (try again later), ChannelOff, and Rejected when this
    news will never be taken; none of their texts holds a secret.
    """

    @property
    def name(self) -> str:
        """As the configuration and the events call it."""

    @property
    def edits(self) -> bool:
        """Whether messages can be changed; where not, what is new is a message of its own."""

    async def send(self, news: Announcement, job: str) -> str:
        """Tell; the id of the message, for `edit`. "" where there is none to edit.

        `job` names the news: a channel that can tell repeats by it tells them once.
        """

    async def edit(self, message: str, news: Announcement, job: str) -> None:
        """Make an earlier message say this. One that people have removed stays away.

        Where nothing can be changed nothing happens.
        """


class Sieve(Protocol):
    """What a target, or a group, wants of all that there is."""

    async def judge(self, fact: News) -> Verdict:
        """Whether the fact goes there, now or later. What cannot be told lets it in."""
