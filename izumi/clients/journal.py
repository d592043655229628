"""The channel of people without a webhook: a log line, and a line in a file."""

import asyncio
import fcntl
import mmap
import os
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from izumi.domain.announce import Announcement
from izumi.domain.discord_text import clean
from izumi.domain.errors import Unavailable
from izumi.domain.plain import lines

log = structlog.get_logger()


class Journal:
    """A `Channel` that logs `announcement` and appends one JSON object a line to a file.

    A line is on disk, whole, before the news counts as told. The file itself knows what
    was told: a repeat of a job adds no line, from whichever process it comes.

    Args:
        path: `<state>/announcements.jsonl`.
    """

    name: Final = "log"
    edits: Final = True

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, news: Announcement, job: str) -> str:
        """As `Channel.send`; the message is the job."""
        marker = b'"job":' + msgspec.json.encode(job) + b","
        await self._append(_entry(news, job), marker)
        return job

    async def edit(self, message: str, news: Announcement, job: str) -> None:  # noqa: ARG002 - the job is the message
        """As `Channel.edit`: a further line, which says it better."""
        entry = _entry(news, job) | {"edit": True}
        await self._append(entry, msgspec.json.encode(entry))

    async def _append(self, entry: dict[str, Any], marker: bytes) -> None:
        line = msgspec.json.encode(entry)
        try:
            is_new = await asyncio.to_thread(_append_once, self._path, line, marker)
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
            raise Unavailable(f"{self._path}: cannot be written: {reason}", host=True) from exc
        if is_new:
            log.info("announcement", job=entry["job"], kind=entry["kind"], text=entry["text"])


def _entry(news: Announcement, job: str) -> dict[str, Any]:
    text = lines(news)
    return {
        "job": job,
        "at": news.at,
        "kind": news.kind,
        "show": clean(news.title),
        "name": text[0],
        "sub": news.sub,
        "size": sum(file.size_bytes for file in news.files),
        "destinations": [clean(name) for name in news.destinations],
        "text": " | ".join(text),
    }


def _append_once(path: Path, line: bytes, marker: bytes) -> bool:
    """Append a line unless one holds the marker already; whether it was appended."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # looking and appending are one step for all
        end = file.seek(0, os.SEEK_END)
        torn = False
        if end:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as written:
                # A power cut may have left half a line: it tells nothing, and ours
                # begins after it.
                whole = written.rfind(b"\n") + 1
                if written.find(marker, 0, whole) >= 0:
                    return False
                torn = whole < end
        _write_all(file.fileno(), (b"\n" if torn else b"") + line + b"\n")
        os.fsync(file.fileno())
    if not end:
        _sync_folder(path.parent)
    return True


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file last as its content does."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_all(fd: int, data: bytes) -> None:
    written = os.write(fd, data)
    if written < len(data):
        # A full disk: what is there is taken back, so that the file stays made of lines.
        os.ftruncate(fd, os.fstat(fd).st_size - written)
        raise OSError(28, "No space left on device")
