"""The MariaDB server: connecting to it, running transactions, and bringing it to what this version needs.

- `engine`: `connect`, and the translation of errors that a person can mend
- `transactions`: `in_transaction` repeats work after a lock conflict
- `migrate`: `migrate` creates or upgrades the database
- `users`: the three database users and their grants
- `server_facts`: what a server answers about itself, for `streams.stack.server_check`

Not here: starting and stopping a local server (`connectors.stack.servers`) and any query about a timekeeper's rows.
"""
