"""The features of candidate pairs, as whole numbers: times, content, context, talk.

Entered through `activity_table.ActivityTable` (each activity as columns) and `pair_features.features`.
What the features are worth is decided in `processors.grouping.similarity`.
"""
