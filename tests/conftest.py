"""Fixtures that every test may ask for."""

pytest_plugins = ["tests.support.media", "tests.support.nats"]
