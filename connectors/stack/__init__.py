"""The native stack: MariaDB, Kafka and Kafka Connect in the project's own folder, without root or containers.

machine ─▶ parts (fetch by checksum) ─▶ java, mariadb, kafka (how each starts) ─▶ supervision ─▶ stack (up, down, ...)
"""
