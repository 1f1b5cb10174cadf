"""A full disk: refused before the first byte where the size tells, and nothing lost or left where it does not."""

import os
import signal

import pytest

from support.file_systems import LoopFolder, memory_folder, need_root
from support.waiting import wait_until
from support.wire import Peer, chunk, kEnd, put_v1, trailer, v1

kMebibyte = 1 << 20
kOld = b"the old file" * 1000
kNoSpace = 14


@pytest.fixture(autouse=True)
def needs_root_here():
    need_root()


@pytest.fixture
def disk(tmp_path):
    with memory_folder(tmp_path / "disk", size="8m", nr_inodes=100) as mounted:
        yield mounted


@pytest.fixture
def daemon(disk, make_daemon):
    """A daemon on the small disk, with an old file there."""
    served = make_daemon(root=disk.folder, config={"storage": {"min_free": 0}})
    yield served
    served.stop()


@pytest.fixture
def client(make_client, daemon):
    made = make_client(daemon.server)
    (made.folder / "file").write_bytes(kOld)
    made.ok("put", "file")
    return made


def check_untouched(daemon):
    assert (daemon.root / "file").read_bytes() == kOld
    assert daemon.running()


def check_next_put(client, daemon):
    (client.folder / "next").write_bytes(b"next")
    client.ok("put", "next")
    assert (daemon.root / "next").read_bytes() == b"next"


def test_a_put_that_is_larger_than_the_disk_is_refused_before_its_first_byte(daemon, client):
    with Peer(daemon.address) as peer:
        peer.send(put_v1("file", b"x" * (20 * kMebibyte))[:200])
        assert peer.read_frame()["error"] == "no_space"
    check_untouched(daemon)
    check_next_put(client, daemon)


def test_an_offer_that_is_larger_than_the_disk_is_refused(daemon, client):
    with Peer(daemon.address) as peer:
        assert peer.ask("offer", filename="file", filesize=20 * kMebibyte, mtime_ns=1)["error"] == "no_space"
    check_untouched(daemon)


def test_ftpc_ends_with_no_space_for_a_large_file_and_works_when_there_is_space(disk, daemon, client):
    data = os.urandom(5 * kMebibyte)
    filler = disk.fill(keep=2 * kMebibyte)
    (client.folder / "file").write_bytes(data)
    client.run("put", "file", code=kNoSpace)
    check_untouched(daemon)
    check_next_put(client, daemon)
    filler.unlink()
    client.ok("put", "file")
    assert (daemon.root / "file").read_bytes() == data


def test_a_body_of_unknown_size_that_fills_the_disk_is_no_space_and_its_space_comes_back(disk, daemon, client):
    before = disk.free()
    client.run("put", "-", "-t", "file", data=os.urandom(12 * kMebibyte), code=kNoSpace)
    check_untouched(daemon)
    wait_until(lambda: not daemon.staged(), what="the staging folder to be empty")
    wait_until(lambda: disk.free() >= before - 65536, what="the space to come back")
    check_next_put(client, daemon)


def test_a_disk_that_somebody_else_fills_in_the_middle_of_a_put_is_no_space_and_keeps_the_old_file(disk, daemon, client):
    size = 900_000
    with Peer(daemon.address) as peer:
        message = put_v1("file", os.urandom(size))
        peer.send(message[:300_000])
        wait_until(lambda: daemon.staged_bytes() > 0, what="the body to arrive")
        filler = disk.fill()
        peer.send(message[300_000:])
        assert peer.read_frame()["error"] == "no_space"
    check_untouched(daemon)
    filler.unlink()
    wait_until(lambda: not daemon.staged(), what="the staging folder to be empty")
    check_next_put(client, daemon)


def test_a_small_stream_is_stored_on_a_disk_with_little_space(disk, daemon, client):
    disk.fill(keep=kMebibyte)
    with Peer(daemon.address) as peer:
        reply = peer.request(v1("put", filename="stream", body="chunks"), chunk(b"small") + kEnd + trailer(5))
    assert reply["ok"], reply


