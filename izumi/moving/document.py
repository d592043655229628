"""A configuration file of the earlier system, read as plain data with the lines of its keys.

YAML is composed to nodes and never constructed: nothing in a file can make an object. Every
scalar stays the text that was written, so that a key of digits is no number and `no` may be
a name. Aliases are followed, up to a number of values that no real file comes near.
"""

import configparser
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import yaml

from izumi.domain.errors import ConfigError
from izumi.runtime.telemetry import printable

Trail: TypeAlias = tuple[str | int, ...]
"""Keys and list positions that lead to a value."""

LONGEST_BYTES: Final = 1 << 18
_MOST_VALUES: Final = 2_000
_DEEPEST: Final = 40
_MOST_DOTS: Final = 500
_MERGE: Final = "tag:yaml.org,2002:merge"
_PLAIN_TAG: Final = "tag:yaml.org,2002:"
_NULL: Final = "tag:yaml.org,2002:null"


class Document(NamedTuple):
    """What a file says.

    Attributes:
        path: The file, as it was named.
        data: Mappings, lists, texts and None; from TOML numbers and truth values too.
        lines: Where keys stand, as far as the parser tells (YAML).
        repeated: Keys that stand twice in one mapping; the last one counts.
    """

    path: Path
    data: object
    lines: Mapping[Trail, int] = {}
    repeated: tuple[Trail, ...] = ()


def read(path: Path) -> Document:
    """Read a file.

    Raises:
        ConfigError: One line with the file, the place and the reason; no value is shown.
    """
    text = _text(path)
    name = printable(str(path))
    if path.suffix.lower() == ".toml":
        return parse_toml(path, text)
    if path.suffix.lower() in {".yml", ".yaml", ".json"}:
        return parse_yaml(path, text)
    try:
        return parse_toml(path, text)
    except ConfigError:
        found = parse_yaml(path, text)
    if found.data is not None and not isinstance(found.data, dict | list):
        raise ConfigError(f"{name}: neither a mapping of YAML nor TOML")
    return found


def rclone_conf(path: Path) -> tuple[str, ...] | None:
    """The remotes of an rclone.conf; None: the file is none.

    Raises:
        ConfigError: It cannot be read.
    """
    if path.suffix.lower() != ".conf":
        return None
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    try:
        parser.read_string(_text(path))
    except configparser.Error:
        return None
    names = parser.sections()
    good = names and all(parser.has_option(name, "type") for name in names)
    return tuple(names) if good else None


def _text(path: Path) -> str:
    name = printable(str(path))
    try:
        if not path.is_file():
            reason = "is a folder; name the files in it" if path.is_dir() else "is no file"
            raise ConfigError(f"{name}: {reason}")
        with path.open("rb") as file:
            data = file.read(LONGEST_BYTES + 1)
    except (OSError, ValueError) as exc:
        reason = (exc.strerror or "") if isinstance(exc, OSError) else "no such name can be"
        raise ConfigError(f"{name}: cannot be read: {reason}") from None
    if len(data) > LONGEST_BYTES:
        raise ConfigError(
            f"{name}: has more than {LONGEST_BYTES} bytes; that is no configuration of a unit"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{name}: not UTF-8 at byte {exc.start}; save it as UTF-8") from None


def parse_toml(path: Path, text: str) -> Document:
    """What TOML says.

    Raises:
        ConfigError: It is none.
    """
    name = printable(str(path))
    for number, line in enumerate(text.splitlines(), start=1):
        # The parser takes hours over a key of as many parts as a line can have.
        if line.count(".") > _MOST_DOTS:
            raise ConfigError(f"{name}: line {number}: more than {_MOST_DOTS} dots")
    try:
        return Document(path, _Plain(name).of(tomllib.loads(text), 0))
    except (ValueError, RecursionError) as exc:
        reason = exc if isinstance(exc, tomllib.TOMLDecodeError) else "it cannot be read"
        raise ConfigError(f"{name}: not TOML: {printable(str(reason))}") from None


class _Plain:
    """Of a TOML document only the types that YAML has too."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._values = 0

    def of(self, value: object, depth: int) -> object:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise ConfigError(f"{self._name}: more than {_MOST_VALUES} values")
        if depth > _DEEPEST:
            raise ConfigError(f"{self._name}: nested more than {_DEEPEST} deep")
        if isinstance(value, dict):
            return {key: self.of(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.of(inner, depth + 1) for inner in value]
        return value if isinstance(value, str | bool | int | float) else str(value)


def parse_yaml(path: Path, text: str) -> Document:
    """What YAML says.

    Raises:
        ConfigError: It is none, or made to exhaust whoever reads it.
    """
    name = printable(str(path))
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ConfigError(f"{name}: not YAML: {place}{printable(str(exc.problem))}") from None
    except yaml.reader.ReaderError as exc:
        raise ConfigError(f"{name}: not YAML: character {exc.position}: {exc.reason}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ConfigError(f"{name}: not YAML, or nested too deep") from None
    if node is None:
        return Document(path, None)
    tree = _Tree(name)
    data = tree.of(node, ())
    return Document(path, data, tree.lines, tuple(tree.repeated))


class _Tree:
    """Nodes as plain data."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._values = 0
        # Not the length of a trail: what is merged stands in the place of the mapping itself.
        self._depth = 0
        self.lines: dict[Trail, int] = {}
        self.repeated: list[Trail] = []

    def of(self, node: yaml.Node, trail: Trail) -> object:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise self._fault(node, f"more than {_MOST_VALUES} values, aliases followed")
        if self._depth > _DEEPEST:
            raise self._fault(node, f"nested more than {_DEEPEST} deep")
        if not node.tag.startswith(_PLAIN_TAG) or node.tag.startswith(f"{_PLAIN_TAG}python/"):
            raise self._fault(node, "a tag that makes objects; write plain values")
        self.lines.setdefault(trail, node.start_mark.line + 1)
        if isinstance(node, yaml.CollectionNode):
            self._depth += 1
            found = self._collection(node, trail)
            self._depth -= 1
            return found
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        return None if node.tag == _NULL and plain else str(node.value)

    def _collection(self, node: yaml.CollectionNode, trail: Trail) -> object:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, trail)
        return [self.of(inner, (*trail, number)) for number, inner in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, trail: Trail) -> dict[str, object]:
        found: dict[str, object] = {}
        merged: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._fault(key_node, "a key that is no text")
            if key_node.tag == _MERGE:
                for part in self._merged(value_node):
                    below = self.of(part, trail)
                    if isinstance(below, dict):
                        merged = {**below, **merged}
                continue
            key = str(key_node.value)
            here = (*trail, key)
            if key in found:
                self.repeated.append(here)
            self.lines[here] = key_node.start_mark.line + 1
            found[key] = self.of(value_node, here)
        return {**merged, **found}

    def _merged(self, node: yaml.Node) -> Iterator[yaml.Node]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for part in parts:
            if not isinstance(part, yaml.MappingNode):
                raise self._fault(part, "`<<` with something else than a mapping")
            yield part

    def _fault(self, node: yaml.Node, what: str) -> ConfigError:
        return ConfigError(f"{self._name}: line {node.start_mark.line + 1}: {what}")
