"""Configurations of the earlier system, turned into one of ours. Only `document` reads files."""
