"""Memory does not grow with the size of a file, in neither program and in neither direction."""

import os
import random

import pytest

from support.binaries import scale
from support.client import kRunDeadline
from support.daemon import peak_memory_of
from support.waiting import wait_until

kLimit = 32 << 20
kRandomSize = 200_000_000
kSparseSize = 4 << 30

pytestmark = pytest.mark.usefixtures("needs_memory_figures")


@pytest.fixture
def run_watched(ftpc):
    """run_watched(*words) runs ftpc to its end; returns the highest memory that was seen."""
    def run(*words):
        peaks = [0]

        def ended():
            peaks.append(peak_memory_of(running))
            return running.poll() is not None

        running = ftpc.start(*words)
        wait_until(ended, deadline=kRunDeadline, what="the end of ftpc")
        _, err = running.communicate()
        assert running.returncode == 0, err
        return max(peaks)
    return run


def test_a_large_file_goes_both_ways_under_the_limit(daemon, ftpc, run_watched):
    source = ftpc.folder / "large"
    with open(source, "wb") as file:
        for n in range(20):
            file.write(random.Random(n).randbytes(kRandomSize // 20))
    assert run_watched("put", "large") < kLimit
    assert run_watched("get", "large", "-o", "back") < kLimit
    assert os.system(f"cmp -s '{source}' '{ftpc.folder / 'back'}'") == 0
    assert daemon.peak_memory() < kLimit


def test_a_huge_sparse_file_goes_both_ways_under_the_limit(daemon, ftpc, run_watched):
    size = kSparseSize * scale()
    source = ftpc.folder / "sparse"
    with open(source, "wb") as file:
        file.truncate(size)
        for at in (0, size // 3, size - 100):
            file.seek(at)
            file.write(b"island")
    assert run_watched("put", "sparse") < kLimit
    stored = daemon.root / "sparse"
    assert stored.stat().st_size == size and stored.stat().st_blocks * 512 < 16 << 20
    assert run_watched("get", "sparse", "-o", "back") < kLimit
    fetched = ftpc.folder / "back"
    assert fetched.stat().st_size == size and fetched.stat().st_blocks * 512 < 16 << 20
    with open(fetched, "rb") as file:
        for at in (0, size // 3, size - 100):
            file.seek(at)
            assert file.read(10) == b"island" + bytes(4)
    assert daemon.peak_memory() < kLimit


def test_many_small_files_go_both_ways_under_the_limit(daemon, ftpc, run_watched):
    folder = ftpc.folder / "many"
    folder.mkdir()
    for n in range(3000):
        (folder / f"file{n}").write_bytes(b"%d" % n * 500)
    assert run_watched("put", "many") < kLimit
    assert run_watched("get", "many", "-o", "back/") < kLimit
    assert daemon.peak_memory() < kLimit


def test_a_request_of_many_folders_with_long_names_stays_under_the_limit(make_daemon, connect, tmp_path):
    (tmp_path / "work").mkdir()
    daemon = make_daemon(config={"root work": {"path": tmp_path / "work"}, "storage": {"durability": "none"}})
    above = "/".join(["work"] + [15 * "longpart" for _ in range(30)])
    names = [f"{n:x}" for n in range(4096)]
    assert connect(daemon).ask("mkdir", filename=above, names=names, mtimes_ns=[n for n in range(4096)])["ok"]
    assert len(list((tmp_path / above).iterdir())) == 4096
    assert daemon.peak_memory() < kLimit
