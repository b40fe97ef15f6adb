"""The metrics of `bill`; the shared ones are in `streams.telemetry.metrics`."""

from schemas.checks import BILL
from streams.telemetry.registry import counter, gauge

GROUPS_INGESTED = counter(
    "timeloom_groups_taken_total",
    (BILL,),
    "records",
    "Groups and tombstones stored in the database.",
    "Zero while its lag grows: bill is stuck; read its log.",
)
ENTRIES_SLICED = counter(
    "timeloom_entries_sliced_total",
    (BILL,),
    "entries",
    "Time entries that slicing wrote or changed.",
    "Zero while groups are ingested: none of them is work, or their members are stale.",
)
STALE_MEMBERS = gauge(
    "timeloom_activities_in_doubt",
    (BILL,),
    "activities",
    "Stale members: activities whose row isn't what was grouped. The record that explains it is on its way.",
    "Above 0 for minutes: `./timeloom verify` finds what is wrong, and repairs it with --mend.",
)
PERIODS_CLOSED = counter(
    "timeloom_periods_closed_total",
    (BILL,),
    "periods",
    "Periods closed.",
    "Zero after a due date: `./timeloom bill next` shows which period waits, and for what.",
)
FENCED_BATCHES = counter(
    "timeloom_fenced_total",
    (BILL,),
    "batches",
    "Batches that were rolled back because another process had read on in their partition.",
    "One after a rebalance is normal. Every few seconds: two stacks use one broker.",
)
NEWEST_CHANGE_TIMESTAMP = gauge(
    "timeloom_newest_change_timestamp_seconds",
    (BILL,),
    "seconds since 1970",
    "When the newest change that is in the ledger was committed, in whole seconds. Its age is time() minus this.",
    "Old while people work: capture or group is behind; `./timeloom verify` names the program where changes are stuck.",
)
CAPTURE_DELAY = gauge(
    "timeloom_capture_delay_seconds",
    (BILL,),
    "seconds",
    "How old the newest change was when it reached the ledger.",
    "Grows: capture or group is behind. See the lag of group, then the log of connect.",
)
LLM_CALLS = counter(
    "timeloom_llm_calls_total",
    (BILL,),
    "calls",
    "Calls to the language model, by how they ended.",
    "Many that aren't `answered`: see call_failed in the log, and check the endpoint.",
    ("outcome",),
)
LLM_DOLLARS = counter(
    "timeloom_llm_dollars_total",
    (BILL,),
    "dollars",
    "What answered calls cost, as the endpoint counted their tokens.",
    "Grows faster than entries close: entries are narrated more than once; see narrated in the log.",
)
LLM_TOKENS = counter(
    "timeloom_llm_tokens_total",
    (BILL,),
    "tokens",
    "Tokens of answered calls.",
    "As for dollars.",
    ("direction",),
)
BUDGET_LEFT = gauge(
    "timeloom_llm_budget_left_dollars",
    (BILL,),
    "dollars",
    "What may still be spent within 24 hours. Set only while narration is on.",
    "Near 0: entries keep their extractive narratives. Raise TIMELOOM_BUDGET_USD, or wait.",
)
