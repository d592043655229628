"""Renaming a show's episodes: beside a process for each file, in the same run.

    python -m benchmarks.admin [FILES]

The earlier way is one `rclone moveto` for every file; a sample of them is timed, since all
would take minutes. Ours is everything that `izumi-admin rename` does: listing, plan,
journal, renames, and the look at what came of it. Bar: 1000 episodes at least 20 times
faster, on a folder of this host and over SFTP. Exit code 1 when it is missed.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from izumi.storage.rclone import Rclone
from izumi.tools.requests import Request
from tests.support.library import SHOW, Keeper, fill
from tests.support.remotes import RCLONE, Place, Remotes

BAR = 20.0
FILES = 1000
SAMPLE = 25
KINDS = ("local", "sftp")
REMEMBERS_S = 300.0  # as servers do; those of tests read a folder again for every question


def by_processes_s(remotes: Remotes, place: Place) -> float:
    """Seconds for one file, the earlier way."""
    root = f"{place.location.remote}/Old"
    began = time.monotonic()
    for number in range(SAMPLE):
        argv = [str(RCLONE), "--config", str(remotes.config), "moveto", "--"]
        argv += [f"{root}/{name(number)}", f"{root}/{SHOW} - {number:04} [1080p].mkv"]
        subprocess.run(argv, check=True)
    return (time.monotonic() - began) / SAMPLE


def name(number: int) -> str:
    """An episode as a stranger names it."""
    return f"[Group] {SHOW} - {number:04} (1080p).mkv"


async def ours_s(rclone: Rclone, place: Place, state: Path, count: int) -> float:
    """Seconds for all files."""
    keeper = Keeper(rclone, [place], state)
    began = time.monotonic()
    done = await keeper.do(Request(verb="rename", show=SHOW))
    took = time.monotonic() - began
    if done.plans[place.location.name].files != count:
        raise SystemExit("not all of them were renamed")
    return took


async def measure(remotes: Remotes, base: Path, count: int) -> bool:
    """Print a line for each kind of storage; whether all are fast enough."""
    good = True
    async with Rclone(remotes.settings(), state=base) as rclone:
        for kind in KINDS:
            place = remotes.place(kind)
            fill(place, [f"Airing/{SHOW}/{name(number)}" for number in range(count)])
            fill(place, [f"Old/{name(number)}" for number in range(SAMPLE)])
            theirs = await asyncio.to_thread(by_processes_s, remotes, place) * count
            took = await ours_s(rclone, place, base / kind, count)
            ratio = theirs / took
            print(
                f"{kind}: {count} episodes in {took:.2f} s; a process each {theirs:.0f} s "
                f"(of {SAMPLE}); {ratio:.0f} x, bar {BAR:.0f} x"
            )
            good &= ratio >= BAR
    return good


def main() -> int:
    """Measure, print, and judge."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    with tempfile.TemporaryDirectory() as folder:
        remotes = Remotes(Path(folder), REMEMBERS_S)
        try:
            remotes.start()
            return int(not asyncio.run(measure(remotes, Path(folder), count)))
        finally:
            remotes.stop()


if __name__ == "__main__":
    sys.exit(main())
