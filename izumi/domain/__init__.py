"""Pure decisions: events, subjects, names, plans, errors. Imports nothing of izumi."""
