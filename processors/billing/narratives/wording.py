"""What an activity says, in a form that a person reads: its title without what an application adds, and its people."""

import re

from schemas.values import Activity, Kind

PHRASE_CHARS = 120

_COUNTER = re.compile(r"^\s*[(\[]\d{1,4}\+?[)\]]\s*|\s*[(\[]\d{1,4}\+?( unread)?[)\]]\s*$")
_MARKS = re.compile(r"^[\s*●•◦·✱✳]+|[\s*●•◦·✱✳]+$")
_REPLY = re.compile(r"^\s*(re|aw|wg|fw|fwd|sv|antw|rif|tr)\s*(\[\d+\])?\s*:\s*", re.IGNORECASE)
_PARTS = re.compile(r"\s+[-–—|·]\s+")
_SPACES = re.compile(r"\s+")
_ADDRESS = re.compile(r"\s*<[^>]*>")

_APPS = (
    "acrobat,adobe acrobat,brave,calendar,chrome,chromium,edge,excel,firefox,gmail,google chrome,google docs,"
    "google sheets,intellij idea,jira,libreoffice calc,libreoffice impress,libreoffice writer,microsoft edge,"
    "microsoft excel,microsoft outlook,microsoft powerpoint,microsoft teams,microsoft word,mozilla firefox,notion,"
    "onenote,opera,outlook,powerpoint,pycharm,safari,slack,teams,terminal,thunderbird,visual studio code,webstorm,"
    "word,zoom"
)
APPS = frozenset(_APPS.split(","))
"""What programs put behind a title in their window: it says in what something was done, not what."""

LABELS = {
    Kind.MAIL: "Mail",
    Kind.MEETING: "Meeting",
    Kind.CALL: "Call",
    Kind.MESSAGE: "Message",
    Kind.COMMIT: "Commit",
}
"""Kinds whose title does not tell what was done; a window's or a document's does."""


def phrase(activity: Activity, without: str = "") -> str:
    """What the activity says of itself in a few words, less `without`; its kind where it says nothing at all."""
    said = subject(activity, without)
    label = LABELS.get(activity.kind)
    if not said:
        return label or activity.app or str(activity.kind).capitalize()
    return f"{label}: {said}" if label else said


def subject(activity: Activity, without: str = "") -> str:
    """The cleaned title, else the first line of the text, else a file's name, else the address; empty if none is."""
    words = activity.words
    first_line = words.text.strip().split("\n", 1)[0]
    files = ", ".join(path.rsplit("/", 1)[-1] for path in words.files[:3])
    title = words.title.replace(without, " ") if without else words.title
    for said in (clean(title, activity.app), _single(first_line), files, words.url.split("?", 1)[0]):
        if said:
            return shortened(said)
    return ""


def clean(title: str, app: str) -> str:
    """The title's own words as written: no counter, unread mark, "Re:" or application's name at the end."""
    before, said = None, _single(title)
    while before != said:
        before = said
        said = _REPLY.sub("", _COUNTER.sub("", _MARKS.sub("", said)))
    while (cut := _without_app(said, app)) != said:
        said = cut
    return said


def _without_app(title: str, app: str) -> str:
    *before, last = _PARTS.split(title)
    named = last.casefold() in APPS or (app and app.casefold() in last.casefold())
    return title[: -len(last)].rstrip(" -–—|·") if before and named else title


def person(name: str) -> str:
    """A person as named: the display name where there is one beside the address."""
    return _single(_ADDRESS.sub("", name)).strip("\"' ") or name.strip("<> ")


def shortened(text: str, most: int = PHRASE_CHARS) -> str:
    """At most `most` characters, cut at a word, with an ellipsis where something was cut."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[most // 2 :] else cut) + "…"


def _single(text: str) -> str:
    return _SPACES.sub(" ", text).strip()
