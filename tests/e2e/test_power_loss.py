"""Power that is cut at any moment: what was answered with ok is whole afterwards, on ext4 and on XFS."""

import os
import random
import subprocess
import threading

import pytest

from support.binaries import scale
from support.file_systems import LoopFolder, need_root
from support.waiting import wait_until
from support.wire import Closed, Peer, put_v1

kKinds = ("ext4", "xfs")
kMebibyte = 1 << 20
kBlock = 4096
kGroup = 300


@pytest.fixture(autouse=True)
def needs_root_here():
    need_root()


@pytest.fixture(params=kKinds)
def disk(request, tmp_path):
    with LoopFolder(tmp_path / "disk", request.param, 64 * kMebibyte if request.param == "ext4" else None) as mounted:
        yield mounted


@pytest.fixture
def served(disk, make_daemon):
    """served(**storage keys) starts a daemon on the disk."""
    made = []

    def serve(**storage):
        made.append(make_daemon(root=disk.folder, config={"storage": {"min_free": 0, **storage}}))
        return made[-1]

    yield serve
    for daemon in made:
        daemon.stop()


def lose_power(disk, daemon):
    """Cuts the power under the daemon, ends it, and mounts the disk again."""
    disk.cut_power()
    daemon.kill()
    disk.restore_power()


