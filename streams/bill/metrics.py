"""The metrics of `bill`."""

from streams.telemetry.registry import BILL, counter, gauge

GROUPS_TAKEN = counter(
    "timeloom_groups_taken_total",
    (BILL,),
    "records",
    "Groups and tombstones kept in the database.",
    "Zero while its lag grows: bill stands still; read its log.",
)
ENTRIES = counter(
    "timeloom_entries_sliced_total",
    (BILL,),
    "entries",
    "Entries that slicing wrote or changed.",
    "Zero while groups are taken: none of them is work, or their rows are in doubt.",
)
IN_DOUBT = gauge(
    "timeloom_activities_in_doubt",
    (BILL,),
    "activities",
    "Activities whose row isn't what was grouped; the record that explains it is on its way.",
    "Above 0 for minutes: `./timeloom verify`, which says what is wrong and mends it with --mend.",
)
PERIODS_CLOSED = counter(
    "timeloom_periods_closed_total",
    (BILL,),
    "periods",
    "Periods closed.",
    "Zero after a due date: `./timeloom bill next` says what waits for what.",
)
FENCED = counter(
    "timeloom_fenced_total",
    (BILL,),
    "batches",
    "Batches that were rolled back because another process had read on.",
    "Once after a rebalance is right. Every few seconds: two stacks use one broker.",
)
COMMITTED = gauge(
    "timeloom_newest_change_timestamp_seconds",
    (BILL,),
    "seconds since 1970",
    "When the newest change that reached the books was committed, in whole seconds. Its age is time() minus this.",
    "Old while people work: capture or group is behind; `./timeloom verify` says where it got stuck.",
)
CAPTURE_DELAY = gauge(
    "timeloom_capture_delay_seconds",
    (BILL,),
    "seconds",
    "How old the newest change was when it reached the books.",
    "Grows: capture or group is behind; see kafka lag, then connect.",
)
LLM_CALLS = counter(
    "timeloom_llm_calls_total",
    (BILL,),
    "calls",
    "Calls to the language model, by how they ended.",
    "Many that aren't `answered`: see call_failed in the log, and the endpoint.",
    ("outcome",),
)
LLM_DOLLARS = counter(
    "timeloom_llm_dollars_total",
    (BILL,),
    "dollars",
    "What answered calls cost, as the endpoint counted their tokens.",
    "Grows faster than entries close: something is narrated again and again; see narrated in the log.",
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
    "What may still be spent in these 24 hours; only while narration is on.",
    "Near 0: entries wait with their own words. Raise TIMELOOM_BUDGET_USD, or wait.",
)
