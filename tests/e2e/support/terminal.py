"""A program on a terminal of its own, and what a person types there."""

import os
import pty
import select
import signal
import termios
import time
from pathlib import Path

from support.environment import clean_environment
from support.wire import kTimeout


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command, folder, home):
        self.shown = b""
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(command[0], command, clean_environment(Path(home)))

    def read_until(self, text, deadline=kTimeout):
        end = time.monotonic() + deadline
        while text not in self.shown:
            assert self._read(end), f"no {text!r} in {self.shown!r}"

    def _read(self, end):
        ready, _, _ = select.select([self.descriptor], [], [], max(0.0, end - time.monotonic()))
        try:
            piece = os.read(self.descriptor, 4096) if ready else b""
        except OSError:
            piece = b""
        self.shown += piece
        return piece != b""

    def shows_typing(self):
        """Would it show what is typed now?"""
        return termios.tcgetattr(self.descriptor)[3] & termios.ECHO != 0

    def type(self, text):
        os.write(self.descriptor, text)

    def wait(self, deadline=kTimeout):
        """The exit code; all that was shown is in `shown`."""
        end = time.monotonic() + deadline
        while self._read(end):
            pass
        if time.monotonic() >= end:
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(status)
