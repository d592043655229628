"""What an identification wants of the catalogue."""

import re
from typing import Final

from izumi.domain.matching.entry import Wanted
from izumi.domain.release import Identification

_YEAR: Final = re.compile(r"[(\uff08[](?P<y>19[4-9]\d|20[0-4]\d)[)\uff09\]]\s*$")


def wanted(found: Identification) -> Wanted:
    """The question that a release puts to the catalogue.

    The titles are in the identification's order: the show's folder where there is one,
    then the release's own. A year stands beside the file's title or ends the folder's name
    ("Fruits Basket (2019)"); a batch of several seasons asks for none.
    """
    titles = dict.fromkeys(filter(None, (found.title, *found.titles)))
    ends = filter(None, map(_YEAR.search, titles))
    return Wanted(
        titles=tuple(titles),
        season=found.season,
        number=found.episode,
        year=found.year or next((int(match["y"]) for match in ends), None),
        kind=found.kind,
    )
