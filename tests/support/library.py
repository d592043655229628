"""A library at locations of several kinds, and whoever keeps it."""

import datetime as dt
import gzip
import hashlib
import os
import random
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from izumi.domain.keys import fault
from izumi.storage.rclone import Rclone
from izumi.storage.trees import Trees
from izumi.tools import shelves
from izumi.tools.journal import Journals
from izumi.tools.library import Draft, Holding, Library, write
from izumi.tools.requests import Request
from tests.support.remotes import Place

DATA = Path(os.environ.get("IZUMI_TEST_DATA", Path(__file__).resolve().parents[3] / "shared"))
SHOW = "Sousou no Frieren"

HOSTILE = [
    *("", ".", "..", "/", "//", "a/..", "../a", "a/../..", "./a", "a/./b", "a//b", "/etc", "~"),
    *(":sftp,host=x:", "local:/etc", "--dry-run", "-n", "-rf", "a\0b", "\0", "/", "a" * 10_000),
    *("Airing", "Airing/..", "Airing/../..", "*", "**", "{a,b}", "[a-z]*", "%2e%2e", "..%2f"),
    *(
        "\uff0e\uff0e",
        "\uff0f",
        "\udcff",
        "\u202e",
        "\n",
        "../" * 40,
        ".izumi-trash",
        ".izumi-trash/x",
    ),
]


def hostile(count: int = 500) -> list[str]:
    """Strings that were made to climb, deterministic."""
    chance = random.Random(8)  # noqa: S311 - a sample, not a secret
    bits = [*HOSTILE, *string.punctuation, "Show", "Airing", "Premiered", "..", "/", "\\", " "]
    made = ["".join(chance.choices(bits, k=chance.randint(1, 5))) for _ in range(count)]
    return [*HOSTILE, *made][:count]


def holding(place: Place) -> Holding:
    """A location with the folders that a configuration has by default."""
    at = place.location
    shelved = shelves.place(
        at.name,
        softsub="Airing",
        hardsub="Airing [Hardsub]",
        premiered="Premiered",
        premiered_hardsub="Premiered [Hardsub]",
    )
    return Holding(at, shelved)


class Keeper:
    """A person with `izumi-admin`, without the terminal."""

    def __init__(self, rclone: Rclone, places: Sequence[Place], state: Path) -> None:
        self.places = places
        self.state = state
        self.journals = Journals(state)
        self.library = Library(
            Trees(rclone), [holding(one) for one in places], self.journals, by="a test"
        )

    async def do(self, request: Request) -> Draft:
        """Everything that a request comes to; it must come to its end."""
        draft = await self.library.draft(request)
        assert not draft.failed
        assert await self.library.carry(self.library.begin(draft))
        self.changed()
        return draft

    async def undo(self, operation: str) -> Draft:
        draft = await self.library.draft_undo(self.journals.find(operation))
        assert await self.library.carry(self.library.begin(draft))
        self.changed()
        return draft

    async def resume(self) -> None:
        """Bring what was interrupted to its end."""
        open_ = [one for one in self.journals.operations() if one.state == "open"]
        for operation in open_:
            journal = self.journals.again(operation)
            if not all(progress.plan for progress in operation.places.values()):
                write(journal, await self.library.draft_rest(operation))
            assert await self.library.carry(journal)
        self.changed()

    def changed(self) -> None:
        for place in self.places:
            place.changed()

    def trees(self) -> list[dict[str, bytes]]:
        return [place.files() for place in self.places]


def fill(place: Place, paths: Iterable[str]) -> None:
    """Files with a content of their own each, as if somebody else had put them there."""
    for number, path in enumerate(paths):
        target = place.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        # Contents of one length each: nothing but the content tells them apart.
        target.write_bytes(hashlib.sha256(f"{path}{number}".encode()).digest())
        stamp = dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp() + number
        os.utime(target, (stamp, stamp))
    place.changed()


def contents(trees: Iterable[dict[str, bytes]]) -> Counter[bytes]:
    """Every file's content, wherever it lies."""
    return Counter(content for tree in trees for content in tree.values())


def folders(place: Place) -> set[str]:
    return {
        str(path.relative_to(place.folder)) for path in place.folder.rglob("*") if path.is_dir()
    }


def wild_names(count: int, seed: int = 1) -> list[str]:
    """File names that strangers gave, as far as a file system of this host takes them."""
    corpus = DATA / "filenames" / "unlabelled" / "nekomoe_paths.txt.gz"
    titles = DATA / "filenames" / "unlabelled" / "animegarden_titles.txt.gz"
    if not corpus.exists() or not titles.exists():
        pytest.skip(f"no names of strangers in {DATA}; set IZUMI_TEST_DATA")
    with gzip.open(corpus, "rt", encoding="utf-8") as file:
        names = {line.rstrip("\n").rpartition("/")[2] for line in file}
    with gzip.open(titles, "rt", encoding="utf-8") as file:
        names |= {f"{line.strip().replace('/', ' ')}.mkv" for line in file}
    good = sorted(name for name in names if not fault(name))
    return random.Random(seed).sample(good, count)  # noqa: S311 - a sample, not a secret
