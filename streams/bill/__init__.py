"""`bill`: stores groups as time entries, opens and closes periods, and generates narratives. `command` starts it.

command            the commands `bill` and `bill next`, and the loop
groups_consumer    ingests batches of the topic `groups`; `stale_members` schedules rechecks
due_periods        opens periods that are due; `next_periods` shows what is due next
narration          generates narratives; `narration_batches` makes prompts of entries and reads the answers
health, metrics, ingest_log    what the process reports about itself

The decisions are made in `processors.billing`. The tables are written in `connectors.mariadb.billing` and
`connectors.mariadb.narration`.
"""
