"""`make release`: refuses what isn't ready, says what to do, and tags what is, with the changelog's words."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contracts.commands import ROOT

CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.3] - 2026-11-30

- A thing that is new.

## [1.2.2] - 2026-11-01

- Old.
"""
Release = Callable[[str], subprocess.CompletedProcess[str]]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository that is ready for 1.2.3."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "release", tmp_path / ".ci" / "release")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "user.email", "test@example.com")
    git(tmp_path, "config", "user.name", "test")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "ready")
    return tmp_path


@pytest.fixture
def release(folder: Path) -> Release:
    def run(version: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([folder / ".ci" / "release", version], cwd=folder, capture_output=True, text=True)

    return run


def test_what_is_ready_is_tagged_with_its_changes(folder: Path, release: Release) -> None:
    assert release("1.2.3").returncode == 0
    message = git(folder, "tag", "--list", "--format=%(contents)", "v1.2.3")
    assert "- A thing that is new." in message
    assert "Old" not in message
    again = release("1.2.3")
    assert again.returncode == 1
    assert "v1.2.3 exists" in again.stderr


@pytest.mark.parametrize(
    ("file", "text", "version", "told"),
    [
        ("CHANGELOG.md", CHANGELOG, "1.2", "no version"),
        ("CHANGELOG.md", CHANGELOG, "", "no version"),
        ("pyproject.toml", '[project]\nversion = "1.2.4"\n', "1.2.3", "pyproject.toml has another version"),
        ("CHANGELOG.md", CHANGELOG.replace("- A thing that is new.\n", ""), "1.2.3", "nothing about 1.2.3"),
        ("CHANGELOG.md", CHANGELOG.replace("## [Unreleased]\n", ""), "1.2.3", "no section [Unreleased]"),
    ],
)
def test_what_is_not_ready_is_refused(
    folder: Path, release: Release, file: str, text: str, version: str, told: str
) -> None:
    (folder / file).write_text(text)
    git(folder, "commit", "--quiet", "--all", "--allow-empty", "--message", "not ready")
    done = release(version)
    assert done.returncode == 1
    assert told in done.stderr
    assert git(folder, "tag") == ""


def test_what_is_not_committed_is_refused(folder: Path, release: Release) -> None:
    (folder / "CHANGELOG.md").write_text(CHANGELOG + "\n")
    done = release("1.2.3")
    assert done.returncode == 1
    assert "uncommitted" in done.stderr
