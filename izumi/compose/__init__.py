"""The composition root: settings in, running units out. Nothing else builds adapters."""

from izumi.compose.catalogue import catalogue_for_once
from izumi.compose.connections import bus, hand_back, prepare, prepare_patiently, store
from izumi.compose.elsewhere import endpoint as check_endpoint
from izumi.compose.encoding import transcoder
from izumi.compose.instance import Instance, instance, instance_name, run
from izumi.compose.library import library
from izumi.compose.telling import check as check_target
from izumi.compose.telling import facts_for_once, targets
from izumi.compose.wanted import (
    Wanted,
    chosen,
    configured,
    link_bases,
    locations,
    memberships,
    scratch_root,
    template,
)

__all__ = [
    "Instance",
    "Wanted",
    "bus",
    "catalogue_for_once",
    "check_endpoint",
    "check_target",
    "chosen",
    "configured",
    "facts_for_once",
    "hand_back",
    "instance",
    "instance_name",
    "library",
    "link_bases",
    "locations",
    "memberships",
    "prepare",
    "prepare_patiently",
    "run",
    "scratch_root",
    "store",
    "targets",
    "template",
    "transcoder",
]
