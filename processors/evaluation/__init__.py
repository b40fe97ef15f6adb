"""How well a grouping agrees with true groups, beside what simple rules reach, and what its confidences are worth.

labels and groups -> counts of each stream -> measures, pooled or the mean over streams -> intervals over streams
"""
