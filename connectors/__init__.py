"""The world outside, one folder each. Imports `schemas` and never `processors`."""
