"""Capture: the connector's configuration, and its registration with Kafka Connect."""
