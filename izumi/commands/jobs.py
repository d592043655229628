"""`izumi-admin jobs`: what is in work and how far, cancelled, or ordered again."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from cyclopts import Parameter

from izumi.bus import jobs, reading, topology
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.jobs import Holder, Job
from izumi.bus.ports import Bus
from izumi.commands.console import By, Json, on_bus, person, show_rows
from izumi.commands.options import ConfigFile, load
from izumi.domain.errors import UserError
from izumi.domain.events import Progress

_SHOWN = 3
_COLUMNS = ("unit", "job", "state", "progress", "attempt", "owner", "at", "reason")

Open = Annotated[bool, Parameter(name="--open", negative="", help="Only what is in work or waits.")]
Unit = Annotated[
    str, Parameter(name=["--unit", "-u"], help="Of this unit alone, such as encoder.main.")
]


def jobs_list(*, config: ConfigFile = None, open_: Open = False, json: Json = False) -> int:
    """List the jobs of every unit with their state, and how far those in work are.

    Args:
        config: See below.
        open_: See below.
        json: See below.
    """

    async def read(bus: JetStreamBus) -> tuple[list[Job], Mapping[Holder, Progress]]:
        told = await jobs.progress(bus)
        return await _jobs(bus), told

    found, told = on_bus(load(config, level="warning"), read)
    rows: list[dict[str, object]] = []
    for job in found:
        if open_ and not job.is_open:
            continue
        record = job.record
        progress = told.get(job.holder)
        working = job.working(told)
        rows.append(
            {
                "unit": job.who,
                "job": job.job,
                "state": record.state,
                "progress": how_far(working) if working else "",
                "attempt": record.attempt,
                "owner": record.owner,
                "at": record.at.isoformat(timespec="seconds"),
                "reason": record.reason,
                "name": progress.name if progress else "",
                # For programs; people have them in "progress".
                "fraction": working and working.fraction,
                "fps": working and working.fps,
                "speed": working and working.speed,
                "eta_s": working and working.eta_s,
            }
        )
    show_rows(rows, _COLUMNS, json=json)
    return 0


def how_far(progress: Progress) -> str:
    """Step, per cent and details in a few words."""
    share = "" if progress.fraction is None else f"{progress.fraction:.0%}"
    return " ".join(filter(None, (progress.step, share, progress.detail)))


def jobs_cancel(*ids: str, unit: Unit = "", config: ConfigFile = None, by: By = "") -> int:
    """Cancel jobs: whoever works on one stops within seconds, and nobody does it again.

    Args:
        ids: As `izumi-admin jobs list` shows them; a beginning is enough where it is alone.
        unit: See below.
        config: See below.
        by: See below.
    """
    settings = load(config, level="warning")
    who = person(by, settings)

    async def cancel(bus: JetStreamBus) -> int:
        chosen = pick(await _jobs(bus), ids, unit=unit)
        late = 0
        for job in chosen:
            if await jobs.cancel(bus, job, by=who, now=_now):
                print(f"{job.who} {job.job}: cancelled")
            else:
                late += 1
                print(f"{job.who} {job.job}: settled before, nothing to cancel")
        return int(late > 0)

    return on_bus(settings, cancel)


def jobs_retry(*ids: str, unit: Unit = "", config: ConfigFile = None) -> int:
    """Order cancelled, failed, held or done jobs again, from their own group alone.

    Args:
        ids: As `izumi-admin jobs list` shows them; a beginning is enough where it is alone.
        unit: See below.
        config: See below.
    """

    async def order(bus: JetStreamBus) -> None:
        for job in pick(await _jobs(bus), ids, unit=unit):
            source = await reading.by_seq(bus.connection, topology.STREAM, job.record.source)
            new = await jobs.retry(bus, job, source, now=_now)
            print(f"{job.who} {job.job}: ordered again as {new}")

    on_bus(load(config, level="warning"), order)
    return 0


def pick(known: Iterable[Job], ids: Sequence[str], *, unit: str) -> list[Job]:
    """The jobs that are meant.

    Raises:
        UserError: None was named, one is not there, or several units have a job of its name.
    """
    if not ids:
        raise UserError("name at least one job, as izumi-admin jobs list shows them")
    of_unit = [job for job in known if not unit or unit in {job.unit, job.who}]
    chosen = []
    for name in dict.fromkeys(ids):
        found = [job for job in of_unit if job.job == name]
        found = found or [job for job in of_unit if name and job.job.startswith(name)]
        if not found:
            where = f" of {unit}" if unit else ""
            raise UserError(f"there is no job {name!r}{where}; see izumi-admin jobs list")
        if len(found) > 1:
            raise UserError(f"{name} {_several(found)}")
        chosen += found
    return list({job.seq: job for job in chosen}.values())


def _several(found: Sequence[Job]) -> str:
    """Why a name does not say which job is meant."""
    if len({job.job for job in found}) == 1:
        return f"is a job of {', '.join(job.who for job in found)}; say which with --unit"
    ids = ", ".join(sorted({job.job for job in found})[:_SHOWN])
    return (
        f"may be {len(found)} jobs ({ids}{', ...' if len(found) > _SHOWN else ''}); give more of it"
    )


async def _jobs(bus: Bus) -> list[Job]:
    return [jobs.job_of(entry) for entry in await bus.latest("izumi.job.>")]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
