"""Commands for the keeper of a library."""
