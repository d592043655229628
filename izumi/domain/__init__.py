"""Pure decisions: events, subjects, names, plans and errors. Imports nothing of izumi, does no I/O."""
