"""Defines every exception of ours, as one tree.

    TimeloomError                 something that a person can mend; its text says what, where and how
    ├── ConfigurationError        a setting, file or argument is wrong                         exit 2
    ├── MachineError              the machine lacks something the stack needs                  exit 2
    ├── SourceError               a file to import or preview can't be read as what it claims  exit 2
    ├── StackError                a part of the stack isn't up, isn't reachable or refused     exit 3
    │   └── TopicMismatch         a topic on the broker differs from its definition
    ├── CaptureError              the connector refused, failed, or its binlog is gone         exit 3
    ├── ModelError                a model's bytes are cut short, of another kind or later
    ├── PartitionFenced           another process owns the partition now; this one must drop it
    └── LanguageModelError        the language model's endpoint failed after bounded retries
        ├── PromptRefused         the endpoint refuses this prompt, but may answer another one
        └── BudgetExceeded        the call would cost more than the rest of the budget

Bad data on a topic isn't an exception: it is the outcome `schemas.outcomes.DeadLetter`. Any other exception is a bug
and ends its process.
"""


class TimeloomError(Exception):
    """Something outside our code is wrong, and a person can mend it. `str()` says what, where and how."""

    exit_code = 1


class ConfigurationError(TimeloomError):
    """A setting, file or argument is wrong."""

    exit_code = 2


class MachineError(TimeloomError):
    """The machine lacks something that the stack needs."""

    exit_code = 2


class SourceError(TimeloomError):
    """A file to import or preview can't be read as what it claims to be."""

    exit_code = 2


class StackError(TimeloomError):
    """A part of the stack isn't up, isn't reachable, or refused a request."""

    exit_code = 3


class TopicMismatch(StackError):
    """A topic on the broker differs from its definition in `schemas.topics`."""


class CaptureError(TimeloomError):
    """The connector refused its configuration, failed, or can't continue from its binlog position."""

    exit_code = 3


class ModelError(TimeloomError):
    """A model's bytes are cut short, of another kind, or from a later version."""


class PartitionFenced(TimeloomError):
    """Another process owns this partition now. This process must drop it; what the other wrote is valid."""


class LanguageModelError(TimeloomError):
    """The language model's endpoint failed, after a bounded number of retries."""


class PromptRefused(LanguageModelError):
    """The endpoint refuses this prompt, however often it is sent. It may answer another one."""


class BudgetExceeded(LanguageModelError):
    """A call would cost more than the rest of the budget, so it was not made."""
