"""Runs ftpc against one daemon, in one working folder."""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from support import binaries
from support.environment import clean_environment

kRunDeadline = 240.0


@dataclass
class Result:
    """How a run of ftpc ended. `out` and `err` are bytes; `peak` is in bytes, 0 where it was not watched."""

    code: int
    out: bytes
    err: bytes
    seconds: float
    peak: int = 0

    def lines(self):
        """The JSON objects on stdout, one a line; fails on anything else there."""
        return [json.loads(line) for line in self.out.decode().splitlines()]


class Client:
    """ftpc with a working folder and a server of its own. `server` is "HOST:PORT", or None to name none."""

    def __init__(self, folder, server=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.home = self.folder.parent / (self.folder.name + ".home")
        self.home.mkdir(exist_ok=True)
        self.server = server

    def command(self, *words):
        server = ["-s", self.server] if self.server else []
        return [str(binaries.find("ftpc")), *server, *[str(word) for word in words]]

    def start(self, *words, env=None, stdin=subprocess.DEVNULL):
        """A running ftpc with pipes on stdout and stderr."""
        return subprocess.Popen(self.command(*words), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                cwd=self.folder, env=clean_environment(self.home, env))

    def run(self, *words, data=None, env=None, code=None, deadline=kRunDeadline):
        """Runs to the end; with `code`, fails unless it is the exit code."""
        begun = time.monotonic()
        done = subprocess.run(self.command(*words), input=data, stdin=None if data is not None else subprocess.DEVNULL,
                              capture_output=True, cwd=self.folder, env=clean_environment(self.home, env),
                              timeout=deadline, check=False)
        result = Result(done.returncode, done.stdout, done.stderr, time.monotonic() - begun)
        if code is not None:
            assert result.code == code, f"ftpc {words}: exit code {result.code}, not {code}\n{describe(result)}"
        return result

    def ok(self, *words, **more):
        return self.run(*words, code=0, **more)


def describe(result):
    return f"stdout: {result.out[-2000:]!r}\nstderr: {result.err[-4000:]!r}"
