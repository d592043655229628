"""The composition root: settings in, running units out. Nothing else builds adapters."""

from izumi.compose.catalogue import catalogue_for_once
from izumi.compose.connections import bus, hand_back, prepare, prepare_patiently, store
from izumi.compose.instance import Instance, instance, instance_name, run
from izumi.compose.telling import targets
from izumi.compose.wanted import (
    Wanted,
    chosen,
    configured,
    locations,
    memberships,
    scratch_root,
)

__all__ = [
    "Instance",
    "Wanted",
    "bus",
    "catalogue_for_once",
    "chosen",
    "configured",
    "hand_back",
    "instance",
    "instance_name",
    "locations",
    "memberships",
    "prepare",
    "prepare_patiently",
    "run",
    "scratch_root",
    "store",
    "targets",
]
