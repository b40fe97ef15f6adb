"""Every exception of ours, as one tree.

    TimeloomError                 something a person can mend; its text says what, where and how
    ├── ConfigurationError        a setting, file or argument is wrong                         exit 2
    ├── MachineError              the machine lacks something the stack needs                  exit 2
    ├── SourceError               a file to import or preview can't be read as what it claims  exit 2
    ├── StackError                a part of the stack isn't up, isn't reachable or refused     exit 3
    │   └── TopicMismatch         a topic on the broker isn't what the registry says
    ├── CaptureError              the connector refused, failed, or its binlog is gone         exit 3
    ├── ModelError                a model's bytes are cut short, of another kind or later
    ├── Fenced                    another process owns the partition now; drop it, do no harm
    └── LanguageModelError        the language model's endpoint failed after bounded retries
        ├── QuestionRefused       it won't answer this question; another one it may
        └── BudgetExceeded        the call would cost more than what is allowed

Bad data on a topic isn't an exception: it is the outcome `schemas.outcomes.DeadLetter`. Anything else that is raised
is a bug, and crashes the process that has it.
"""


class TimeloomError(Exception):
    """Something outside is wrong and a person can mend it. `str()` says what, where and how."""

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
    """A part of the stack isn't up, isn't reachable, or refused."""

    exit_code = 3


class TopicMismatch(StackError):
    """A topic on the broker isn't what `schemas.topics` says it must be."""


class CaptureError(TimeloomError):
    """The connector refused its configuration, failed, or can't go on from its binlog position."""

    exit_code = 3


class ModelError(TimeloomError):
    """A model's bytes are cut short, of another kind, or from a later version."""


class PartitionFenced(TimeloomError):
    """Another process owns this partition now. Drop it; what it wrote stands."""


class LanguageModelError(TimeloomError):
    """The language model's endpoint failed, after retries with an end."""


class PromptRefused(LanguageModelError):
    """The endpoint won't answer this question, however often it is asked; another one it may."""


class BudgetExceeded(LanguageModelError):
    """A call would cost more than what is still allowed, so it was not made."""
