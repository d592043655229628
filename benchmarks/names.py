"""Reading names: how long it takes beside anitopy, and a hundred thousand broken ones.

    python -m benchmarks.names [COUNT]

Bars: half of all plain release names are read within 1 ms; no name, however broken, takes
longer than the 2 s after which its reader would be killed; every clean name stays as it is
and every part of a key fits, also where names are encrypted. COUNT broken names are tried,
100000 when not given. Exit code 1 when a bar is missed.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator

import anitopy

from izumi.domain import keys, names
from izumi.domain.identify import identify
from izumi.domain.release import Identification
from tests.support.release_names import SHAPES, TITLES, broken, hostile

BAR_MEDIAN_S = 0.001
BAR_LONGEST_S = 2.0
ROUNDS = 10
COUNT = 100_000


def times_s(read: Callable[[str], object], plain: Iterable[str]) -> list[float]:
    """Processor seconds for each name."""
    taken = []
    for name in plain:
        began = time.process_time()
        read(name)
        taken.append(time.process_time() - began)
    return taken


def faults(name: str, found: Identification) -> Iterator[str]:
    """What is wrong with the names that are made of one."""
    clean = names.clean_name(found)
    if names.clean(clean) != clean:
        yield f"{name[:80]!a} is cleaned twice"
    for limit in (keys.MAX_PART_BYTES, names.ENCRYPTED_PART_BYTES):
        key = names.key(found, limit_bytes=limit)
        for part in key.split("/") if key else ():
            if keys.fault(part) or len(part.encode()) > limit - names.ROOM_BYTES:
                yield f"{name[:80]!a} makes {part[:80]!a}"


def main() -> int:
    """Measure, print, and judge."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    plain = [shape.format(title) for shape in SHAPES[:-1] for title in TITLES] * ROUNDS
    ours, theirs = times_s(identify, plain), times_s(anitopy.parse, plain)
    median_s, ratio = statistics.median(ours), sum(ours) / sum(theirs)
    print(f"{len(plain)} plain names: median {median_s * 1e3:.2f} ms, {ratio:.2f} x anitopy")
    wrong: list[str] = []
    longest_s, worst = 0.0, ""
    for maker in (broken, hostile):
        for name in maker(seed=7, count=count // 2):
            began = time.process_time()
            found = identify(name)
            took_s = time.process_time() - began
            if took_s > longest_s:
                longest_s, worst = took_s, name
            wrong += faults(name, found)
    print(f"{count} broken names: longest {longest_s * 1e3:.1f} ms, {len(wrong)} wrong")
    print(f"longest: {worst[:80]!a}", *wrong[:5], sep="\n")
    return int(median_s > BAR_MEDIAN_S or longest_s > BAR_LONGEST_S or bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
