"""Options that say what a release is; of `hold fix` and `rules add`."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from izumi.domain import fixes
from izumi.domain.fix import Fix


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class FixOptions:
    """What it is; what is left out stays as it was read."""

    show: Annotated[str | None, Parameter(help="Its show, as the folder is to be called.")] = None
    season: Annotated[int | None, Parameter(help="Its season.")] = None
    episode: Annotated[str | None, Parameter(help="As to be written: 05, 12.5, 1-12, SP02.")] = None
    film: Annotated[bool, Parameter(negative="", help="It has no episode number.")] = False
    extra: Annotated[str | None, Parameter(help="It is no episode but this: NCOP1, PV.")] = None
    offset: Annotated[int | None, Parameter(help="Added to the episode: 13 with -12 is 01.")] = None
    revision: Annotated[int | None, Parameter(help="2 for v2.")] = None
    anilist_id: Annotated[int | None, Parameter(help="Its number at AniList.")] = None


def fix_of(options: FixOptions) -> Fix:
    """What the options say.

    Raises:
        Declined: Nothing, or something that cannot be.
    """
    return fixes.fix_of(dataclasses.asdict(options))
