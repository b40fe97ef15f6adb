"""Kafka: everything that talks to a broker.

client     how a cluster is reached, what it is like, and its topics
records    reading a topic's records and writing them, fenced or as dead letters
consumers  consumer groups, their offsets and commits, and the consumer whose offsets are kept in the database
progress   what is left to read, and how far topics have come

Each room imports only those above it. What a record means is in `schemas`. The settings of brokers and of Connect are
here too, as `server.properties` and `connect.properties`.
"""
