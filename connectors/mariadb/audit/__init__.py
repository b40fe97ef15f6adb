"""What `verify` reads and writes to prove and repair the ledger while everything runs.

- `marks`: inserts marks, and lists those that `bill` hasn't consumed yet
- `ledger_snapshot`: everything that the database holds of one timekeeper, at one moment
- `resend`: makes capture emit rows, deletes and moves again
- `reingestion`: stores a timekeeper's published groups again from scratch

Not here: the comparison (`processors.audit`) and the command (`streams.verify`).
"""
