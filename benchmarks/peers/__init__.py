"""How other ways to group streams do on labelled events, beside us, in the same run: `python -m benchmarks.peers`.

Each peer is a module of its own, and what it needs is in requirements-peers.lock: the product needs none of it.
"""
