"""What acquisition knows of the identifier."""

from collections.abc import Sequence
from typing import Protocol

from izumi.domain.events import Episode
from izumi.domain.fix import Fix
from izumi.domain.release import Filing
from izumi.domain.rules import Rule
from izumi.domain.subjects import Sub


class Identified(Protocol):
    """What a release turned out to be.

    Attributes:
        episode: What it is.
        key: `<show folder>/<episode file>`, legal on every storage.
        sub: Which folder of a location it goes to.
        held: Why a person must decide; None: it is certain enough.
        ignored: Why it is left alone; None: it is not.
        facts: What is known, for whoever decides.
        title: The title by which a rule would know the release; empty: none was read.
        season: The season as the release writes it.
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
    def ignored(self) -> str | None: ...  # noqa: D102 - see the class

    @property
    def facts(self) -> dict[str, str]: ...  # noqa: D102 - see the class

    @property
    def title(self) -> str: ...  # noqa: D102 - see the class

    @property
    def season(self) -> int | None: ...  # noqa: D102 - see the class


class Identifier(Protocol):
    """Tells what a file is from the names that strangers gave it."""

    async def identify(
        self,
        name: str,
        folders: Sequence[str],
        *,
        rules: Sequence[Rule] = (),
        fix: Fix | None = None,
        filing: Filing | None = None,
    ) -> Identified:
        """Identify.

        Args:
            name: File name with its extension.
            folders: Names of the folders between the watch folder and the file.
            rules: What was learnt of other files.
            fix: What a person said of this one.
            filing: How files of that watch folder are filed.

        Raises:
            Held: A person must decide.
            Unavailable: What it needs to ask does not answer.
        """
