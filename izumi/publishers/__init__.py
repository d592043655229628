"""Units that publish facts."""
