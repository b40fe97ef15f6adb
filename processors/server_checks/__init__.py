"""Checks a user's own servers: a list of checks, each right, wrong or could be better.

`mariadb`, `kafka` and `connect` have the checks of each server; `check_list` makes one. Reading the facts is in
`connectors`, printing them in `streams.stack.server_check`.
"""