def content(name, version, size=3 * kBlock):
    """Bytes that tell in each block whose they are, so that a mix of two is seen."""
    return (f"{name} {version} ".encode().ljust(64, b".") * (size // 64 + 1))[:size]


def read(daemon, name):
    path = daemon.root / name
    return path.read_bytes() if path.is_file() else None


def test_the_rig_loses_what_was_not_synced(disk):
    (disk.folder / "synced").write_bytes(b"synced")
    with open(disk.folder / "synced", "rb") as file:
        os.fsync(file.fileno())
    (disk.folder / "late").write_bytes(content("late", 1))
    disk.cut_power()
    disk.restore_power()
    assert (disk.folder / "synced").read_bytes() == b"synced"
    late = disk.folder / "late"
    assert not late.exists() or late.read_bytes() != content("late", 1)


def test_without_durability_an_answered_put_is_lost_with_the_power(disk, served):
    daemon = served(durability="none")
    names = [f"f{n}" for n in range(20)]
    with Peer(daemon.address) as peer:
        assert all(peer.put(name, content(name, 1))["ok"] for name in names)
    lose_power(disk, daemon)
    assert any(read(daemon, name) != content(name, 1) for name in names)
    daemon.restart()


@pytest.mark.parametrize("name", ["new", "old", "new/folders/nested/file"])
def test_an_answered_put_survives_a_cut_right_after_its_reply(disk, served, name):
    daemon = served()
    with Peer(daemon.address) as peer:
        assert peer.put("old", content("old", 1))["ok"]
        for version in range(2, 2 + 3 * scale()):
            assert peer.put(name, content(name, version, version * kBlock))["ok"]
    lose_power(disk, daemon)
    assert read(daemon, name) == content(name, version, version * kBlock)
    assert name == "old" or read(daemon, "old") == content("old", 1)
    daemon.restart()


def test_mkdir_rename_and_remove_survive_a_cut_right_after_their_replies(disk, served):
    daemon = served()
    with Peer(daemon.address) as peer:
        for name in ("kept", "gone", "d/moved"):
            assert peer.put(name, content(name, 1))["ok"]
        assert peer.ask("mkdir", filename="made")["ok"]
        assert peer.ask("rename", filename="d/moved", to="made/here")["ok"]
        assert peer.ask("remove", filename="gone")["ok"]
    lose_power(disk, daemon)
    assert daemon.visible() - {"lost+found"} == {"kept", "d", "made", "made/here"}
    assert read(daemon, "made/here") == content("d/moved", 1)
    daemon.restart()


def test_a_tree_of_many_small_files_survives_a_cut_right_after_ftpc_is_done(disk, served, make_client):
    daemon = served()
    client = make_client(daemon.server)
    for n in range(kGroup):
        path = client.folder / "tree" / f"d{n % 7}" / f"f{n}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(f"f{n}", 1, 100 + n))
    client.ok("put", "tree")
    lose_power(disk, daemon)
    for n in range(kGroup):
        assert read(daemon, f"tree/d{n % 7}/f{n}") == content(f"f{n}", 1, 100 + n), n
    daemon.restart()


def test_a_cut_in_the_middle_of_many_puts_keeps_every_answered_one_and_tears_none(disk, served):
    chance = random.Random(disk.kind)
    daemon = served()
    acknowledged, sent = {}, {}
    for cycle in range(4 * scale()):
        lock, ended = threading.Lock(), threading.Event()
        writers = [threading.Thread(target=write_until_cut, args=(daemon, f"{w}", cycle, sent, acknowledged, lock, ended))
                   for w in range(4)]
        for writer in writers:
            writer.start()
        goal = len(acknowledged) + chance.randrange(30, 200)
        wait_until(lambda: len(acknowledged) >= goal or ended.is_set(), what="enough puts")
        with lock:
            disk.cut_power()
            certain = dict(acknowledged)
        daemon.kill()
        for writer in writers:
            writer.join()
        # With the power gone for real nothing would be answered any more; here a sync may still say yes to a disk that has been shut down.
        acknowledged.clear()
        acknowledged.update(certain)
        disk.restore_power()
        check_survivors(daemon, certain, sent)
        daemon.restart()
    with Peer(daemon.address) as peer:
        assert peer.put("after", b"after")["ok"]


def write_until_cut(daemon, writer, cycle, sent, acknowledged, lock, ended):
    """Groups of puts to names of this writer's own, some of them again and again; notes what was sent and what was answered."""
    version = cycle * 100_000
    try:
        with Peer(daemon.address) as peer:
            while not ended.is_set():
                version += 1
                names = [f"w{writer}/again{version % 3}"] + [f"w{writer}/{version}/f{n}" for n in range(version % 24)]
                for name in names:
                    sent.setdefault(name, []).append(version)
                peer.send(b"".join(put_v1(name, content(name, version)) for name in names))
                for name in names:
                    answer = peer.read_frame()
                    with lock:
                        if answer["ok"]:
                            acknowledged[name] = version
                        else:
                            ended.set()
    except (Closed, OSError):
        ended.set()


def check_survivors(daemon, acknowledged, sent):
    for name, versions in sent.items():
        seen = read(daemon, name)
        least = acknowledged.get(name)
        possible = [content(name, version) for version in versions if least is None or version >= least]
        assert seen in possible or (seen is None and least is None), (name, least, versions[-1], seen and seen[:40])


def test_an_upload_that_the_power_has_cut_is_resumed_and_ends_as_the_right_file(disk, served, make_client):
    daemon = served()
    client = make_client(daemon.server)
    data = random.Random(5).randbytes(20 * kMebibyte)
    (client.folder / "large").write_bytes(data)
    stamp = (client.folder / "large").stat().st_mtime_ns
    fields = {"filename": "large", "filesize": len(data), "mtime_ns": stamp, "digest": "xxh128"}
    with Peer(daemon.address) as peer:
        assert peer.ask("offer", **fields)["offset"] == 0
        peer.send(put_v1("large", data, mtime_ns=stamp, offset=0)[:12 * kMebibyte])
        wait_until(lambda: daemon.staged_bytes() > 11 * kMebibyte, what="the body to arrive")
        subprocess.run(["sync", "-f", str(daemon.root)], check=True)
        peer.send(put_v1("large", data, mtime_ns=stamp, offset=0)[12 * kMebibyte:15 * kMebibyte])
    lose_power(disk, daemon)
    assert read(daemon, "large") is None
    daemon.restart()
    with Peer(daemon.address) as peer:
        assert peer.ask("offer", **fields)["offset"] > 0
    client.ok("put", "large")
    assert read(daemon, "large") == data
    wait_until(lambda: not daemon.staged(), what="the parts to be empty")


@pytest.mark.parametrize("damage", ["zeros", "other bytes", "longer"])
def test_a_part_that_came_back_wrong_never_becomes_a_wrong_file(disk, served, make_client, damage):
    daemon = served()
    client = make_client(daemon.server)
    data = random.Random(6).randbytes(3 * kMebibyte)
    (client.folder / "large").write_bytes(data)
    stamp = (client.folder / "large").stat().st_mtime_ns
    with Peer(daemon.address) as peer:
        peer.ask("offer", filename="large", filesize=len(data), mtime_ns=stamp, digest="xxh128")
        peer.send(put_v1("large", data, mtime_ns=stamp, offset=0)[:2 * kMebibyte])
    wait_until(lambda: daemon.staged_bytes() > 2 * kMebibyte - kBlock, what="what was sent to be kept")
    part, = daemon.staged()
    daemon.stop()
    spoil(part, damage)
    daemon.restart()
    client.ok("put", "large")
    assert read(daemon, "large") == data


def spoil(path, damage):
    """Changes the tail of a file as a power cut may."""
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(size if damage == "longer" else size - 3 * kBlock)
        file.write(bytes(3 * kBlock) if damage == "zeros" else b"\xa5" * 3 * kBlock)
