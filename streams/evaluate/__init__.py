"""`evaluate`: compares models and rule baselines on labelled events, and shows where they go wrong.

command           the command
evaluation_run    groups the labelled streams by each model and each rule, and measures the results
cross_validation  trains models to be judged: by people they didn't learn from, and by what came later
mistakes_report   the worst mistakes, in the activities' own titles, with reasons
tables            the results on a terminal
page, charts      the results as one HTML page (`evaluation.html`)

The measures themselves are in `processors.evaluation`; training is in `processors.training`.
"""
