"""Timeloom's own container image, and what fetches the connector for Connect's container (docker-compose.yml)."""
