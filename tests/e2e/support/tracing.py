"""strace on a running process: what it asked of the kernel, in which order, and calls that fail or kill on demand."""

import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import binaries
from support.waiting import wait_until

kCall = re.compile(r"^(\d+)\s+(\w+)\((.*)\)\s+= (-?\d+|\?)(.*)$")
kUnfinished = re.compile(r"^(\d+)\s+(.*) <unfinished \.\.\.>$")
kResumed = re.compile(r"^(\d+)\s+<\.\.\. \w+ resumed>(.*)$")
kDyingDeadline = 3.0


@dataclass
class Call:
    """One system call: its name, its arguments as strace prints them, and its result (None when it never returned)."""

    name: str
    arguments: str
    result: int | None
    injected: bool = False

    def folder(self):
        """The path of the first argument, a descriptor."""
        found = re.match(r"\d+<([^>]*)>", self.arguments)
        return found.group(1) if found else None

    def paths(self):
        """The paths of all arguments that are descriptors."""
        return re.findall(r"\b\d+<([^>]*)>", self.arguments)

    def names(self):
        """The arguments that are strings."""
        return re.findall(r'"([^"]*)"', self.arguments)


def need():
    """Skips the test where a process cannot be traced."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    if any(binaries.sanitized(path) for path in (binaries.find("ftpd"), binaries.find("ftpc")) if path):
        pytest.skip("a sanitizer is built in: it looks for leaks by tracing the program itself")
    done = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("processes cannot be traced here")


class Trace:
    """`with Trace(pid, path, "-e", ...) as trace:` traces all threads of `pid`; trace.calls is there afterwards.

    The counts of injections (`when=`) begin at the start of the block, for each thread.
    """

    def __init__(self, pid, path, *options):
        self._pid = pid
        self._path = path
        self._errors = path.with_suffix(".errors")
        self._command = ["strace", "-f", "-y", "-s", "256", "-o", str(path), *options, "-p", str(pid)]
        self._process = None
        self._dying_since = None
        self.calls = []

    def __enter__(self):
        with open(self._errors, "wb") as errors:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stderr=errors)
        try:
            wait_until(lambda: b" attached" in self._errors.read_bytes(), what="strace to attach")
        except AssertionError:
            self._end()
            raise AssertionError(f"strace: {self._errors.read_text()}") from None
        return self

    def __exit__(self, *_):
        self._end()
        self.calls = parse(self._path.read_text(errors="replace"))

    def _end(self):
        # A tracer that is asked to let go of a process that is dying may wait for ever; it ends by itself then.
        if not self._traced_is_dying() and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            wait_until(self._has_ended, what="the end of strace")
        finally:
            self._process.kill()
            self._process.wait()

    def _has_ended(self):
        """Also true when it has to be ended: its process is dying, and it has had the time to see that."""
        if self._process.poll() is not None:
            return True
        now = time.monotonic()
        if not self._traced_is_dying():
            self._dying_since = None
        elif self._dying_since is None:
            self._dying_since = now
        return self._dying_since is not None and now > self._dying_since + kDyingDeadline

    def _traced_is_dying(self):
        try:
            threads = list(Path(f"/proc/{self._pid}/task").iterdir())
            states = [(thread / "stat").read_text().rpartition(")")[2].split()[0] for thread in threads]
        except OSError:
            return True
        return not states or any(state in "ZX" for state in states)

    def injected(self):
        return [call for call in self.calls if call.injected]


def parse(text):
    """The calls of a log of strace, each at the place where it has returned."""
    begun, calls = {}, []
    for line in text.splitlines():
        if found := kUnfinished.match(line):
            begun[found.group(1)] = found.group(2)
            continue
        if found := kResumed.match(line):
            line = f"{found.group(1)} {begun.pop(found.group(1), '')}{found.group(2)}"
        if found := kCall.match(line):
            result = None if found.group(4) == "?" else int(found.group(4))
            calls.append(Call(found.group(2), found.group(3), result, "(INJECTED)" in found.group(5)))
    return calls
