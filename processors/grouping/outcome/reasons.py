"""Describes features in a few words each, for people who ask why activities are in one group."""

from processors.grouping.clustering.cluster_pair_features import SHARED
from schemas.groups import SCORE_SCALE, FeatureContribution

WORDS = {
    "gap": "shortly after one another",
    "steps": "little else came in between",
    "days": "on the same day",
    "overlap": "at the same time",
    "likeness": "similar words",
    "less_alike": "nothing before has more similar words",
    "rare_words": "shared rare words",
    "less_rare": "nothing before shares rarer words",
    "word_share": "mostly the same words",
    "title": "the same title",
    "beginning": "titles begin in the same words",
    "page": "the same page or site",
    "files": "the same files",
    "shared_files": "the same files",
    "less_files": "nothing before shares more files",
    "file_words": "files with similar names",
    "folders": "the same folders",
    "title_in_files": "words of the other's files",
    "files_in_title": "files named like the other's words",
    "people": "the same people",
    "actor": "done or said by one person",
    "named": "one names the other",
    "speaks": "one speaks to the other",
    "spoken": "one is spoken to by the other",
    "answers": "the last line addressed to the speaker",
    "talked": "the two speak with each other",
    "addressed_since": "the two spoke with each other just before",
    "mine_since": "the speaker said nothing else since",
    "after_mine": "said since the speaker's last words",
    "theirs_since": "the other said nothing else since",
    "said_since": "little was said since",
    "people_since": "few people spoke since",
    "partner": "the two were in talk then",
    "partner_now": "the two are in talk",
    "mine_partner": "the speaker is in talk with the other",
    "talk_rare": "rare words of that talk",
    "talk_since": "that talk was just now",
    "called_since": "the other spoke to the speaker just before",
    "app": "the same application",
    "kind": "the same kind of activity",
}
"""By the feature's name. Features that only describe the context of a pair (the length of a text, how much else
happens) don't explain why two activities belong together, so they are no reasons.
"""


OF_CLUSTERS = {
    "linked": "parts of it belong together",
    "begins": "it begins with what belongs to the rest",
    "share": "most of it goes with the rest",
    "back": "what follows goes with it",
    "less_linked": "nothing else belongs to it as surely",
    "less_share": "nothing else goes with as much of it",
    "after": "its parts follow one another",
    "alongside": "its parts were under way together",
    **{f"{name}_between": WORDS[name] for name in SHARED},
}
"""The same for features of cluster pairs (`cluster_pair_features.CLUSTER_PAIR_FEATURES`)."""

AGAINST = {
    "gap": "a long time lies between",
    "steps": "much else came in between",
    "days": "on different days",
    "overlap": "not at the same time",
    "likeness": "words that differ",
    "less_alike": "something before has more similar words",
    "rare_words": "hardly a rare word shared",
    "less_rare": "something before shares rarer words",
    "word_share": "mostly other words",
    "title": "another title",
    "beginning": "titles begin in other words",
    "page": "another page or site",
    "files": "other files",
    "shared_files": "hardly a file shared",
    "less_files": "something before shares more files",
    "file_words": "files with different names",
    "folders": "other folders",
    "title_in_files": "hardly a word of the other's files",
    "files_in_title": "files named unlike the other's words",
    "people": "other people",
    "actor": "done or said by another person",
    "named": "neither names the other",
    "speaks": "it speaks to somebody else",
    "spoken": "the other speaks to somebody else",
    "answers": "not the last line addressed to the speaker",
    "talked": "the two hardly speak with each other",
    "addressed_since": "the two spoke with each other long ago",
    "mine_since": "the speaker said more since",
    "after_mine": "said before the speaker's last words",
    "theirs_since": "the other said more since",
    "said_since": "much was said since",
    "people_since": "many people spoke since",
    "partner": "the other was in talk with somebody else",
    "partner_now": "the other is in talk with somebody else",
    "mine_partner": "the speaker is in talk with somebody else",
    "talk_rare": "hardly a rare word of that talk",
    "talk_since": "that talk was long ago",
    "called_since": "the other spoke to the speaker long ago",
    "app": "another application",
    "kind": "another kind of activity",
}
"""What the same features mean where they count against one piece of work."""

OF_CONTEXT = {
    "spans": "which of the two last some time",
    "theirs_first": "whether the other said anything before",
    "answered": "how many spoke to the other since",
    "their_partners": "with how many the other was in talk",
    "asks": "which of the two asks something",
    "called": "how many spoke to the person since its last",
    "own_said": "how much the person said",
    "own_partners": "with how many the person was in talk",
    "own_said_since": "how much was said since the person's last",
    "earlier_talk": "whether the other is talk",
    "earlier_length": "how many words the other has",
    "earlier_opening": "how much like a beginning the other's words are",
    "earlier_listed": "how many files the other has",
    "pause": "how long nothing happened",
    "own_pause": "how long the person did nothing",
    "own_steps": "how much came since the person's last",
    "spoken_to_since": "how much came since the person was spoken to",
    "dense": "how much else happens at the time",
    "listed": "how much came before",
    "most_alike": "how similar the most similar one is",
    "most_rare": "how rare the words are that the best one shares",
    "most_files": "how many files the best one shares",
    "worded": "how many share a word with it",
    "filed": "how many share a file with it",
    "own_target": "the person that it speaks to",
    "own_length": "how many words it has",
    "own_opening": "how much like a beginning its words are",
    "own_files": "how many files it has",
}
"""The context of a pair, for and against. It is of use to those who inspect a model, and is never a group's reason."""


def in_words(reason: FeatureContribution) -> str:
    """Returns a reason and its weight in logits: `shared rare words (+1.4)`, `another title (-0.7)`."""
    texts = WORDS if reason.contribution >= 0 else AGAINST
    # The model of another version may have features that aren't listed here.
    words = (texts | OF_CLUSTERS | OF_CONTEXT).get(reason.feature, reason.feature.replace("_", " "))
    return f"{words} ({reason.contribution / SCORE_SCALE:+.1f})"
