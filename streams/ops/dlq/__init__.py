"""`ops dlq`: lists, shows, retries and discards dead letters.

command   the commands
retry     resends what dead letters are about, and reports what became of them
subject   which timekeeper and row a dead letter is about, and whether it can be resent
tables    dead letters on the screen and as JSON
remedies  what to do about each reason

Reading and writing the topic is in `connectors.kafka.records`.
"""
