"""Which group a route leads to."""

import pytest

from izumi.domain.subjects import SUBS
from izumi.publishers.gateway.settings import ROUTES, BySubSettings, RouteSettings, aimed, astray


def test_a_units_only_group_is_main_whatever_it_is_called() -> None:
    groups = {"encoder": ["pc"], "distributor": ["public", "private"], "notifier": []}
    found = aimed(ROUTES, groups)
    assert {path: (one.group, one.priority) for path, one in found.items()} == {
        "/encode": ("pc", "normal"),
        "/encode-hp": ("pc", "high"),
        "/encode-mp": ("pc", "normal"),
        "/encode-lp": ("pc", "low"),
        "/distribute": ("main", "normal"),
        "/notify": ("main", "normal"),
    }
    (said,) = astray(found, groups)
    assert said.startswith("/distribute leads to the distributor group main, but here are public")


def test_a_group_that_was_named_stays_and_is_told_of_where_it_is_not() -> None:
    routes = {"/a": RouteSettings(unit="encoder", group="gpu")}
    assert aimed(routes, {"encoder": ["pc"]}) == routes
    assert len(astray(routes, {"encoder": ["pc"]})) == 1
    assert astray(routes, {"encoder": ["pc", "gpu"]}) == []
    # Who runs no encoder at all has it elsewhere.
    assert astray(routes, {"encoder": []}) == []


def test_groups_by_kind_are_looked_at_as_the_group_is() -> None:
    by_sub = BySubSettings(hardsub="main", none="rest")
    routes = {"/a": RouteSettings(unit="distributor", group="public", by_sub=by_sub)}
    (one,) = aimed(routes, {"distributor": ["public"]}).values()
    assert [one.group_of(sub) for sub in SUBS] == ["public", "public", "rest"]
    assert one.groups == ("public", "rest")
    (said,) = astray({"/a": one}, {"distributor": ["public"]})
    assert "/a leads to the distributor group rest" in said
    assert astray({"/a": one}, {"distributor": ["public", "rest"]}) == []


def test_an_encoder_has_no_groups_by_kind() -> None:
    with pytest.raises(ValueError, match="by_sub"):
        RouteSettings(unit="encoder", by_sub=BySubSettings(hardsub="main"))
