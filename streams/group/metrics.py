"""The metrics of `group`; the shared ones are in `streams.telemetry.metrics`."""

from schemas.checks import GROUP
from streams.telemetry.registry import counter, gauge, seconds

CHANGES = counter(
    "timeloom_changes_total",
    (GROUP,),
    "changes",
    "Processed changes: everything that they cause is on the broker. After a crash some are counted again.",
    "Zero while lag grows: the worker is stuck; read its log.",
)
CHANGES_WAITING = gauge(
    "timeloom_changes_waiting",
    (GROUP,),
    "changes",
    "Changes that were fetched and are in no batch yet. The worker stops fetching at 20,000.",
    "Near 20,000 for minutes: more changes arrive than one worker can group; start another one.",
)
CHANGE_TO_GROUP_SECONDS = seconds(
    "timeloom_change_to_group_seconds",
    (GROUP,),
    "Time from a change's arrival on `changes` until everything that it causes is on the broker. Measured for the "
    "oldest change of each batch.",
    "High and falling while there is a backlog: it catches up. High without one: see timeloom_batch_seconds.",
)
COMMIT_TO_GROUP_SECONDS = seconds(
    "timeloom_commit_to_group_seconds",
    (GROUP,),
    "Time from the commit in MariaDB until the group is on the broker. Measured for the last group of each batch. The "
    "binlog has whole seconds, so it may be up to 1 s too long.",
    "High while timeloom_change_to_group_seconds is low: capture is behind; see the log of connect.",
)
GROUPS_PUBLISHED = counter(
    "timeloom_groups_said_total",
    (GROUP,),
    "records",
    "Groups written to `groups`: new values, and tombstones of groups that are gone.",
    "Zero while changes are processed: they change no group, or all become dead letters.",
    ("what",),
)
WORKING_SET_ACTIVITIES = gauge(
    "timeloom_working_set_activities",
    (GROUP,),
    "activities",
    "Activities in the working sets of this process. It groups these and holds them in memory.",
    "Grows without end: the horizon drops nothing. Give the process more memory, or start another one.",
)
QUARANTINED = gauge(
    "timeloom_timekeepers_set_aside",
    (GROUP,),
    "timekeepers",
    "Quarantined timekeepers: their groups stay as they were, because our own code fails on their work.",
    "Above 0: report the detail of their dead letters (reason `bug`). After an upgrade, the next start tries again.",
)
RESTORE_SECONDS = seconds(
    "timeloom_read_back_seconds",
    (GROUP,),
    "How long it took to restore a partition's state after it was assigned.",
    "Over 20 s: the topics aren't compacted, or the disk is slow.",
)
