"""The commands of `izumi` and `izumi-admin`, one module each."""
