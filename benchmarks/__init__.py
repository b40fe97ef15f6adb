"""Figures, beside the peers in the same run. `make bench` runs all of it; never a test."""
