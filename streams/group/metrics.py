"""The metrics of `group`."""

from streams.telemetry.registry import GROUP, counter, gauge, seconds

CHANGES = counter(
    "timeloom_changes_total",
    (GROUP,),
    "changes",
    "Changes done: everything that they cause is on the broker. After a crash some are counted again.",
    "Zero while lag grows: the worker stands still; read its log.",
)
WAITING = gauge(
    "timeloom_changes_waiting",
    (GROUP,),
    "changes",
    "Changes that were fetched and are in no batch yet. The worker stops fetching at 20,000.",
    "Near 20,000 for minutes: more comes than one worker groups; start another.",
)
CHANGE_SECONDS = seconds(
    "timeloom_change_to_group_seconds",
    (GROUP,),
    "From a change's arrival on `changes` until all that it causes is on the broker; of each batch its oldest change.",
    "High with a backlog, falling: it catches up. High without one: see timeloom_batch_seconds.",
)
COMMIT_SECONDS = seconds(
    "timeloom_commit_to_group_seconds",
    (GROUP,),
    "From the commit in MariaDB until its group is on the broker; of each batch its last group. The binlog has whole "
    "seconds, so it reads up to 1 s too long.",
    "High while timeloom_change_to_group_seconds is low: capture is behind; see connect.",
)
GROUPS_SAID = counter(
    "timeloom_groups_said_total",
    (GROUP,),
    "records",
    "Groups written to `groups`: new values, and tombstones of groups that are gone.",
    "Zero while changes are done: they change nothing that is grouped, or all are dead letters.",
    ("what",),
)
ACTIVITIES = gauge(
    "timeloom_working_set_activities",
    (GROUP,),
    "activities",
    "Activities in the working sets of this process: what it decides over and holds in memory.",
    "Grows without end: the horizon drops nothing; give the process memory, or start another.",
)
SET_ASIDE = gauge(
    "timeloom_timekeepers_set_aside",
    (GROUP,),
    "timekeepers",
    "Timekeepers whose groups stay as they were, since our own code fails on their work.",
    "Above 0: report the detail of their letters, reason `bug`; after the upgrade the next start tries again.",
)
READ_BACK_SECONDS = seconds(
    "timeloom_read_back_seconds",
    (GROUP,),
    "How long it took to read a partition back when it was assigned.",
    "Over 20 s: its topics aren't compacted, or the disk is slow.",
)
