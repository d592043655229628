"""Units that pull work as queue groups."""
