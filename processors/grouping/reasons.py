"""What a feature means to somebody who asks why activities are together: a few words for each."""

from schemas.groups import MICRO, Because

WORDS = {
    "talk_gap": "said shortly after one another",
    "talk_steps": "little else was said in between",
    "point_gap": "done shortly after one another",
    "span_gap": "one went on shortly after the other",
    "other_steps": "little else was done in between",
    "overlap": "at the same time",
    "likeness": "similar words",
    "talk_words": "shared words",
    "rare_words": "shared rare words",
    "word_share": "mostly the same words",
    "title": "the same title",
    "page": "the same page or site",
    "files": "the same files",
    "folders": "the same folders",
    "people": "the same people",
    "actor": "done or said by one person",
    "named": "one names the other",
    "spoken_to": "one speaks to the other",
    "app": "the same application",
    "kind": "the same kind of activity",
}
"""By the feature's name."""


def in_words(because: Because) -> str:
    """A reason and its weight in logits: `shared rare words (+1.4)`."""
    words = WORDS.get(because.feature, because.feature.replace("_", " "))
    return f"{words} ({because.contribution / MICRO:+.1f})"
