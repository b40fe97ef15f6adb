"""Deciding one partition: reading its records, remembering what was said, saying what changed, pinning failures."""
