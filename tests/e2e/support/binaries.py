"""Where the two programs under test are, and how they were built."""

import os
from functools import lru_cache
from pathlib import Path

kProject = Path(__file__).resolve().parents[3]
kPresets = ("dev", "release")


def find(name):
    """The program's path: FTPD_BIN or FTPC_BIN, else the first preset that has built it; None where there is none."""
    chosen = os.environ.get(f"{name.upper()}_BIN")
    if chosen:
        return Path(chosen).resolve()
    for preset in kPresets:
        path = kProject / "build" / preset / "bin" / name
        if path.exists():
            return path
    return None


@lru_cache(maxsize=None)
def sanitized(path):
    """True for a program with a sanitizer in it; such a program says nothing about memory or speed."""
    content = Path(path).read_bytes()
    return b"__asan_init" in content or b"__tsan_init" in content


def scale():
    """FT_TEST_SCALE: how many times longer the heavy loops run (default 1)."""
    return max(1, int(os.environ.get("FT_TEST_SCALE", "1")))
