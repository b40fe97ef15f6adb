"""What activities are called where a person looks at a grouping: one line each, however long their words are."""

from collections import Counter
from collections.abc import Iterable

from schemas.values import Activity

TITLE_CHARS = 110


def title_of(activity: Activity) -> str:
    """An activity as a person would recognise it: its title, else what else it has, after who said it."""
    words = activity.words
    files = words.files or ("(no words)",)
    said = words.title or words.text or words.url or activity.app or files[0]
    return cut(f"{words.actor}: {said}" if words.actor else said)


def cut(text: str) -> str:
    """A text of people's on one line, of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= TITLE_CHARS else f"{line[: TITLE_CHARS - 1]}…"


def titles_of(activities: Iterable[Activity]) -> tuple[str, ...]:
    """What several are called, the most frequent first, with how often where that is more than once."""
    counted = Counter(map(title_of, activities))
    return tuple(f"{title} (×{times})" if times > 1 else title for title, times in counted.most_common())
