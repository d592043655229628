"""Who stores a file, when several hosts see the same folder: one, by the bus.

The claim is on the place that the file goes to, not on its content: two hosts never write
to one place at once, and whoever comes second finds what the first one did. A claim is an
entry in the job log, written on the condition that nobody wrote since it was read; the
fact and "done" are stored together, on the condition that the claim is still ours.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from izumi.bus.ports import Bus, Conflict, Outgoing, Stored
from izumi.domain import events, subjects
from izumi.domain.errors import BusUnavailable, Unavailable
from izumi.domain.events import Acquired, File, JobRecord

UNIT = "acquisition"
_GROUP = "all"
_records = msgspec.json.Decoder(JobRecord)


class Claim(NamedTuple):
    """A claim that was ours when it was made.

    Attributes:
        seq: Its place in the log.
        contested: The place was claimed for another content before: that one may lie at
            any location, also at one that does not answer now.
    """

    subject: str
    seq: int
    attempt: int
    file: File
    contested: bool = False


class Announced(Exception):
    """This very file was announced before.

    Args:
        owner: Who did it.
        missing: Locations that did not hold it yet, and get it from there.
    """

    def __init__(self, owner: str, missing: Sequence[str]) -> None:
        super().__init__(owner)
        self.owner = owner
        self.missing = tuple(missing)


class Elsewhere(Unavailable):
    """Another host works on this place now; it may yet fail."""


class Claims:
    """Claims of one ledger.

    Args:
        bus: Where the job log is.
        owner: Names host and ledger: claims of an earlier life of it are its own.
        claim_s: A claim that was not renewed for so long may be taken over.
        now: Wall clock, for records only.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        owner: str,
        claim_s: float,
        now: Callable[[], dt.datetime],
        clock: Callable[[], float],
    ) -> None:
        self.owner = owner
        self._bus = bus
        self._claim_s = claim_s
        self._now = now
        self._clock = clock
        # How long another one's claim has stood, by our own clock: theirs may be wrong.
        self._watched: dict[str, tuple[int, float]] = {}

    async def take(self, file: File) -> Claim:
        """Claim the place of a file. Taking one's own claim again is allowed.

        Raises:
            Announced: There is nothing left to do.
            Elsewhere: Another host has claimed it and is not silent for `claim_s` yet.
            BusUnavailable: It is not known whose it is.
        """
        subject = _subject(file)
        last = await self._bus.last(subject)
        before = None if last is None else _record(last)
        if before is not None and last is not None:
            self._refuse(last, before, file)
        attempt = 1 if before is None else before.attempt + 1
        contested = last is not None and (before is None or not _is_of(before, file))
        seq = last.seq if last is not None else 0
        claim = Claim(subject, seq, attempt, file, contested)
        try:
            return await self.renew(claim)
        except Conflict as exc:
            raise Elsewhere(f"{file.key}: another host was faster", retry_after_s=1.0) from exc

    def _refuse(self, last: Stored, before: JobRecord, file: File) -> None:
        if before.state == "done" and _is_of(before, file):
            raise Announced(before.owner, before.checkpoint.get("missing", ()))
        if before.state != "claimed" or before.owner == self.owner:
            return
        seq, since = self._watched.get(last.subject, (0, 0.0))
        if seq != last.seq:
            since = self._clock()
            self._watched[last.subject] = (last.seq, since)
        waited_s = self._clock() - since
        if waited_s < self._claim_s:
            # Most uploads take seconds; who waited long may wait longer.
            again_s = min(self._claim_s - waited_s, max(1.0, waited_s))
            raise Elsewhere(f"{file.key}: {before.owner} is storing it", retry_after_s=again_s)
        del self._watched[last.subject]

    async def renew(self, claim: Claim) -> Claim:
        """Show that the work goes on.

        Raises:
            Conflict: The claim is not ours any more.
            BusUnavailable: It may be renewed or not; `announce` finds out.
        """
        seq = await self._bus.publish(self._entry("claimed", claim))
        return claim._replace(seq=seq)

    async def release(self, claim: Claim, reason: str) -> None:
        """A person must decide first: others need not wait for us."""
        with contextlib.suppress(Conflict, BusUnavailable):
            await self._bus.publish(self._entry("held", claim, reason))

    async def announce(self, claim: Claim, fact: Acquired, missing: Sequence[str] = ()) -> None:
        """Store the fact and "done" together; a fact that is stored already counts.

        Args:
            claim: Of the place.
            fact: What is announced.
            missing: Locations that get the file later, see `complete`.

        Raises:
            Elsewhere: The claim is not ours any more; whoever has it announces.
            BusUnavailable: It may be announced or not; call again.
        """
        subject = events.subject_of(fact)
        told = Outgoing(subject, events.encode(fact), msg_id=fact.file.id, expect=0)
        try:
            await self._bus.commit([told, self._entry("done", claim, missing=missing)])
        except Conflict as exc:
            now = await self._ours(claim)
            if now is None:
                return
            if now.seq != claim.seq:
                await self.announce(now, fact, missing)
            elif await self._bus.last(subject) is None:
                raise BusUnavailable(f"{subject}: refused for now") from exc
            else:
                await self._bus.publish(self._entry("done", claim, missing=missing))

    async def complete(self, file: File) -> None:
        """Tell that no location misses a file any more which was announced too early for it.

        Raises:
            BusUnavailable: It may be told or not; call again.
        """
        subject = _subject(file)
        last = await self._bus.last(subject)
        record = None if last is None else _record(last)
        if last is None or record is None or record.state != "done" or not _is_of(record, file):
            return
        if record.checkpoint.get("missing"):
            with contextlib.suppress(Conflict):
                claim = Claim(subject, last.seq, record.attempt, file)
                await self._bus.publish(self._entry("done", claim))

    async def _ours(self, claim: Claim) -> Claim | None:
        """The claim as the log has it, when a receipt may have been lost; None: it is done.

        Raises:
            Elsewhere: It is not ours any more.
        """
        last = await self._bus.last(claim.subject)
        record = None if last is None else _record(last)
        if last is None or record is None or not _is_of(record, claim.file):
            raise Elsewhere(f"{claim.file.key}: the claim was lost", retry_after_s=1.0)
        if record.state == "done":
            return None
        if record.owner != self.owner:
            raise Elsewhere(f"{claim.file.key}: {record.owner} took over", retry_after_s=1.0)
        return claim._replace(seq=last.seq)

    def _entry(
        self,
        state: Literal["claimed", "done", "held"],
        claim: Claim,
        reason: str = "",
        missing: Sequence[str] = (),
    ) -> Outgoing:
        checkpoint: dict[str, Any] = {"file": claim.file.id, "key": claim.file.key}
        if missing:
            checkpoint["missing"] = list(missing)
        record = JobRecord(
            state=state,
            owner=self.owner,
            source=0,
            attempt=claim.attempt,
            checkpoint=checkpoint,
            reason=reason,
            at=self._now(),
        )
        return Outgoing(claim.subject, events.encode(record), expect=claim.seq)


def _subject(file: File) -> str:
    return subjects.job(UNIT, _GROUP, f"key-{subjects.file_id('', file.key)}")


def _is_of(record: JobRecord, file: File) -> bool:
    return record.checkpoint.get("file") == file.id


def _record(stored: Stored) -> JobRecord | None:
    """The entry; None: one that a newer version wrote, which a claim may follow."""
    try:
        return _records.decode(stored.data)
    except msgspec.DecodeError:
        return None
