"""The message bus: JetStream topology, client, pull loop, lease and commit."""
