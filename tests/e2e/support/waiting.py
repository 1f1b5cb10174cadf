"""Waiting on a condition with a deadline; the tests know no other kind of pause, but for a window in which something is measured."""

import time

kFirstPause = 0.002
kLongestPause = 0.05


def wait_until(condition, deadline=10.0, what="the condition"):
    """Calls condition() until it is true and returns its value; fails after `deadline` seconds."""
    end = time.monotonic() + deadline
    pause = kFirstPause
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not seen within {deadline} s")
        time.sleep(pause)
        pause = min(pause * 1.5, kLongestPause)


def let_pass(window):
    """Seconds in which something is measured. Never to wait for something: use wait_until."""
    time.sleep(window)
