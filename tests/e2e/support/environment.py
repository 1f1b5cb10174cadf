"""A clean environment for a program under test: its own home, and no setting of the person who runs the tests."""

import os

kKept = ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "PATH")


def clean_environment(home, extra=None):
    """Environment variables with every per-user folder below `home`; `extra` is added last."""
    values = {name: os.environ[name] for name in kKept if name in os.environ}
    values.update(
        HOME=str(home),
        XDG_DATA_HOME=str(home / "data"),
        XDG_CONFIG_HOME=str(home / "config"),
        XDG_STATE_HOME=str(home / "state"),
        XDG_CACHE_HOME=str(home / "cache"),
        LANG="C.UTF-8",
        TZ="UTC",
    )
    values.update(extra or {})
    return values
