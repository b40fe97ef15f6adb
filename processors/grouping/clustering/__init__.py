"""Clustering: activities are assigned to micro-clusters by their links, and micro-clusters are joined into groups.

pair_graph             a timekeeper's activities with their links and the micro-cluster of each
assignment             assigns activities to micro-clusters
micro_clusters         joins micro-clusters into groups, and keeps their pairs up to date
candidate_lists        the earlier micro-clusters that each one may join, with the features of each pair
cluster_pair_features  the names of those features and what they mean
cluster_similarity     scores cluster pairs with boosted trees
cluster_pairs          the arrays that hold all scored pairs
agglomeration          joins micro-clusters into groups by their scored pairs
constraints            feedback: which activities belong together or apart
graph_arrays           the arrays that all of these work on

Entered through `pair_graph.PairGraph` and `micro_clusters.MicroClusters`. The values of groups are in
`processors.grouping.outcome`, the links in `processors.grouping.similarity`.
"""
