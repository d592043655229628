"""`izumi identify`: what would these files be called, and how sure is that."""

import sys
from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
from cyclopts import Parameter

from izumi.domain.identify import identify as identified
from izumi.domain.reading.folders import parted
from izumi.naming.report import as_line, as_object


def identify(
    # Names of strangers may begin with a hyphen; `--` ends the options, as everywhere.
    names: Annotated[list[str], Parameter(allow_leading_hyphen=True, negative="")],
    /,
    *,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Say of each name what it is, one line each, in the same order.

    Args:
        names: File names, paths or release titles; `-` reads them from standard input,
            one a line.
        json: One JSON object a line instead of a line for people.

    Returns:
        The exit code: 0, also when names are held.
    """
    for name in _all(names):
        folders, file = parted(name)
        found = identified(file, folders=folders)
        if json:
            sys.stdout.buffer.write(msgspec.json.encode(as_object(found)) + b"\n")
        else:
            sys.stdout.buffer.write(as_line(found).encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()
    return 0


def _all(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        # Bytes that are no UTF-8 make a name too: a replaced one, and never the end.
        if name != "-":
            yield name.encode("utf-8", "replace").decode()
            continue
        for line in sys.stdin.buffer:
            yield line.rstrip(b"\r\n").decode("utf-8", "replace")