def test_without_inodes_puts_and_folders_are_refused_and_work_again_later(disk, daemon, client):
    taken = []
    with pytest.raises(OSError):
        for n in range(200):
            taken.append(disk.folder / f"taken{n}")
            taken[-1].touch()
    taken.pop()
    client.run("put", "file", code=kNoSpace)
    client.run("mkdir", "folder", code=kNoSpace)
    check_untouched(daemon)
    wait_until(lambda: not daemon.staged(), what="the staging folder to be empty")
    for path in taken:
        path.unlink()
    check_next_put(client, daemon)


def test_reservations_of_puts_that_were_cut_are_given_back(disk, daemon, client):
    for _ in range(4):
        with Peer(daemon.address) as peer:
            peer.send(put_v1("cut", b"x" * (5 * kMebibyte))[:100_000])
            wait_until(lambda: daemon.staged_bytes() > 0, what="the body to arrive")
        wait_until(lambda: not daemon.staged(), what="the staging folder to be empty")
    (client.folder / "large").write_bytes(bytes(5 * kMebibyte))
    client.ok("put", "large")


def test_a_get_onto_a_full_disk_is_no_space_and_keeps_the_old_file(daemon, make_client, make_daemon, disk):
    other = make_daemon()
    (other.root / "large").write_bytes(os.urandom(5 * kMebibyte))
    local = make_client(other.server)
    local.folder = disk.folder / "local"
    local.folder.mkdir()
    (local.folder / "large").write_bytes(kOld)
    filler = disk.fill(keep=kMebibyte)
    local.run("get", "large", code=kNoSpace)
    assert (local.folder / "large").read_bytes() == kOld
    filler.unlink()
    local.ok("get", "large")
    assert (local.folder / "large").read_bytes() == (other.root / "large").read_bytes()


def test_a_full_ext4_keeps_the_old_file_and_the_daemon_works_on(tmp_path, make_daemon, make_client):
    with LoopFolder(tmp_path / "ext4", "ext4") as disk:
        served = make_daemon(root=disk.folder, config={"storage": {"min_free": 0}})
        made = make_client(served.server)
        (made.folder / "file").write_bytes(kOld)
        made.ok("put", "file")
        made.run("put", "-", "-t", "file", data=os.urandom(20 * kMebibyte), code=kNoSpace)
        filler = disk.fill()
        (made.folder / "file").write_bytes(os.urandom(kMebibyte // 2))
        made.run("put", "file", code=kNoSpace)
        check_untouched(served)
        filler.unlink()
        check_next_put(made, served)
        served.stop()


@pytest.fixture
def drop_box(disk, make_daemon):
    """A daemon whose one root removes what is older than a second, on the small disk."""
    served = make_daemon(config={"storage": {"min_free": 0}, "root drop": {"path": disk.folder, "max_age": "1s"}})
    yield served
    served.stop()


def test_old_files_are_removed_from_a_disk_that_has_no_room_for_another_file(disk, drop_box):
    old = [disk.folder / f"old{n}" for n in range(200)]
    made = []
    drop_box.send_signal(signal.SIGSTOP)  # it would remove the first ones before the last are there
    try:
        with pytest.raises(OSError):
            for path in old:
                path.touch()
                made.append(path)
    finally:
        drop_box.send_signal(signal.SIGCONT)
    wait_until(lambda: not any(path.exists() for path in made), what="the old files to go")
    assert drop_box.running()
    with Peer(drop_box.address) as peer:
        assert peer.put("drop/next", b"next")["ok"]


def test_a_root_that_cannot_be_cleaned_is_logged_and_does_not_end_the_daemon(disk, drop_box):
    with Peer(drop_box.address) as peer:
        (disk.folder / ".ftpd/staging").rmdir()
        (disk.folder / "old").write_bytes(b"old")
        wait_until(lambda: "expire-failed" in drop_box.log(), what="the failure to be logged")
        assert str(disk.folder) in drop_box.log()
        assert peer.get("drop/old")[1] == b"old"
    assert drop_box.running()
