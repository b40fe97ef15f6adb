"""Describing an activity: cleaned titles, weighted words, tokens, and a vector of its text, once for each content.

Entered through `description.describe`. Comparing two activities is in `processors.grouping.features`.
"""
