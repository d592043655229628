"""What acquisition knows of the identifier."""

from collections.abc import Sequence
from typing import Protocol

from izumi.domain.events import Episode
from izumi.domain.subjects import Sub


class Identified(Protocol):
    """What a release turned out to be.

    Attributes:
        episode: What it is.
        key: `<show folder>/<episode file>`, legal on every storage.
        sub: Which folder of a location it goes to.
        held: Why a person must decide; None: it is certain enough.
        facts: What is known, for whoever decides.
    """

    @property
    def episode(self) -> Episode: ...  # noqa: D102 - see the class

    @property
    def key(self) -> str: ...  # noqa: D102 - see the class

    @property
    def sub(self) -> Sub: ...  # noqa: D102 - see the class

    @property
    def held(self) -> str | None: ...  # noqa: D102 - see the class

    @property
    def facts(self) -> dict[str, str]: ...  # noqa: D102 - see the class


class Identifier(Protocol):
    """Tells what a file is from the names that strangers gave it."""

    async def identify(self, name: str, folders: Sequence[str]) -> Identified:
        """Identify.

        Args:
            name: File name with its extension.
            folders: Names of the folders between the watch folder and the file.

        Raises:
            Held: A person must decide.
            Unavailable: What it needs to ask does not answer.
        """
