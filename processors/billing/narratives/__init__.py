"""Narratives: the activities' own words, prompts and their versions, the check that a sentence is supported, prices.

Nothing here calls a language model: that is `connectors.llm`.
"""
