"""Commands on grouping models: `train` learns one from labelled events, `model` stores and activates a firm's own.

Loading models for the programs is in `streams.shared.model_store`; comparing them is `streams.evaluate`.
"""
