"""An encoder with everything around it, in a folder that outlives a killed process."""

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

from izumi.consumers.encoder import Encoder
from izumi.consumers.encoder_settings import EncoderSettings
from izumi.domain.events import Acquired, Encoded, Episode, File
from izumi.domain.profile import Profile
from izumi.runtime.kept import Kept
from izumi.storage.ports import Location
from tests.support.folder_store import FolderStore
from tests.support.job import FakeJob
from tests.support.transcoder import FakeTranscoder

AT = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
KEY = "The Spring/The Spring - 01 [1080p].mkv"
OUTPUT_KEY = "The Spring/The Spring - 01 [1080p].mp4"
PLACES = {name: Location(name=name, remote=f"/{name}") for name in ("near", "far", "out", "spare")}


def acquired(source: bytes, **changes: Any) -> Acquired:
    file = File(key=KEY, size=len(source), sha256=hashlib.sha256(source).hexdigest(), sub="softsub")
    fields: dict[str, Any] = {
        "file": file,
        "episode": Episode(show="The Spring", number="1"),
        "sources": ("near", "far"),
        "at": AT,
    }
    return Acquired(**fields | changes)


class Bench:
    """An encoder on a store in a folder, with one softsub at `far`."""

    def __init__(
        self, root: Path, source: bytes = b"an episode", *, keep: bool = False, **settings: Any
    ) -> None:
        self.root = root
        self.store = FolderStore(root / "store")
        self.media = FakeTranscoder()
        self.fact = acquired(source)
        self.slept: list[float] = []
        fields: dict[str, Any] = {"destinations": ("out", "spare")}
        self.encoder = Encoder(
            settings=EncoderSettings(**fields | settings),
            profiles={name: Profile() for name in (fields | settings).get("profiles", ["hardsub"])},
            locations=PLACES,
            store=self.store,
            transcoder=self.media,
            host="here",
            now=lambda: AT,
            sleep=self._sleep,
            kept=Kept(root) if keep else None,
        )
        path = self.store.path(self.fact.file, PLACES["far"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def job(self, name: str = "job") -> FakeJob:
        scratch = self.root / name
        scratch.mkdir()
        return FakeJob(scratch, unit="encoder")

    def again(self, job: FakeJob) -> FakeJob:
        """A later attempt, elsewhere: the scratch folder of the first one is gone."""
        later = job.again()
        later.scratch = self.root / f"{job.scratch.name}+"
        later.scratch.mkdir()
        return later

    def lies(self, name: str) -> bytes | None:
        path = self.store.path(
            File(key=OUTPUT_KEY, size=0, sha256=None, sub="hardsub"), PLACES[name]
        )
        return path.read_bytes() if path.exists() else None

    async def encode(self, job: FakeJob) -> Encoded:
        (fact,) = await self.encoder(self.fact, job)
        assert isinstance(fact, Encoded)
        return fact
