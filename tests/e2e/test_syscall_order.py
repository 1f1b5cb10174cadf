"""The order of the system calls behind a reply: bytes, sync, name, sync of the folder, and only then `ok`."""

import os

import pytest

from support import tracing
from support.tracing import Trace
from support.wire import Peer, put_v1

kWatched = ("-e", "trace=%file,fchmod,fsync,fdatasync,syncfs,sync_file_range,pwrite64,write,splice,copy_file_range,ftruncate,"
            "fallocate,sendto")
kWrites = ("write", "pwrite64", "splice", "copy_file_range", "ftruncate", "fallocate")
kRenames = ("renameat", "renameat2", "linkat")
kLarge = 3_000_000


@pytest.fixture(autouse=True)
def needs_strace():
    tracing.need()


@pytest.fixture
def traced(make_daemon, tmp_path):
    """traced(action, durability) runs action(peer) on a fresh daemon; (daemon, its calls meanwhile)."""

    def run(action, durability="full", prepare=None):
        daemon = make_daemon(config={"server": {"workers": 1}, "storage": {"durability": durability}})
        with Peer(daemon.address) as peer:
            assert peer.ask("ping")["ok"]
            if prepare:
                prepare(peer)
            with Trace(daemon.process.pid, tmp_path / "calls", *kWatched) as trace:
                action(peer)
                # What was answered before this has returned from its calls, too.
                assert peer.ask("ping")["ok"]
        return daemon, trace.calls

    return run


def first(calls, condition, begin=0):
    """The place of the first call from `begin` on that meets the condition; None where there is none."""
    return next((i for i in range(begin, len(calls)) if condition(calls[i])), None)


def last(calls, condition):
    return max((i for i, call in enumerate(calls) if condition(call)), default=None)


def synced(calls, path, begin, end):
    """True when a successful fsync of `path` lies between two places."""
    return any(c.name == "fsync" and c.folder() == str(path) and c.result == 0 for c in calls[begin:end])


def reply_place(calls, begin):
    """The place of the first positive reply from `begin` on."""
    place = first(calls, lambda c: c.name == "sendto" and '\\"ok\\":true' in c.arguments, begin)
    assert place is not None, "no positive reply in the trace"
    return place


def rename_place(calls, root, name):
    folder, _, leaf = name.rpartition("/")
    target = str(root / folder) if folder else str(root)
    place = first(calls, lambda c: c.name in kRenames and c.result == 0 and c.paths()[-1] == target and c.names()[-1] == leaf)
    assert place is not None, f"{name} got its name by no rename"
    return place, target


def staged_path(call):
    """What the file was called before it got its name; of one without a name, what the descriptor tells."""
    return "/".join([call.folder(), *call.names()[:1]]).rstrip("/")


def check_put(calls, root, name, file_synced=True, folder_synced=True):
    renamed, folder = rename_place(calls, root, name)
    staged = staged_path(calls[renamed])
    assert "/.ftpd/" in staged, "the file was not written aside"
    written = last(calls, lambda c: c.name in kWrites and staged in c.paths())
    assert written is not None and written < renamed
    replied = reply_place(calls, renamed)
    assert synced(calls, staged, written, renamed) == file_synced
    assert synced(calls, folder, renamed, replied) == folder_synced
    assert not any(c.name in kWrites and str(root / name) in c.paths() for c in calls), "written under its visible name"
    for made in [i for i, c in enumerate(calls) if c.name == "mkdirat" and c.result == 0]:
        assert synced(calls, calls[made].folder(), made, replied) == folder_synced


@pytest.mark.parametrize("name", ["a.txt", "new/folders/nested/a.txt"], ids=["root", "new_folders"])
@pytest.mark.parametrize("size", [100, kLarge], ids=["small", "large"])
@pytest.mark.parametrize("durability", ["full", "file", "none"])
def test_a_new_file_is_synced_before_its_name_and_its_folder_before_the_reply(traced, name, size, durability):
    data = os.urandom(size)
    daemon, calls = traced(lambda peer: peer.put(name, data)["ok"] or pytest.fail("refused"), durability)
    check_put(calls, daemon.root, name, durability != "none", durability == "full")


