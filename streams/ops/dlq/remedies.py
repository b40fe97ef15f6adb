"""What each reason of a dead letter means, and what to do. A test holds the runbook's table to this."""

from collections.abc import Mapping

from schemas.outcomes import Reason

REMEDIES: Mapping[Reason, str] = {
    Reason.NOT_JSON: "The bytes aren't JSON. Somebody else writes to the topic, or a converter was changed: "
    "`./timeloom prepare` shows and undoes what differs in the connector. Then discard it",
    Reason.NULL_VALUE: "A record without a value, where every record needs one. On `changes`: the connector writes "
    "tombstones; `./timeloom prepare`. Then discard it",
    Reason.NO_PAYLOAD: "JSON without an envelope or without its row. Set `binlog_row_image=FULL` in MariaDB, then "
    "`./timeloom verify --mend`, and discard it",
    Reason.UNKNOWN_OP: "An operation other than create, update, delete or read, such as TRUNCATE. Delete rows with "
    "DELETE. `./timeloom verify --mend`, then discard it",
    Reason.UNKNOWN_TABLE: "A captured table that this version has no decoder for. Bring `group` to the version of "
    "the database, then retry",
    Reason.MISSING_COLUMN: "A required column isn't in the row: FULL row images are off, or the column was dropped "
    "or renamed. Restore it, then retry",
    Reason.BAD_COLUMN: "A column holds an invalid value: a zone that isn't in the IANA database, an unknown kind or"
    " verb, ids that aren't a list. Correct the row",
    Reason.WRONG_PARTITION: "A change of a timekeeper whose changes are all in another partition: capture didn't "
    "write it. Find the program that did, then discard it. If capture writes such changes, its version is not the"
    " pinned one",
    Reason.NO_OWNER: "The row has no firm or timekeeper, or the timekeeper is gone. Set `firm_id` and "
    "`timekeeper_id` of the row, then discard it",
    Reason.BAD_WORDS: "`words` isn't a valid object. Correct the row",
    Reason.SEALED: "The words are sealed and no key opens them. This version has no keys: write the row with plain "
    "words",
    Reason.BAD_INTERVAL: "It ends before it starts, is longer than 400 days, or outside 1970 to 9998. Correct "
    "`started_at` or `ended_at`",
    Reason.UNKNOWN_MODEL: "An activation names a model that the firm doesn't have, or that this version can't read "
    "(`./timeloom stack logs group` says `model_unusable`). Give the firm that version (`./timeloom model add`) "
    "and retry, or take the activation back (`./timeloom model rollback`)",
    Reason.BUG: "Our own code failed on this record three times. Report the letter's `detail` and the trace in "
    "`./timeloom stack logs group`; after the upgrade, retry. A letter without a row: see below",
}
"""A sentence or three for each reason, in Markdown."""
