"""What Prometheus is told: of jobs, of watch folders, whatever names strangers give."""

import asyncio
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from izumi.bus.memory import MemoryBus
from izumi.bus.topology import Membership
from izumi.compose.observed import observed
from izumi.domain.errors import ConfigError, Held, NoSpace, Rejected, Unavailable
from izumi.runtime.figures import Figure
from izumi.runtime.metrics import of_worker, text
from izumi.runtime.settings import MetricsSettings
from tests.support.acquiring import Place, in_states, until
from tests.support.bus import acquired, announcement
from tests.support.containers import matroska
from tests.support.working import working


def read(written):
    """Value of each sample, by its name and labels."""
    families = text_string_to_metric_families(written.decode())
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


async def fetched(where, path="/metrics"):
    def get():
        with urllib.request.urlopen(f"http://{where}{path}", timeout=10) as answer:
            return answer.headers["Content-Type"], answer.read()

    return await asyncio.to_thread(get)


def test_names_of_folders_and_of_groups_are_told_as_they_are():
    hostile = 'a"b\\c\nd\u202e\udcff'
    labels = {"folder": hostile.encode("utf-8", "backslashreplace").decode()}
    told = read(text([Figure("files", "gauge", "Files.", 3, labels)]))
    assert told["izumi_files", labels["folder"]] == 3


async def test_jobs_are_counted_by_how_they_ended(tmp_path):
    bus = MemoryBus([Membership(unit="encoder", group="main")])
    say = [None, Held("which?"), Rejected("never"), NoSpace("full")]
    left = [*say]

    async def work(fact, job):
        error = left.pop(0) if left else None
        if error is not None:
            raise error
        return []

    async with working(bus, work, tmp_path) as (worker, _):
        for number in range(len(say)):
            await bus.publish(announcement(acquired(f"Show/{number}.mkv")))

        async def ended():
            return worker.tally.ended["done"] == 2 and not worker.running

        await until(ended)
        told = read(text(of_worker(worker)))
    where = ("encoder", "main")
    assert told["izumi_jobs_claimed_total", *sorted(where)] == 5
    ends = {"done": 2, "held": 1, "failed": 1, "waiting": 1}
    for outcome, count in ends.items():
        assert told["izumi_jobs_ended_total", *sorted([*where, outcome])] == count
    assert told["izumi_jobs_busy_seconds_total", *sorted(where)] > 0
    assert told["izumi_jobs_in_hand", *sorted(where)] == 0


async def test_what_watch_folders_bring_is_counted_and_shown(tmp_path):
    place = Place(tmp_path)
    place.names.unsure.add("unsure.mkv")
    folder = str(place.root)
    sizes = [place.put(f"Show/{name}.mkv", matroska(seed=name)).stat().st_size for name in (1, 2)]
    place.put("Show/unsure.mkv")
    place.store.gate = asyncio.Event()
    async with place.running() as ledger:
        await place.store.waiting.wait()
        told = read(text(await place.figures()))
        assert told["izumi_acquisition_uploads", "a"] >= 1
        assert told["izumi_acquisition_in_hand",] >= 1
        place.store.gate.set()
        await until(in_states(ledger, **{"1": "done", "2": "done", "unsure": "held"}))
        place.put("Show/growing.mkv", b"\x1a\x45\xdf\xa3")
        await until(in_states(ledger, growing="settling"))
        told = read(text(await place.figures()))
    assert told["izumi_acquisition_found_total", folder] == 4
    assert told["izumi_acquisition_held_total", folder] == 1
    assert told["izumi_acquisition_published_total", folder] == 2
    assert told["izumi_acquisition_published_bytes_total", folder] == sum(sizes)
    assert told["izumi_acquisition_files", "done"] == 2
    assert told["izumi_acquisition_files", "held"] == 1
    assert told["izumi_acquisition_settling",] == 1
    assert told["izumi_acquisition_uploads", "a"] == 0
    assert told["izumi_acquisition_folder_online", folder] == 1
    assert told["izumi_acquisition_folder_swept_timestamp_seconds", folder] > 1e9
    assert told["izumi_acquisition_folder_sweep_seconds", folder] > 0
    assert told["izumi_acquisition_folder_changed_timestamp_seconds", folder] > 1e9
    assert not any("mkv" in label for _, *labels in told for label in labels)


async def test_there_are_as_many_figures_however_many_files_there_are(tmp_path):
    place = Place(tmp_path)
    async with place.running() as ledger:
        few = len(await place.figures())
        for number in range(30):
            place.put(f"Show {number}/{number}.mkv", matroska(seed=number, clusters=1))
        await until(in_states(ledger, **{str(number): "done" for number in range(30)}))
        assert len(await place.figures()) == few


async def test_figures_are_served_and_one_unit_that_cannot_tell_hides_no_other():
    async def fine():
        return [Figure("one", "counter", "One.", 1)]

    async def away():
        raise Unavailable("the ledger's disk is full")

    async with observed(MetricsSettings(listen="127.0.0.1:0"), [away, fine]) as where:
        kind, body = await fetched(where)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            await fetched(where, "/")
    assert kind.startswith("text/plain")
    assert read(body)["izumi_one_total",] == 1


async def test_nothing_listens_unless_asked_to():
    async with observed(MetricsSettings(), []) as where:
        assert where == ""


async def test_a_second_process_on_one_port_is_told_which_key_to_change():
    async with observed(MetricsSettings(listen="127.0.0.1:0"), []) as where:
        again = observed(MetricsSettings(listen=where), [])
        with pytest.raises(ConfigError, match=rf"\[metrics\] listen: {where} is in use"):
            await again.__aenter__()
    async with observed(MetricsSettings(listen=where), []) as anew:
        assert anew == where


async def test_an_address_of_another_host_is_told_with_the_key():
    with pytest.raises(ConfigError, match=r"\[metrics\] listen: 192.0.2.1:9797: "):
        await observed(MetricsSettings(listen="192.0.2.1:9797"), []).__aenter__()


@pytest.mark.parametrize("listen", ["9797", "host:", ":9797", "::1:9797", "a:b", "a:70000", "a:-1"])
def test_what_is_no_address_is_refused(listen):
    with pytest.raises(ValueError, match=r"listen: .* no address and port such as"):
        MetricsSettings(listen=listen)


@pytest.mark.parametrize("listen", ["127.0.0.1:9797", "[::1]:9797", "localhost:0"])
def test_addresses_of_both_kinds_are_taken(listen):
    assert MetricsSettings(listen=listen).listen == listen
