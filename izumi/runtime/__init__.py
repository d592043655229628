"""What every unit runs in: worker, shutdown, supervision, telemetry."""
