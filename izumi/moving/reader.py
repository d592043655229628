"""The keys of one file, asked for by name; what came of each is noted. Pure.

Names count in any case, with `-` or `_`. A key is found below its usual table, at the top of
the file, or in whatever table a user has put it.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from izumi.moving.document import Document, Trail
from izumi.moving.rows import Kind, Row, dotted
from izumi.runtime.telemetry import printable

_YES: Final = frozenset({"yes", "true", "on", "y", "1"})
_NO: Final = frozenset({"no", "false", "off", "n", "0"})


class Found(NamedTuple):
    """A value and where it stands."""

    trail: Trail
    value: object


def plain(name: object) -> str:
    """A key as it is compared."""
    return str(name).strip().lower().replace("_", "-")


def leaves(value: object, trail: Trail = ()) -> Iterator[Found]:
    """Every value that holds no other key; a list of plain values is one."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*trail, key))
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*trail, number))
    else:
        yield Found(trail, value)


class Reader:
    """One file, read for one unit.

    Args:
        document: The file.
        unit: Which unit of the earlier system it belongs to.
        group: What the unit's group is called in the result.
        rows: Where what came of each key is noted.
    """

    def __init__(self, document: Document, unit: str, group: str, rows: list[Row]) -> None:
        self.document = document
        self.unit = unit
        self.group = group
        self._rows = rows
        self._noted: set[Trail] = set()

    @property
    def name(self) -> str:
        """The file, for people."""
        return printable(str(self.document.path))

    def note(self, kind: Kind, found: Found, text: str = "", *, where: Trail = ()) -> None:
        """Say what came of a key, and of everything below it."""
        self._noted.add(found.trail)
        self._rows.append(
            Row(
                kind=kind,
                file=self.name,
                line=self._line(found.trail),
                key=found.trail,
                where=where,
                text=text,
            )
        )

    def _line(self, trail: Trail) -> int | None:
        lines = self.document.lines
        return next(
            (lines[trail[:n]] for n in range(len(trail), 0, -1) if trail[:n] in lines), None
        )

    def all(self, *names: str, under: Sequence[str] = (), strict: bool = False) -> list[Found]:
        """Every key of one of these names that nothing is noted of yet, the likeliest first.

        Args:
            names: The names, as `plain` writes them.
            under: Tables that it usually stands in.
            strict: It counts in these and at the top of the file alone.
        """
        found = [
            one
            for one in self._keys(self.document.data, ())
            if plain(one.trail[-1]) in names and not self._is_noted(one.trail)
        ]

        def rank(one: Found) -> int:
            parents = [plain(step) for step in one.trail[:-1]]
            if under and parents and parents[-1] in under:
                return 0
            return 1 if not parents else 2

        ranked = sorted(found, key=rank)
        return [one for one in ranked if rank(one) < 2] if strict else ranked

    def holding(self, part: str) -> list[Found]:
        """Every key whose name holds a text and that nothing is noted of yet."""
        return [
            one
            for one in self._keys(self.document.data, ())
            if part in plain(one.trail[-1]) and not self._is_noted(one.trail)
        ]

    def one(self, *names: str, under: Sequence[str] = (), strict: bool = False) -> Found | None:
        """The key of one of these names; another one that says something else is noted.

        One that says nothing is noted, and counts as missing.
        """
        kept: Found | None = None
        for found in self.all(*names, under=under, strict=strict):
            if found.value is None or found.value in ([], {}, ""):
                self.note("empty", found)
            elif kept is None:
                kept = found
            elif found.value == kept.value:
                self.note("decided", found, f"says what {dotted(kept.trail)} says")
            else:
                self.note("decided", found, f"left out: {dotted(kept.trail)} says otherwise")
        return kept

    def text(self, *names: str, under: Sequence[str] = (), strict: bool = False) -> Found | None:
        """As `one`, where it is a text; else that is noted."""
        found = self.one(*names, under=under, strict=strict)
        if found is None:
            return None
        value = as_text(found.value)
        if value is None or not value.strip():
            self.note("complete", found, "left out: it must be a text")
            return None
        return Found(found.trail, value)

    def number(self, *names: str, under: Sequence[str] = ()) -> Found | None:
        """As `one`, where it is a whole number; else that is noted."""
        found = self.one(*names, under=under)
        if found is None:
            return None
        value = as_number(found.value)
        if value is None:
            self.note("complete", found, "left out: it must be a whole number")
            return None
        return Found(found.trail, value)

    def flag(self, *names: str, under: Sequence[str] = ()) -> Found | None:
        """As `one`, where it is yes or no; else that is noted."""
        found = self.one(*names, under=under)
        if found is None:
            return None
        said = plain(found.value)
        if said not in _YES | _NO:
            self.note("complete", found, "left out: it must be yes or no")
            return None
        return Found(found.trail, said in _YES)

    def texts(self, *names: str, under: Sequence[str] = (), strict: bool = False) -> list[Found]:
        """As `one`, the texts of a list one by one; a single text is a list of it."""
        found = self.one(*names, under=under, strict=strict)
        return [] if found is None else self.items(found)

    def items(self, found: Found) -> list[Found]:
        """The texts of a list, one by one; what else is in it is noted."""
        if not isinstance(found.value, list):
            text = as_text(found.value)
            if text is not None and text.strip():
                return [Found(found.trail, text)]
            self.note("complete", found, "left out: it must be a list of texts")
            return []
        good = []
        for number, value in enumerate(found.value):
            one = Found((*found.trail, number), value)
            text = as_text(value)
            if text is None or not text.strip():
                self.note("complete", one, "left out: it must be a text")
            else:
                good.append(Found(one.trail, text))
        # What came of each of them is noted one by one, or of the list as a whole.
        return good

    def below(self, found: Found) -> dict[str, Found]:
        """The keys of a mapping by their plain names."""
        if not isinstance(found.value, dict):
            return {}
        return {plain(key): Found((*found.trail, key), value) for key, value in found.value.items()}

    def finish(self) -> None:
        """Note what is left: unknown keys, keys without a value, keys that stand twice."""
        for trail in self.document.repeated:
            one = Found(trail, None)
            self.note("decided", one, "stands more than once; the last one counts, as it did")
            self._noted.discard(trail)
        for found in leaves(self.document.data):
            if not self._settled(found):
                text = f"no key of {self.unit} that is known; nothing of it is in the result"
                self.note("unknown", found, text)

    def _settled(self, found: Found) -> bool:
        if self._is_noted(found.trail):
            return True
        values = found.value if isinstance(found.value, list) else []
        return bool(values) and all(
            (*found.trail, number) in self._noted for number in range(len(values))
        )

    def _is_noted(self, trail: Trail) -> bool:
        return any(trail[:length] in self._noted for length in range(len(trail) + 1))

    def _keys(self, value: object, trail: Trail) -> Iterator[Found]:
        """Every key, the uppermost first; what is in lists is no key of the unit's own."""
        if not isinstance(value, dict):
            return
        for key, inner in value.items():
            yield Found((*trail, key), inner)
        for key, inner in value.items():
            yield from self._keys(inner, (*trail, key))


def as_text(value: object) -> str | None:
    """A plain value as text; None: it is none."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def as_number(value: object) -> int | None:
    """A plain value as a whole number; None: it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 10**9 else None
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if text.isascii() and text.lstrip("+-").isdigit() and len(text) < 10 else None
