"""Streams and consumers as data, and the plan that leads to them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from izumi.bus import topology
from izumi.bus.memory_queue import matches
from izumi.bus.plan import Change, Found, plan, settings_of
from izumi.bus.topology import (
    ConsumerConfig,
    Membership,
    StreamConfig,
    Want,
    consumer_names,
    consumers,
    parse_consumer,
    streams,
)
from izumi.domain import subjects
from izumi.domain.errors import ConfigError
from izumi.domain.subjects import PRIORITIES, SUBS

NOTHING = Found({}, {})
ENCODER = Membership(unit="encoder", group="cpu")
UNITS = st.sampled_from(["encoder", "distributor", "notifier", "kisaragi", "endpoints", "own"])
GROUPS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=16)


def filters(member: Membership) -> dict[str, tuple[str, ...]]:
    return {config.name: config.filter_subjects for config in consumers([member])}


def heard(member: Membership, subject: str) -> list[str]:
    """Names of the consumers that get a message."""
    return [
        name
        for name, patterns in filters(member).items()
        if any(matches(pattern, subject) for pattern in patterns)
    ]


def test_an_encoder_hears_acquired_softsubs_by_priority_and_its_own_orders():
    assert filters(ENCODER) == {
        f"encoder_cpu_{level}": (
            f"izumi.file.acquired.softsub.{level}.>",
            f"izumi.do.encoder.cpu.{level}.>",
        )
        for level in PRIORITIES
    }


def test_a_notifier_hears_every_news_with_one_consumer():
    member = Membership(unit="notifier", group="fans")
    for subject in (
        subjects.acquired("softsub", "low", "f"),
        subjects.encoded("hardsub", "high", "f"),
        subjects.distributed("public", "drive", "f"),
        subjects.order("notifier", "fans", "low", "j"),
    ):
        assert heard(member, subject) == ["notifier_fans"]
    for subject in (
        subjects.held("encoder", "j"),
        subjects.order("notifier", "others", "low", "j"),
        subjects.job("notifier", "fans", "j"),
    ):
        assert heard(member, subject) == []


@pytest.mark.parametrize("sub", SUBS)
def test_a_distributor_may_want_some_kinds_only(sub: str):
    wants = (Want("acquired", ("softsub",)), Want("encoded", ("hardsub", "none")))
    member = Membership(unit="distributor", group="public", wants=wants)
    acquired = heard(member, subjects.acquired(sub, "high", "f"))
    encoded = heard(member, subjects.encoded(sub, "high", "f"))
    assert bool(acquired) == (sub == "softsub")
    assert bool(encoded) == (sub != "softsub")


def test_a_fact_without_priority_comes_at_the_normal_one():
    member = Membership(unit="encoder", group="a", wants=(Want("held"),))
    assert heard(member, subjects.held("x", "j")) == ["encoder_a_normal"]


def test_a_group_may_take_orders_only():
    member = Membership(unit="own", group="a", wants=())
    assert filters(member) == {"own_a": ("izumi.do.own.a.*.>",)}


@given(UNITS, GROUPS, st.sampled_from(PRIORITIES))
def test_every_order_to_a_group_reaches_one_consumer_of_it(unit: str, group: str, priority: str):
    member = Membership(unit=unit, group=group)
    assert len(heard(member, subjects.order(unit, group, priority, "job"))) == 1


@given(UNITS, GROUPS)
def test_a_consumer_name_is_legal_and_tells_its_group(unit: str, group: str):
    for name in consumer_names(unit, group):
        assert not set(name) & set(" .*>/\\\t\r\n\f")
        assert len(name) <= 255
        assert parse_consumer(name)[:2] == (unit, group)


@given(st.lists(st.tuples(UNITS, GROUPS), unique=True, max_size=6))
def test_no_two_groups_share_a_consumer(groups: list[tuple[str, str]]):
    members = [Membership(unit=unit, group=group) for unit, group in groups]
    names = [config.name for config in consumers(members)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["", "x", "encoder_", "encoder_main", "encoder_main_urgent", "_"])
def test_a_consumer_of_someone_else_is_told_apart(name: str):
    with pytest.raises(ValueError, match="not a"):
        parse_consumer(name)


@pytest.mark.parametrize(
    ("unit", "group", "wants"),
    [
        ("", "a", ()),
        ("En Coder", "a", ()),
        ("en_coder", "a", ()),
        ("encoder", "", ()),
        ("encoder", "ß" * 61, ()),
        ("encoder", "a", (Want("acquired"), Want("acquired", ("softsub",)))),
    ],
)
def test_a_group_that_cannot_be_is_refused(unit: str, group: str, wants: tuple[Want, ...]):
    with pytest.raises(ConfigError):
        Membership(unit=unit, group=group, wants=wants)


def test_the_same_group_twice_is_refused():
    with pytest.raises(ConfigError, match="twice"):
        consumers([ENCODER, ENCODER])


def test_the_stream_of_facts_loses_nothing_unseen():
    main = next(stream for stream in streams() if stream.name == topology.STREAM)
    assert (main.retention, main.discard, main.deny_delete, main.deny_purge) == (
        "limits",
        "new",
        True,
        True,
    )
    assert not main.allow_rollup_hdrs
    assert not main.allow_msg_ttl


def test_replicas_are_of_what_must_not_be_lost():
    counts = {stream.name: stream.num_replicas for stream in streams(3)}
    assert counts == {
        topology.STREAM: 3,
        topology.DEAD: 3,
        topology.PROGRESS: 1,
        topology.NODES: 3,
        topology.RULES: 3,
        topology.TOLD: 3,
        topology.LIBRARY: 3,
    }


def test_rules_are_kept_for_ever_and_a_full_stream_drops_none():
    rules = next(stream for stream in streams() if stream.name == topology.RULES)
    assert (rules.max_age, rules.discard, rules.max_msgs_per_subject) == (0, "new", 1)
    assert rules.deny_delete
    assert rules.deny_purge


def everything() -> list[StreamConfig | ConsumerConfig]:
    return [*consumers([ENCODER]), *streams()]


def as_found(wanted: list[StreamConfig | ConsumerConfig], **changed: Any) -> Found:
    """What a server has after all was made, with some settings changed by hand."""
    there: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for config in wanted:
        settings = settings_of(config)
        # As the server does: its own additions, and no word of what is false.
        present = {key: value for key, value in settings.items() if value is not False}
        extra = {key: changed[key] for key in changed if key in settings}
        there[isinstance(config, ConsumerConfig)][config.name] = {
            **present,
            **extra,
            "metadata": {"made": "by hand"},
        }
    return Found(*there)


def only(changes: list[Change], name: str) -> Change:
    return next(change for change in changes if change.name == name)


def test_on_an_empty_server_everything_is_made_streams_first():
    changes = plan(NOTHING, everything())
    assert {change.action for change in changes} == {"create"}
    kinds = [change.kind for change in changes]
    assert kinds == sorted(kinds, reverse=True)


def test_what_is_as_it_should_be_is_kept():
    wanted = everything()
    assert {change.action for change in plan(as_found(wanted), wanted)} == {"keep"}


def test_an_update_keeps_what_izumi_does_not_know():
    wanted = everything()
    change = only(plan(as_found(wanted, max_age=1), wanted), topology.STREAM)
    assert change.action == "update"
    assert change.config["metadata"] == {"made": "by hand"}
    assert change.config["max_age"] == 30 * 86_400 * 10**9
    assert change.reason == "max_age 1 -> 2592000000000000"


@pytest.mark.parametrize(
    ("setting", "value", "name"),
    [
        ("retention", "workqueue", topology.STREAM),
        ("storage", "memory", topology.STREAM),
        ("allow_msg_ttl", True, topology.STREAM),
        ("deny_purge", True, topology.PROGRESS),
        ("max_waiting", 512, "encoder_cpu_high"),
        ("ack_policy", "none", "encoder_cpu_high"),
    ],
)
def test_what_the_server_cannot_change_is_said_with_the_reason(
    setting: str, value: object, name: str
):
    wanted = everything()
    change = only(plan(as_found(wanted, **{setting: value}), wanted), name)
    assert change.action == "impossible"
    assert setting in change.reason


def test_what_can_be_denied_later_is_an_update():
    wanted = everything()
    change = only(plan(as_found(wanted, deny_purge=False), wanted), topology.STREAM)
    assert change.action == "update"


def test_where_a_consumer_began_does_not_matter_later():
    wanted = everything()
    changes = plan(as_found(wanted, deliver_policy="new", ack_wait=1), wanted)
    change = only(changes, "encoder_cpu_low")
    assert (change.action, change.config["deliver_policy"]) == ("update", "new")


def test_groups_of_other_hosts_are_left_alone():
    wanted = everything()
    found = as_found([*wanted, *consumers([Membership(unit="encoder", group="gpu")])])
    names = {change.name for change in plan(found, wanted)}
    assert not any("gpu" in name for name in names)
