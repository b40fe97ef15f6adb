"""The grouping model: what is learned, as data only, named by the hash of its bytes.

grouping_model  the model's parts; entered through `load_model`
trees           boosted trees as data
manifest        digests that show which parts were calibrated together
first.json      the model that ships

Evaluating trees is in `processors.grouping.similarity`, learning a model in `processors.training`. Stored models are in
`streams.shared.model_store`.
"""
