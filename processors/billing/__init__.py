"""From groups to what is billed, as pure functions.

cadence     which periods a cadence closes, and when
entries     billing days, slices, matters, drafts of entries
narratives  extractive narratives, prompts for a language model, the check of its answers, prices
timesheet   a timekeeper's timesheet as a value

Storing entries is in `connectors.mariadb.billing`; calling a language model is in `connectors.llm`.
"""
