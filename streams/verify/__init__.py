"""`verify`: proves, while everything runs, that the ledger follows from the activities; `--mend` repairs it.

command            the command
audit              observes all timekeepers behind marks, without locks, until damage is told from work in flight
applied_decisions  the decisions and dead letters that the workers go by
repair             resends what the stream missed, restarts workers, ingests groups again
report             the result as one object

What is compared is decided in `processors.audit`.
"""
