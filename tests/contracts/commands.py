"""The commands that documents and messages name, found and parsed the way the command line itself parses them."""

import ast
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from typer.main import get_command

from streams.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
CODE = sorted(
    path for name in ("schemas", "processors", "connectors", "streams") for path in (ROOT / name).rglob("*.py")
)

UNKNOWN = "\N{BLACK QUESTION MARK ORNAMENT}"
"""Stands where a message fills something in."""

TIMELOOM = re.compile(r"\./timeloom\b[^`\n]*")
MAKE = re.compile(r"`(make [^`]+)`")


class Named(msgspec.Struct, frozen=True):
    """A command as it is written somewhere."""

    where: str
    text: str


def fenced(page: str) -> list[str]:
    """The command lines of a page's shell blocks, without comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def inline(page: str) -> list[str]:
    """What stands between backticks in a page's prose."""
    prose = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(text.split()) for text in re.findall(r"`([^`]+)`", prose)]


def written() -> Iterator[Named]:
    """Every command line of the documents, in blocks and in prose."""
    for path in PAGES:
        page = path.read_text(encoding="utf-8")
        for text in fenced(page) + inline(page):
            if text.startswith(("./timeloom", "make ")):
                yield Named(str(path.relative_to(ROOT)), text)


def told() -> Iterator[Named]:
    """Every command that a text in the code names: messages, prints, examples in the help."""
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(v.value) if isinstance(v, ast.Constant) else UNKNOWN for v in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            for found in TIMELOOM.findall(text) + MAKE.findall(text):
                yield Named(f"{path.relative_to(ROOT)}:{node.lineno}", found)


def parse(text: str) -> None:
    """Parses a whole command line and runs nothing. Raises LookupError or TyperException where it can't be."""
    words = shlex.split(text.split(">")[0])[1:]
    command, name = get_command(app), "./timeloom"
    while words and words[0] in (inner := _inner(command)):
        command, name = inner[words[0]], f"{name} {words[0]}"
        words = words[1:]
    if "--help" in words:
        return
    alone = getattr(command, "invoke_without_command", False) and all(word.startswith("-") for word in words[:1])
    if _inner(command) and not alone:
        raise LookupError(f"{name} has no command {' '.join(words[:1])!r}")
    command.make_context(name, words)


def _inner(command: Any) -> Mapping[str, Any]:
    """The commands inside a command; none inside one that does something itself."""
    return getattr(command, "commands", {})


def begins(text: str) -> tuple[str, ...]:
    """The command that a sentence names, with what follows left aside. Raises LookupError where there is none such."""
    command, path = get_command(app), []
    for word in re.split(r"[\s`,;:.()]+", text.removeprefix("./timeloom").strip() + " "):
        inner = _inner(command)
        if not inner or word == "" or word.startswith("--") or word == UNKNOWN:
            break
        if word not in inner:
            if getattr(command, "invoke_without_command", False):
                break  # it does something by itself, so the sentence may go on
            raise LookupError(f"there is no command {word!r}")
        command = inner[word]
        path.append(word)
    known = {flag for parameter in command.params for flag in parameter.opts + parameter.secondary_opts} | {"--help"}
    sentence = re.split(r"[,;:(]|\. ", text)[0]
    if wrong := {word.rstrip(".`)") for word in sentence.split() if word.startswith("--")} - known:
        raise LookupError(f"{' '.join(path)} has no {', '.join(sorted(wrong))}")
    return tuple(path)


def verbs() -> set[str]:
    """The Makefile's targets."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def check_make(text: str) -> None:
    """Raises LookupError where a verb or a variable isn't in the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in shlex.split(text)[1:]:
        variable = re.fullmatch(r"([A-Z]+)=\S*", word)
        if variable and not re.search(rf"^{variable[1]} \?=", makefile, re.MULTILINE):
            raise LookupError(f"the Makefile has no variable {variable[1]}")
        if not variable and word not in verbs():
            raise LookupError(f"make has no verb {word!r}")
