"""Wishes into steps: no file ends on another one, whatever their names do to each other.

Two names that differ in case alone, or in the form of a letter, are one name: some
storages cannot tell them apart. Where two that differ in case lie side by side, this one
can. A name that is still taken by a file which moves away itself is reached by way of a
temporary one, so that names can be exchanged.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from izumi.domain.keys import MAX_PART_BYTES, part_name
from izumi.tools.plan import (
    BRING,
    CLEAR,
    SETTLE,
    Conflict,
    Left,
    Policy,
    Step,
    Wish,
    makings,
)
from izumi.tools.shelves import Item, fold, folder_of

_TWICE: Final = "two files have this name; remove or rename one of them at the storage itself"


class Ways(NamedTuple):
    """How wishes are carried out.

    Attributes:
        token: Part of temporary names: the operation.
        trash: Folder that what has to make way goes to.
        policy: What becomes of files that would have one name.
        name_bytes: Most bytes of a name there.
    """

    token: str
    trash: str
    policy: Policy = "skip"
    name_bytes: int = MAX_PART_BYTES


class Arranged(NamedTuple):
    """Steps, and what was decided on the way; see `PlacePlan`."""

    steps: tuple[Step, ...] = ()
    left: tuple[Left, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


def arrange(wishes: Sequence[Wish], there: Sequence[Item], ways: Ways) -> Arranged:
    """Decide every wish.

    Args:
        wishes: Files and where they are to lie; one that lies there is left alone.
        there: Everything that lies in the folders that are left and entered.
        ways: How.
    """
    left = list(_refused(wishes, there, ways))
    staying = {one.path for one in left}
    going = [w for w in wishes if w.to != w.item.path and w.item.path not in staying]
    conflicts: list[Conflict] = []
    while True:
        arranger = _Arranger(going, there, ways)
        arranger.decide()
        conflicts += arranger.conflicts
        if not arranger.left:
            break
        # A file that stays may be in the way of another one, which then stays as well.
        left += arranger.left
        staying = {one.path for one in arranger.left}
        going = [wish for wish in going if wish.item.path not in staying]
    moves = arranger.moves
    return Arranged(
        (*moves, *makings([step.to for step in moves], there)), tuple(left), tuple(conflicts)
    )


def _refused(wishes: Sequence[Wish], there: Sequence[Item], ways: Ways) -> Iterator[Left]:
    """What no decision about names could help."""
    counted = Counter(item.path for item in there if not item.folder)
    files = {fold(path) for path in counted}
    folders = {fold(item.path) for item in there if item.folder}
    for wish in wishes:
        path, to = wish.item.path, wish.to
        if counted[path] > 1:
            yield Left(path=path, why=_TWICE)
        elif to == path:
            continue
        elif fold(to) in folders:
            yield Left(path=path, why=f"{to} is a folder there")
        elif blocking := next((up for up in _ups(to) if fold(up) in files), None):
            yield Left(path=path, why=f"{blocking} is a file there, and no folder")
        elif long := next((p for p in to.split("/") if len(p.encode()) > ways.name_bytes), None):
            yield Left(path=path, why=f"{long!r} has more than {ways.name_bytes} bytes of UTF-8")


def _ups(path: str) -> Iterator[str]:
    while path := folder_of(path):
        yield path


class _Arranger:
    """Decides between files; see `arrange`."""

    def __init__(self, going: Sequence[Wish], there: Sequence[Item], ways: Ways) -> None:
        self.moves: list[Step] = []
        self.left: list[Left] = []
        self.conflicts: list[Conflict] = []
        self._ways = ways
        leaving = {wish.item.path for wish in going}
        files = [item for item in there if not item.folder]
        self._names = {fold(item.path) for item in files}
        self._staying = {fold(item.path): item for item in files if item.path not in leaving}
        self._wanted: dict[str, list[Wish]] = defaultdict(list)
        for wish in sorted(going, key=lambda wish: wish.item.path):
            self._wanted[fold(wish.to)].append(wish)
        self._taken = {*self._wanted, *(fold(item.path) for item in there)}

    def decide(self) -> None:
        """Decide about every name that is wanted."""
        for name, contestants in self._wanted.items():
            occupant = self._staying.get(name)
            if occupant is None and (len(contestants) == 1 or _are_told_apart(contestants)):
                for wish in contestants:
                    self._go(wish, wish.to)
                continue
            paths = ((occupant.path,) if occupant else ()) + tuple(
                wish.item.path for wish in contestants
            )
            by_age = sorted(contestants, key=lambda wish: wish.item.changed, reverse=True)
            settle = {"skip": self._stay, "rename": self._number, "newest": self._choose}
            decided = settle[self._ways.policy](by_age, occupant)
            self.conflicts.append(Conflict(to=contestants[0].to, paths=paths, decided=decided))

    def _stay(self, contestants: Sequence[Wish], occupant: Item | None) -> str:
        for wish in contestants:
            lies = f"{wish.to} lies there already"
            why = lies if occupant else f"several files would be called {wish.to}"
            self.left.append(Left(path=wish.item.path, why=why))
        return "they stay as they are"

    def _number(self, by_age: Sequence[Wish], occupant: Item | None) -> str:
        if occupant is None:
            self._go(by_age[0], by_age[0].to)
        named = []
        for wish in reversed(by_age if occupant else by_age[1:]):
            free = _free(wish.to, self._taken, self._ways.name_bytes)
            self._taken.add(fold(free))
            self._go(wish, free)
            named.append(free.rpartition("/")[2])
        return f"kept as {', '.join(named)}"

    def _choose(self, by_age: Sequence[Wish], occupant: Item | None) -> str:
        best = by_age[0]
        if occupant is not None and occupant.changed >= best.item.changed:
            kept, losers = occupant.path, [wish.item for wish in by_age]
        else:
            kept, losers = best.item.path, [wish.item for wish in by_age[1:]]
            if occupant is not None:
                losers.append(occupant)
                self._names.discard(fold(occupant.path))
            self._go(best, best.to)
        self.moves += discards(losers, self._ways, CLEAR)
        return f"the newest, {kept}, is kept, the rest goes to the trash"

    def _go(self, wish: Wish, to: str) -> None:
        """The step to a name that is free, or two where it becomes free only meanwhile."""
        item = wish.item
        step = Step(phase=BRING, kind="move", path=item.path, to=to, size=item.size, why=wish.why)
        if fold(to) not in self._names:
            self.moves.append(step)
            return
        folder, _, name = to.rpartition("/")
        between = f"{folder}/{part_name(self._ways.token, name)}"
        self.moves.append(msgspec.structs.replace(step, to=between))
        self.moves.append(msgspec.structs.replace(step, phase=SETTLE, path=between))


def discards(items: Iterable[Item], ways: Ways, phase: int = BRING) -> list[Step]:
    """Files go to the trash, under the paths that they had.

    Names that differ in the form of a letter alone get a number there: a server may list both
    beside each other, and yet put one on the other in a new folder.
    """
    steps: list[Step] = []
    taken: set[str] = set()
    for item in items:
        to = f"{ways.trash}/{item.path}"
        if _form(to) in taken:
            to = _free(to, taken, ways.name_bytes, _form)
        taken.add(_form(to))
        why = "to the trash"
        steps.append(Step(phase=phase, kind="move", path=item.path, to=to, size=item.size, why=why))
    return steps


def _form(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _are_told_apart(contestants: Sequence[Wish]) -> bool:
    """Whether names that differ in case alone lie beside each other now, and so may then."""
    before = {fold(wish.item.path) for wish in contestants}
    return len(before) == 1 and len({_form(wish.to) for wish in contestants}) == len(contestants)


def _free(path: str, taken: set[str], name_bytes: int, form: Callable[[str], str] = fold) -> str:
    """`path` with the first number behind it that nothing has, within the length of names."""
    folder, _, name = path.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    stem, ending = (stem, dot + extension) if stem else (name, "")
    number = 2
    while True:
        tail = f" ({number}){ending}"
        cut = stem.encode()[: name_bytes - len(tail.encode())].decode("utf-8", "ignore")
        free = f"{folder}/{cut.rstrip()}{tail}"
        if form(free) not in taken:
            return free
        number += 1
