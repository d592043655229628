"""Fixtures that every test may ask for, and how wild input is tried."""

from hypothesis import settings

pytest_plugins = [
    "tests.support.nats",
    "tests.support.bus",
    "tests.support.media",
    "tests.support.remotes",
    "tests.support.keeper",
    "tests.support.killing",
    "tests.support.nobody",
]

# A test never asserts a time by the clock: machines are shared.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
# The same examples each time, for runs that judge: see tests/checks.py.
settings.register_profile("repeatable", deadline=None, derandomize=True)
