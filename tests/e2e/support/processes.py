"""Processes of the machine, found by a word that is unique to a test."""

import itertools
import os
from pathlib import Path

kCount = itertools.count(1)


def processes_with(word):
    """The numbers of all processes that have `word` in their command line."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if word.encode() in words:
            found.append(int(folder.name))
    return found


def unique_seconds(minutes):
    """A time for `sleep` that no other process names, not even one of another run of the tests at the same time."""
    return f"{60 * minutes}.{os.getpid():08}{next(kCount):04}1"


def children_of(pid):
    """The numbers of a process's children."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(word) for word in (task / "children").read_text().split()]
    return found
