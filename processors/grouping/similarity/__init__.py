"""Similarity: scores candidate pairs with boosted trees, and keeps the pairs that pass as links.

classifier    the similarity classifier of each domain: features of a pair to log-odds
forest        boosted trees over binned features, evaluated in integers, and what each feature contributes
link_scoring  scores the candidate pairs of activities; entered through `score_links`
links         the arrays that hold all links of a pair graph
log_odds      the table from log-odds to odds, and back

The features are in `processors.grouping.features`. What is decided by links is in `processors.grouping.clustering`.
"""
