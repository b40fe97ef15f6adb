"""Has the loops of grouping compiled, for whoever is the first to group: `make install` runs it.

python -m streams.compiling
"""

from processors.grouping.batch import warm_up
from streams.shared.model_store import shipped_model

if __name__ == "__main__":
    warm_up(shipped_model())
