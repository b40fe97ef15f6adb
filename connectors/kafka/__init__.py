"""Kafka: topics as the registry wants them, reading a partition to its end, and the fenced writer."""
