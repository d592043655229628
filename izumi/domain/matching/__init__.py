"""Which show of the catalogue a release belongs to. Pure."""
