"""Izumi: acquire, name, hardsub, distribute and announce East Asian shows on one bus."""

__version__ = "0.1.0"
