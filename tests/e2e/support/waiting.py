"""Waiting on a condition with a deadline; the tests know no other kind of pause, but for a window in which something is measured."""

import time

kFirstPause = 0.002
kLongestPause = 0.05
# Far longer than anything takes: a machine that stands still for seconds is no failure, and waiting ends with the condition.
kPatience = 60.0


def wait_until(condition, deadline=kPatience, what="the condition"):
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


def longer_and_longer(first, what):
    """Limits of time in seconds, each twice the one before: for what has to be done before a limit that the test itself sets.

    Who comes too late for one, because the machine stood still, takes the next; fails when none is left.
    """
    limit = first
    while limit <= 2 * kPatience:
        yield limit
        limit *= 2
    raise AssertionError(f"{what}: not even within {limit / 2} s")


def let_pass(window):
    """Seconds in which something is measured. Never to wait for something: use wait_until."""
    time.sleep(window)
