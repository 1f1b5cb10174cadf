"""A limit on the size of files (ulimit -f) is a full disk to one file: told in words, survived, and nothing half is left."""

import os
import subprocess

import pytest

from support.client import describe, kRunDeadline
from support.waiting import wait_until
from support.wire import Peer

kLimit = 2_000_000
kNoSpace = 14
kOld = b"the old file"


def limited(limit=kLimit):
    return ["prlimit", f"--fsize={limit}"]


@pytest.fixture
def small(make_daemon):
    daemon = make_daemon(wrapper=limited())
    (daemon.root / "file").write_bytes(kOld)
    return daemon


@pytest.mark.parametrize("more", [[], ["--connections", "3"], ["-"]], ids=str)
@pytest.mark.parametrize("size", [kLimit + 1, 40_000_000])
def test_a_daemon_refuses_a_file_over_the_limit_and_serves_on(make_client, small, size, more):
    client = make_client(small.server)
    (client.folder / "big").write_bytes(os.urandom(size))
    if more == ["-"]:
        result = client.run("put", "-", "-t", "file", data=(client.folder / "big").read_bytes())
    else:
        result = client.run(*more, "put", "big", "-t", "file")
    assert result.code == kNoSpace and result.err.count(b"\n") <= 2, describe(result)
    assert small.running() and (small.root / "file").read_bytes() == kOld
    # What has come of it may be kept for a resume, as on a full disk.
    wait_until(lambda: not [path for path in small.staged() if path.parent.name != "parts"], what="the staging folder to be empty")
    (client.folder / "next").write_bytes(bytes(kLimit))
    client.ok("put", "next")
    assert client.ok("get", "next", "-o", "-").out == bytes(kLimit)


def test_a_raw_put_over_the_limit_is_answered(small):
    with Peer(small.address) as peer:
        assert peer.put("file", bytes(kLimit + 1))["error"] in ("too_large", "no_space")
    with Peer(small.address) as peer:
        assert peer.put("next", b"next")["ok"]
    assert (small.root / "file").read_bytes() == kOld


def get_limited(client, *words):
    return subprocess.run([*limited(), *client.command(*words)], cwd=client.folder, capture_output=True,
                          stdin=subprocess.DEVNULL, env={"HOME": str(client.home)}, timeout=kRunDeadline, check=False)


@pytest.mark.parametrize("more", [[], ["--connections", "3"]], ids=str)
@pytest.mark.parametrize("size", [kLimit + 1, 40_000_000])
def test_a_client_says_that_the_file_is_too_large_and_leaves_no_half_of_it(make_client, daemon, size, more):
    (daemon.root / "big").write_bytes(os.urandom(size))
    client = make_client(daemon.server)
    (client.folder / "big").write_bytes(kOld)
    done = get_limited(client, *more, "get", "big")
    assert done.returncode == kNoSpace and b"ftpc: " in done.stderr, done.stderr
    assert (client.folder / "big").read_bytes() == kOld
    assert {path.name for path in client.folder.iterdir()} <= {"big", ".big.ftpc-part"}


def test_a_tree_gets_all_files_that_the_limit_lets(make_client, daemon):
    (daemon.root / "d").mkdir()
    (daemon.root / "d/big").write_bytes(bytes(range(256)) * 20_000)
    (daemon.root / "d/small").write_bytes(b"small")
    client = make_client(daemon.server)
    done = get_limited(client, "get", "d")
    assert done.returncode == 6, done.stderr
    assert (client.folder / "d/small").read_bytes() == b"small" and not (client.folder / "d/big").exists()


def test_a_stream_into_a_file_that_may_not_grow_is_no_space(make_client, daemon):
    (daemon.root / "big").write_bytes(os.urandom(kLimit * 2))
    client = make_client(daemon.server)
    with open(client.folder / "out", "wb") as out:
        done = subprocess.run([*limited(), *client.command("get", "big", "-o", "-")], stdout=out, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, env={"HOME": str(client.home)}, timeout=kRunDeadline, check=False)
    assert done.returncode == kNoSpace, done.stderr