@pytest.mark.parametrize("durability", ["full", "file", "none"])
def test_a_file_that_is_replaced_is_synced_in_the_same_order(traced, durability):
    daemon, calls = traced(lambda peer: peer.put("a.txt", b"the second"), durability,
                           prepare=lambda peer: peer.put("a.txt", b"the first"))
    check_put(calls, daemon.root, "a.txt", durability != "none", durability == "full")
    assert not any(c.name == "unlinkat" and c.result == 0 for c in calls), "the name was free for a moment"


@pytest.mark.parametrize("durability", ["full", "file", "none"])
def test_changed_permission_bits_are_synced_before_the_reply(traced, durability):
    daemon, calls = traced(lambda peer: peer.ask("chmod", filename="a.txt", mode=0o600)["ok"] or pytest.fail("refused"), durability,
                           prepare=lambda peer: peer.put("a.txt", b"text"))
    changed = first(calls, lambda c: c.name == "fchmod" and c.result == 0)
    assert synced(calls, daemon.root / "a.txt", changed, reply_place(calls, changed)) == (durability != "none")


def test_many_small_files_are_synced_together_and_each_answers_for_itself(traced):
    # So many that some come together, however slow the machine is: the daemon gathers them for 0.1 s.
    count = 200
    message = b"".join(put_v1(f"tree/f{n}", b"%d" % n) for n in range(count))

    def put_all(peer):
        peer.send(message)
        assert all(peer.read_frame()["ok"] for _ in range(count))

    daemon, calls = traced(put_all)
    together = first(calls, lambda c: c.name == "syncfs" and c.result == 0)
    assert together is not None
    for n in range(count):
        renamed, folder = rename_place(calls, daemon.root, f"tree/f{n}")
        staged = staged_path(calls[renamed])
        before = [c for c in calls[:renamed] if c.folder() == staged and c.result == 0]
        alone = any(c.name == "fsync" for c in before)
        shared = together < renamed and any(
            c.name == "sync_file_range" and "WAIT_BEFORE" in c.arguments and "WAIT_AFTER" in c.arguments for c in before)
        assert alone or shared, f"f{n} got its name before it was synced"
        assert synced(calls, folder, renamed, reply_place(calls, renamed))


def test_folders_that_are_made_removed_and_renamed_are_synced_before_the_reply(traced):
    def change(peer):
        assert peer.ask("mkdir", filename="made")["ok"]
        assert peer.ask("rename", filename="old/file", to="new/file")["ok"]
        assert peer.ask("remove", filename="new/file")["ok"]

    def prepare(peer):
        assert peer.put("old/file", b"x")["ok"] and peer.ask("mkdir", filename="new")["ok"]

    daemon, calls = traced(change, prepare=prepare)
    made = first(calls, lambda c: c.name == "mkdirat" and c.result == 0)
    assert synced(calls, daemon.root, made, reply_place(calls, made))
    renamed, _ = rename_place(calls, daemon.root, "new/file")
    for folder in ("old", "new"):
        assert synced(calls, daemon.root / folder, renamed, reply_place(calls, renamed)), folder
    removed = first(calls, lambda c: c.name == "unlinkat" and c.result == 0)
    assert synced(calls, daemon.root / "new", removed, reply_place(calls, removed))


def test_after_the_start_every_name_is_looked_up_in_a_folder_that_is_held(traced):
    def use_all(peer):
        assert peer.put("d/e/f", os.urandom(kLarge))["ok"] and peer.get("d/e/f")[0]["ok"]
        for cmd, fields in (("stat", {"filename": "d/e/f"}), ("list", {"filename": "d"}), ("sum", {"filename": "d/e/f"}),
                            ("mkdir", {"filename": "g"}), ("rename", {"filename": "d/e/f", "to": "g/f"}),
                            ("remove", {"filename": "g/f"}), ("remove", {"filename": "g"})):
            assert peer.ask(cmd, **fields)["ok"], cmd
        assert not peer.ask("stat", filename="../etc/passwd")["ok"]

    daemon, calls = traced(use_all)
    by_name = [c for c in calls if c.names() and c.name not in (*kWrites, "sendto")]
    assert len(by_name) > 10
    # The daemon looks after its own certificate and users, by the whole paths that the configuration has, whatever its clients ask.
    own = ("/state/ftpd/tls/", "/state/ftpd/users")
    theirs = [c for c in by_name if not any(path in c.arguments for path in own)]
    outside = [c for c in theirs if not (c.folder() or "").startswith(str(daemon.root)) or "AT_FDCWD" in c.arguments]
    assert outside == []
