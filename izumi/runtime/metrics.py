"""Figures as Prometheus reads them, and those of consumers."""

from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from izumi import __version__
from izumi.runtime.figures import Figure
from izumi.runtime.worker import Worker

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_OUTCOMES: Final = {"parked": "failed", "waits": "waiting"}


def text(figures: Iterable[Figure]) -> bytes:
    """Figures in the text format of Prometheus."""
    return generate_latest(_Collected(figures))


class _Collected(Collector):
    def __init__(self, figures: Iterable[Figure]) -> None:
        version = Figure("info", "gauge", "Which Izumi this is.", 1, {"version": __version__})
        self._figures = [version, *figures]

    def collect(self) -> Iterator[Metric]:
        """One family for each name."""
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for figure in self._figures:
            family = families.get(figure.name)
            if family is None:
                made = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
                family = made(f"izumi_{figure.name}", figure.meaning, labels=[*figure.labels])
                families[figure.name] = family
            family.add_metric([*figure.labels.values()], figure.value)
        yield from families.values()


def of_worker(worker: Worker) -> list[Figure]:
    """The figures of a consumer."""
    labels = {"unit": worker.unit, "group": worker.group}
    ended = [
        Figure("jobs_ended", "counter", "Jobs by how they ended.", count, labels | {"outcome": end})
        for word, count in sorted(worker.tally.ended.items())
        for end in [_OUTCOMES.get(word, word.replace(" ", "_"))]
    ]
    broken = worker.breaker.state == "open"
    return [
        Figure("jobs_claimed", "counter", "Jobs that were begun.", worker.tally.claimed, labels),
        *ended,
        Figure(
            "jobs_busy_seconds", "counter", "Time in jobs that ended.", worker.tally.busy_s, labels
        ),
        Figure("jobs_in_hand", "gauge", "Jobs that run now.", len(worker.running), labels),
        Figure("jobs_at_once", "gauge", "Jobs that may run at once.", worker.jobs, labels),
        Figure("broken", "gauge", "1: this host spoils jobs; none are taken.", broken, labels),
    ]
