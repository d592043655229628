"""Which group a route leads to."""

from izumi.publishers.gateway.settings import ROUTES, RouteSettings, aimed, astray


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
