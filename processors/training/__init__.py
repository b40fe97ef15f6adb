"""Training: learns grouping models from labelled activities, with cross-validation, the same on every machine.

model_training          learns a whole model; entered through `learn`
labelled_streams        streams with true groups, and how they are dealt into folds
vocabulary              how rare words are, and which indicate something new
examples                training lists of activities, micro_cluster_examples those of micro-clusters
boosting, tree_training boosted trees by listwise loss, and the choice of their settings
held_out_results        how well models group streams that they weren't learned from
confidence_training     the classifier of a group's confidence

Using a model is in `processors.grouping`; comparing models is in `processors.evaluation`.
"""
