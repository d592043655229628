"""Identifying files where it can be killed, and what the answers look like."""
