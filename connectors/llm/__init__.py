"""The one gateway in front of every language model: calls, typed answers, and what each failure means.

What is asked and what of an answer is used are decided in `processors.billing.narratives`; the budget is in
`connectors.mariadb.narration`.
"""
