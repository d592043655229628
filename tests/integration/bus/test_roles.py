"""Each role can do its work and nothing else, with keys and TLS on a real server."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import nkeys
import pytest
from structlog.testing import capture_logs

from izumi.bus import holds, jetstream, jobs, letters, provision
from izumi.bus.configuration import single_conf
from izumi.bus.connection import inbox_prefix
from izumi.bus.deadletters import JetStreamDeadLetters
from izumi.bus.history import JetStreamHistory
from izumi.bus.holds import Saying
from izumi.bus.jetstream import JetStreamBus
from izumi.bus.lease import Lease
from izumi.bus.letters import Remark
from izumi.bus.permissions import roles
from izumi.bus.ports import Outgoing
from izumi.bus.rules import in_force
from izumi.bus.settings import BusSettings
from izumi.compose import episode
from izumi.domain import events, subjects
from izumi.domain.errors import BusUnavailable, UserError
from izumi.domain.events import (
    Answered,
    Distributed,
    Encoded,
    File,
    HeldFile,
    JobRecord,
    Notified,
    Progress,
    RuleMade,
    encode,
    subject_of,
)
from izumi.domain.fix import Fix
from izumi.domain.rules import Rule
from tests.support.bus import MEMBERSHIPS, NOON, acquired, announcement, eventually, taken
from tests.support.nats import BINARY

ROLES = roles(MEMBERSHIPS)
ACQUIRED = acquired()
HARDSUB = File(key="Show/Show - 01.mp4", size=1, sha256="1" * 64, sub="hardsub")
ENCODED = Encoded(
    file=HARDSUB,
    episode=ACQUIRED.episode,
    sources=("library",),
    origin=ACQUIRED.file,
    profile="hardsub",
    at=NOON,
)


def distributed(group: str) -> Distributed:
    return Distributed(
        file=HARDSUB, episode=ACQUIRED.episode, group=group, destination="drive", at=NOON
    )


class Site(NamedTuple):
    """A server with TLS and roles, and the files of who may come in."""

    url: str
    ca: Path
    seeds: Mapping[str, Path]


def certificates(folder: Path) -> None:
    """A CA of this run, and a certificate for loopback signed by it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed here; it makes the certificates of this test")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for arguments in (
        ["req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test-ca"],
        ["req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=nats"],
        ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
         "-CAcreateserial", "-out", "server.pem", "-extfile", "names"],
    ):  # fmt: skip
        subprocess.run([openssl, *arguments], check=True, capture_output=True, cwd=folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The file that comes with Izumi, with other places, keys in place and TLS."""
    folder = tmp_path_factory.mktemp("site")
    certificates(folder)
    seeds, keys = {}, {}
    for role in ROLES:
        seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
        keys[role.name] = nkeys.from_seed(bytearray(seed)).public_key.decode()
        seeds[role.name] = folder / f"{role.name}.nk"
        seeds[role.name].write_bytes(seed)
    text = (
        single_conf(ROLES, keys)
        .replace("127.0.0.1:4222", "127.0.0.1:-1")
        .replace("127.0.0.1:8222", "127.0.0.1:-1")
        .replace('"/data"', json.dumps(str(folder / "store")))
    )
    text += f'tls {{ cert_file: "{folder}/server.pem", key_file: "{folder}/server.key" }}\n'
    text += f"ports_file_dir: {json.dumps(str(folder))}\n"
    (folder / "nats.conf").write_text(text)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([BINARY, "-c", folder / "nats.conf"], stderr=log)
    try:
        ports = folder / f"{BINARY.name}_{process.pid}.ports"
        for _ in range(2000):
            assert process.poll() is None, (folder / "log").read_text()
            with contextlib.suppress(OSError, ValueError):
                url = json.loads(ports.read_bytes())["nats"][0]
                break
            process.poll()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
        asyncio.run(furnish(Site(url, folder / "ca.pem", seeds)))
        yield Site(url, folder / "ca.pem", seeds)
    finally:
        process.kill()
        process.wait()


@contextlib.asynccontextmanager
async def as_role(site: Site, role: str) -> AsyncIterator[JetStreamBus]:
    settings = BusSettings(servers=(site.url,), seed_file=site.seeds[role], ca_file=site.ca)
    bus = await jetstream.connect(settings, name=role, role=role, wait_s=20)
    try:
        yield bus
    finally:
        await bus.aclose()


async def furnish(site: Site) -> None:
    """What the admin does before anyone else comes."""
    async with as_role(site, "admin") as admin:
        await provision.apply(admin.connection, MEMBERSHIPS)


async def once(site: Site, *messages: Outgoing) -> None:
    async with as_role(site, "admin") as admin:
        for message in messages:
            await admin.publish(message)


async def test_acquisition_announces_files_and_may_hold_them(site: Site):
    held = HeldFile(unit="acquisition", job="j", name="a.mkv", reason="which show?", at=NOON)
    async with as_role(site, "acquisition") as bus:
        await bus.publish(Outgoing(subject_of(ACQUIRED), encode(ACQUIRED), msg_id="a", expect=0))
        assert await bus.last(subject_of(ACQUIRED)) is not None
        await bus.publish(Outgoing(subject_of(held), encode(held)))
        await bus.tell(subjects.node("acquisition", "h"), b"{}", ttl_s=15)


async def test_acquisition_tells_of_locations_that_got_a_file_later_and_not_for_others(site: Site):
    def brought(group: str) -> Outgoing:
        fact = Distributed(
            file=ACQUIRED.file,
            episode=ACQUIRED.episode,
            group=group,
            destination="b",
            at=NOON,
        )
        return Outgoing(subject_of(fact), encode(fact), expect=0)

    async with as_role(site, "acquisition") as bus:
        await bus.publish(brought("acquisition"))
        with pytest.raises(UserError, match="permissions violation"):
            await bus.publish(brought("public"))


async def test_acquisition_hears_answers_and_reads_rules_and_the_admin_gives_both(site: Site):
    answer = Answered(unit="acquisition", hold="j", answer="approve", at=NOON)
    settled = Answered(unit="acquisition", hold="k", answer="settled", at=NOON)
    rule = Rule(title="Spring", fix=Fix(show="Haru"), at=NOON)
    async with as_role(site, "acquisition") as bus, as_role(site, "admin") as admin:
        heard = [bus.listen(subjects.answers("acquisition")), bus.listen(subjects.RULES)]
        first = [asyncio.ensure_future(anext(one)) for one in heard]
        while not all(one.done() for one in first):
            await admin.publish(Outgoing(subject_of(answer), encode(answer)))
            made = encode(RuleMade(rule=rule))
            await admin.publish(Outgoing(subjects.rule(rule.id), made))
        assert await bus.last(subject_of(answer)) is not None
        assert rule in in_force(await bus.latest(subjects.RULES))  # the site is shared
        await bus.publish(Outgoing(subject_of(settled), encode(settled)))
        for one in heard:
            await one.aclose()  # type: ignore[attr-defined]  # it is a generator


@pytest.mark.parametrize(
    ("role", "order", "results"),
    [
        ("encoder.main", subjects.order("encoder", "main", "high", "e"), [ENCODED]),
        (
            "distributor.public",
            subjects.order("distributor", "public", "low", "d"),
            [distributed("public")],
        ),
        (
            "notifier.main",
            subjects.order("notifier", "main", "normal", "n"),
            [
                Notified(
                    file=HARDSUB,
                    episode=ACQUIRED.episode,
                    group="main",
                    job="n",
                    targets=("a",),
                    at=NOON,
                )
            ],
        ),
    ],
)
async def test_a_worker_does_a_whole_job(site: Site, role: str, order: str, results):
    await once(site, Outgoing(order, encode(ACQUIRED)))
    unit, _, group = role.partition(".")
    held = HeldFile(unit=unit, group=group, job=role, name="a", reason="why", at=NOON)
    async with as_role(site, role) as bus:
        inbox = bus.inbox(unit, group)
        while (delivery := await taken(inbox)).subject != order:
            await delivery.ack()
        lease = Lease(bus, delivery, unit=unit, group=group, owner="host")
        await lease.claim()
        await lease.save({"part": 1}, [held])
        await lease.still_ours()
        await delivery.in_progress()
        await bus.tell(subjects.progress(unit, group, lease.job), b"{}")
        await bus.tell(subjects.node(unit, "host"), b"{}", ttl_s=15)
        await lease.commit(results)
        await delivery.ack()
    async with as_role(site, "dashboard") as bus:
        stored = {message.subject for message in await bus.latest("izumi.>")}
        assert {subject_of(result) for result in results} | {subject_of(held)} <= stored


async def test_a_worker_obeys_commands(site: Site):
    async with as_role(site, "encoder.main") as bus, as_role(site, "admin") as admin:
        heard = bus.listen("izumi.ctl.encoder.>")
        first = asyncio.ensure_future(anext(heard))
        while not first.done():
            await admin.tell(subjects.control("encoder"), b"drain")
            await asyncio.sleep(0.01)
        assert (await first).data == b"drain"
        await heard.aclose()  # type: ignore[attr-defined]  # it is a generator


async def test_the_gateway_gives_orders_and_looks_how_they_are_doing(site: Site):
    order = subjects.order("encoder", "main", "high", "from-the-gateway")
    log = subjects.job("encoder", "main", subjects.job_id(order))
    async with as_role(site, "gateway") as bus:
        await bus.publish(Outgoing(order, encode(ACQUIRED), msg_id="g", unless=log))
        assert await bus.last(order) is not None
        assert await bus.last(log) is None
        # What clients with the scope `read` are shown.
        await bus.latest("izumi.file.>")
        await JetStreamDeadLetters(bus).entries()
        assert [one.subject for one in await JetStreamHistory(bus).after(0, order)] == [order]


async def test_the_gateway_answers_holds_dead_letters_and_jobs(site: Site):
    held = HeldFile(unit="encoder", group="main", job="g", name="a", reason="why", at=NOON)
    held = msgspec.structs.replace(held, origin=events.raw(encode(ACQUIRED)))
    log = subjects.job("encoder", "main", "to-cancel")
    working = JobRecord(state="claimed", owner="x", source=1, at=NOON)
    async with as_role(site, "admin") as admin:
        await admin.publish(Outgoing(subject_of(held), encode(held)))
        await admin.publish(Outgoing(log, encode(working)))
        asked = subjects.order("notifier", "main", "normal", "rubbish")
        await admin.publish(Outgoing(asked, b"rubbish"))
        inbox = admin.inbox("notifier", "main")
        while (delivery := await taken(inbox)).subject != asked:
            await delivery.ack()
        await delivery.term("no")
    async with as_role(site, "gateway") as bus:
        hold = next(one for one in await holds.known(bus) if one.fact.job == "g")
        await holds.say(bus, [hold.id], Saying("approve", "g", NOON))
        dead = JetStreamDeadLetters(bus)

        async def noticed() -> bool:
            return bool(await dead.entries())

        await eventually(noticed)
        letter = (await dead.entries())[-1]
        await letters.evidence(bus, JetStreamHistory(bus), letter)
        await letters.drop(bus, letter, Remark("g", NOON))
        found = await dead.entry(letter.seq)
        assert found is not None
        assert found.answer is not None
        await letters.retry(bus, found, Remark("g", NOON))
        last = await bus.last(log)
        assert last is not None
        assert await jobs.cancel(bus, jobs.job_of(last), by="g", now=lambda: NOON)
        rule = Rule(title="A", fix=Fix(show="B"), at=NOON)
        await holds.publish_rule(bus, rule)


@pytest.mark.parametrize("role", ["gateway", "dashboard"])
async def test_how_far_jobs_are_and_what_an_episode_lived_through_can_be_read(
    site: Site, role: str
):
    fact = acquired(f"Told - 0{len(role)}.mkv")
    job = f"acquired-{fact.file.id}"
    log = subjects.job("encoder", "main", job)
    claim = JobRecord(state="claimed", owner="pc", source=1, at=NOON)
    far = Progress(
        unit="encoder",
        group="main",
        job=job,
        instance="pc",
        name="a",
        step="encoding",
        fraction=0.5,
        at=NOON,
    )
    await once(site, announcement(fact), Outgoing(log, encode(claim)))
    async with as_role(site, "admin") as admin:
        await admin.tell(subjects.progress("encoder", "main", job), encode(far))
    async with as_role(site, role) as bus:

        async def seen() -> bool:
            return bool(await jobs.progress(bus, "encoder", "main", job))

        await eventually(seen)
        assert await JetStreamHistory(bus).after(0, "izumi.progress.>")
        told = await episode.told(bus, job, now=NOON)
    assert {"acquired", "now"} <= {moment.kind for moment in told.moments}


async def test_the_dashboard_sees_everything(site: Site):
    await once(site, Outgoing(subjects.job("encoder", "main", "seen"), b"{}"))
    async with as_role(site, "dashboard") as bus, as_role(site, "admin") as admin:
        assert await bus.latest("izumi.job.>")
        await bus.latest("izumi.progress.>")
        await bus.latest("izumi.node.>")
        await JetStreamDeadLetters(bus).entries()
        for name in ("CONSUMER.LIST.IZUMI", "STREAM.INFO.IZUMI", "INFO"):
            assert b'"error"' not in (await bus.connection.request(f"$JS.API.{name}")).data
        heard = bus.listen("izumi.>")
        first = asyncio.ensure_future(anext(heard))
        while not first.done():
            await admin.tell(subjects.progress("encoder", "main", "x"), b"1")
            await asyncio.sleep(0.01)
        await heard.aclose()  # type: ignore[attr-defined]  # it is a generator


ENCODER_LOG = subjects.job("encoder", "main", "spied")
FORBIDDEN = {
    "notifier.main": (
        announcement(ACQUIRED).subject,
        subject_of(ENCODED),
        subject_of(distributed("public")),
        ENCODER_LOG,
        "izumi.job.notifier.other.j",
        subjects.order("encoder", "main", "high", "j"),
        subjects.node("encoder", "h"),
        subjects.progress("encoder", "main", "j"),
        subjects.held("encoder", "j"),
        subjects.control("encoder"),
        "$JS.API.CONSUMER.MSG.NEXT.IZUMI.encoder_main_high",
        "$JS.API.CONSUMER.INFO.IZUMI.encoder_main_high",
        "$JS.ACK.IZUMI.encoder_main_high.1.1.1.1.1",
        f"$JS.API.DIRECT.GET.IZUMI.{ENCODER_LOG}",
        "$JS.API.DIRECT.GET.IZUMI",
        "$JS.API.STREAM.MSG.GET.IZUMI",
        "$JS.API.STREAM.MSG.DELETE.IZUMI",
        "$JS.API.STREAM.PURGE.IZUMI",
        "$JS.API.STREAM.DELETE.IZUMI",
        "$JS.API.STREAM.UPDATE.IZUMI",
        "$JS.API.STREAM.SNAPSHOT.IZUMI",
        "$JS.API.STREAM.INFO.IZUMI",
        "$JS.API.CONSUMER.CREATE.IZUMI.own",
        "$JS.API.CONSUMER.DELETE.IZUMI.notifier_main",
        "$JS.API.CONSUMER.PAUSE.IZUMI.notifier_main",
        "$JS.API.CONSUMER.RESET.IZUMI.notifier_main",
        "$SYS.REQ.SERVER.PING",
    ),
    "acquisition": (
        subject_of(ENCODED),
        subjects.rule("r-1"),
        subjects.answered("encoder", "j"),
        "$JS.API.STREAM.MSG.DELETE.IZUMI_RULES",
        subjects.order("encoder", "main", "high", "j"),
        "$JS.API.CONSUMER.MSG.NEXT.IZUMI.encoder_main_high",
    ),
    "encoder.main": (
        announcement(ACQUIRED).subject,
        subjects.held("distributor", "j"),
        "$JS.API.STREAM.PURGE.IZUMI",
    ),
    "distributor.public": (
        subject_of(distributed("private")),
        subjects.job("distributor", "private", "j"),
        subjects.progress("distributor", "private", "j"),
        "$JS.API.CONSUMER.MSG.NEXT.IZUMI.distributor_private_high",
        "$JS.ACK.IZUMI.distributor_private_high.1.1.1.1.1",
    ),
    "gateway": (
        announcement(ACQUIRED).subject,
        subjects.held("encoder", "j"),
        subjects.node("encoder", "h"),
        subjects.control("encoder"),
        "izumi.told.main.x",
        "izumi.library.move.x",
        "$JS.API.STREAM.DELETE.IZUMI",
        "$JS.API.STREAM.PURGE.IZUMI",
        "$JS.API.STREAM.MSG.DELETE.IZUMI_DLQ",
    ),
    "dashboard": (
        announcement(ACQUIRED).subject,
        subjects.answered("acquisition", "j"),
        subjects.rule("r-1"),
        ENCODER_LOG,
        subjects.control("encoder"),
        "$JS.API.STREAM.PURGE.IZUMI",
        "$JS.API.CONSUMER.CREATE.IZUMI.own",
        "$JS.API.CONSUMER.MSG.NEXT.IZUMI.encoder_main_high",
        "$JS.API.STREAM.MSG.DELETE.IZUMI_DLQ",
    ),
}
SPYING = (
    ">",
    "izumi.>",
    "izumi.file.>",
    "$JS.ACK.>",
    "$JS.EVENT.>",
    f"{inbox_prefix('encoder.main')}.>",
    f"{inbox_prefix('admin')}.>",
)


@pytest.mark.parametrize("role", FORBIDDEN)
async def test_what_is_not_its_work_is_refused_at_once(site: Site, role: str):
    async with as_role(site, role) as bus:
        for subject in FORBIDDEN[role]:
            with pytest.raises(UserError, match="permissions violation"):
                await bus.connection.request(subject, b"{}", timeout_s=30)


async def test_no_worker_listens_to_others(site: Site):
    async with as_role(site, "notifier.main") as bus:
        for subject in SPYING:
            with pytest.raises(UserError, match="permissions violation for subscription"):
                await anext(bus.listen(subject))


async def test_what_is_refused_is_logged_loudly(site: Site):
    async with as_role(site, "acquisition") as bus:
        with capture_logs() as logs:
            await bus.tell(subjects.node("encoder", "h"), b"{}")

            async def logged() -> bool:
                return any(
                    entry["event"] == "bus.refused" and entry["log_level"] == "error"
                    for entry in logs
                )

            await eventually(logged)


async def test_a_group_of_another_cannot_be_joined(site: Site):
    async with as_role(site, "distributor.public") as bus:
        with pytest.raises(UserError, match="distributor_private_high"):
            await bus.inbox("distributor", "private").take()


async def test_a_stored_refusal_stops_a_publish_at_once(site: Site):
    async with as_role(site, "dashboard") as bus:
        bus._publish_s = 1000
        with pytest.raises(UserError):
            await bus.publish(announcement(ACQUIRED))
        with pytest.raises(UserError):
            await bus.commit([announcement(ACQUIRED), Outgoing(ENCODER_LOG, b"{}")])


async def test_one_part_that_is_refused_refuses_the_batch(site: Site):
    own = subjects.job("notifier", "main", "batch")
    async with as_role(site, "notifier.main") as bus:
        with pytest.raises(UserError, match="permissions violation"):
            await bus.commit([Outgoing(subject_of(ENCODED), b"{}"), Outgoing(own, b"{}")])
        assert await bus.last(own) is None


async def test_even_the_admin_cannot_make_the_stream_forget(site: Site):
    async with as_role(site, "admin") as bus:
        for name in ("STREAM.PURGE.IZUMI", "STREAM.MSG.DELETE.IZUMI"):
            answer = await bus.connection.request(f"$JS.API.{name}", b'{"seq": 1}')
            assert b'"error"' in answer.data


async def test_an_unknown_certificate_is_not_trusted(site: Site, tmp_path: Path):
    certificates(tmp_path)
    settings = BusSettings(
        servers=(site.url,), seed_file=site.seeds["admin"], ca_file=tmp_path / "ca.pem"
    )
    with pytest.raises(BusUnavailable, match="certificate verify failed"):
        await jetstream.connect(settings, name="t", role="admin", wait_s=2)
