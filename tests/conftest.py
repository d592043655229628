"""Fixtures that every test may ask for."""

pytest_plugins = [
    "tests.support.nats",
    "tests.support.bus",
    "tests.support.media",
    "tests.support.remotes",
    "tests.support.keeper",
    "tests.support.killing",
]
