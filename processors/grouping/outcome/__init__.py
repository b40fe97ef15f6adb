"""Outcome: from micro-clusters in groups to what is published of a group.

group_values    the values of groups; entered through `values_of`
pruning         which members are listed as outliers
group_measures  times, and figures of how firmly members joined
confidence      the probability that a group is exactly right
explanation     the features that contribute most to a group
reasons         features in words

Fitting the confidence is in `processors.training`. Dividing groups into time entries is not part of grouping.
"""
