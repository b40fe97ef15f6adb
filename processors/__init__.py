"""Decisions, as pure functions of values. No clock, no I/O, no asyncio, no randomness: those are arguments."""
