"""Reaching a cluster: its address and security, a test of the connection, its facts, and its topics.

Entered through `cluster.Cluster`, which every client takes. Reading and writing records is in
`connectors.kafka.records`.
"""
