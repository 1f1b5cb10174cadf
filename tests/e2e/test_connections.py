"""Several connections of one client: the right bytes, through a line that delays, and what happens when one of them breaks."""

import os

import pytest

from support.fault_proxy import Fault, FaultProxy
from support.waiting import wait_until

kDelay = 0.005
kBig = 24 << 20


def delayed(daemon, count=16):
    return FaultProxy(daemon.address, [Fault(delay=kDelay)] * count)


def tree(folder, files=120):
    for number in range(files):
        part = folder / f"d{number % 4}"
        part.mkdir(parents=True, exist_ok=True)
        (part / f"f{number}").write_bytes(os.urandom(4096))


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_tree_goes_both_ways_over_several_connections(make_daemon, make_client):
    daemon = make_daemon()
    with delayed(daemon) as line:
        ftpc = make_client(line.server)
        tree(ftpc.folder / "tree")
        ftpc.ok("put", "tree", "--connections", "4")
        wait_until(lambda: line.connections == 4, what="four connections")
        ftpc.ok("get", "tree", "-o", "back", "--connections", "4")
        wait_until(lambda: line.connections == 8, what="four more")
        assert contents(ftpc.folder / "back") == contents(ftpc.folder / "tree") == contents(daemon.root / "tree")


def test_a_large_file_goes_both_ways_over_several_connections(make_daemon, make_client):
    daemon = make_daemon()
    with delayed(daemon) as line:
        ftpc = make_client(line.server)
        data = os.urandom(kBig + 1)
        (ftpc.folder / "big").write_bytes(data)
        ftpc.ok("put", "big", "--connections", "3")
        wait_until(lambda: line.connections == 3, what="three connections")
        assert (daemon.root / "big").read_bytes() == data
        ftpc.ok("get", "big", "-o", "back", "--connections", "3")
        wait_until(lambda: line.connections > 5, what="three more")
        assert (ftpc.folder / "back").read_bytes() == data
        assert not list(ftpc.folder.glob(".*ftpc-part"))
    wait_until(lambda: not daemon.staged(), what="the staging folder to be empty")


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_connection_that_breaks_leaves_the_rest_to_another(make_daemon, make_client, broken):
    daemon = make_daemon()
    data = os.urandom(kBig)
    for direction in ("up", "down"):
        faults = [Fault()] * broken + [Fault(direction=direction, reset_after=3 << 20)]
        with FaultProxy(daemon.address, faults) as line:
            ftpc = make_client(line.server)
            (ftpc.folder / "big").write_bytes(data)
            name = f"{direction}{broken}"
            ftpc.ok("put", "big", "-t", name, "--connections", "3")
            assert (daemon.root / name).read_bytes() == data
            ftpc.ok("get", name, "-o", "back", "--connections", "3")
            assert (ftpc.folder / "back").read_bytes() == data


def test_a_short_line_is_served_by_one_connection(make_daemon, make_client):
    daemon = make_daemon()
    with FaultProxy(daemon.address) as line:
        ftpc = make_client(line.server)
        tree(ftpc.folder / "tree")
        (ftpc.folder / "tree" / "big").write_bytes(os.urandom(kBig))
        ftpc.ok("put", "tree")
        ftpc.ok("get", "tree", "-o", "back")
        assert line.connections == 2
        assert contents(ftpc.folder / "back") == contents(ftpc.folder / "tree")


def test_one_small_file_is_one_connection_and_one_request(make_daemon, make_client):
    daemon = make_daemon()
    with delayed(daemon) as line:
        ftpc = make_client(line.server)
        (ftpc.folder / "small").write_bytes(b"small")
        ftpc.ok("put", "small")
        assert line.connections == 1
        ftpc.ok("get", "small", "-o", "back")
        assert line.connections == 2
        assert (ftpc.folder / "back").read_bytes() == b"small"


def test_the_threads_of_the_daemon_are_named_after_what_they_do(make_daemon, make_client):
    daemon = make_daemon()
    ftpc = make_client(daemon.server)
    tree(ftpc.folder / "tree", files=8)
    ftpc.ok("put", "tree", "--connections", "4")
    wait_until(lambda: daemon.thread_names().count("ftpd-parking") == 1, what="one thread of that name")
    assert "ftpd-worker" in daemon.thread_names()
