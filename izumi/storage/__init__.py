"""Where files lie: rclone locations, watch folders, the ledger."""
