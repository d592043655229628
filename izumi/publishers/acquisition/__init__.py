"""Acquisition: watch folders into storage, and what they hold onto the bus."""

from izumi.publishers.acquisition.command import Outcome, acquire, exit_code
from izumi.publishers.acquisition.settings import AcquisitionSettings, WatchSettings
from izumi.publishers.acquisition.unit import Acquisition, AcquisitionHealth

__all__ = [
    "Acquisition",
    "AcquisitionHealth",
    "AcquisitionSettings",
    "Outcome",
    "WatchSettings",
    "acquire",
    "exit_code",
]
