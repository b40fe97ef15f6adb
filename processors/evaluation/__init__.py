"""How well a grouping agrees with true groups, beside simple rules, and how good its confidences are.

    gold labels and groups -> measures of each stream -> pooled, or the mean over streams -> bootstrap intervals

Running models on files and showing the results is in `streams.evaluate`.
"""
