"""A disk under ftpc that fails at the k-th call: an exit code that says so, and no half file under the name that was asked for."""

import random
import subprocess

import pytest

from support import tracing
from support.binaries import scale
from support.client import kRunDeadline
from support.environment import clean_environment
from support.file_systems import memory_folder, need_root
from support.tracing import parse

kMostCalls = 14 * scale()
kOld = b"the old file" * 100
kSmall = random.Random(3).randbytes(5_000)
kLarge = random.Random(4).randbytes(1_500_000)
kNames = {"small": kSmall, "large": kLarge}
# Two that are written from memory, whatever way the bytes of the large one take.
kTree = kNames | {"other": kSmall[::-1]}


@pytest.fixture(autouse=True)
def needs_strace():
    tracing.need()


@pytest.fixture(scope="module")
def served(daemon):
    (daemon.root / "tree").mkdir()
    for name, data in kNames.items():
        (daemon.root / name).write_bytes(data)
    for name, data in kTree.items():
        (daemon.root / "tree" / name).write_bytes(data)
    return daemon


def run_injected(client, path, call, effect, *words):
    """Runs ftpc with one call that goes wrong; (exit code, calls)."""
    command = ["strace", "-f", "-y", "-o", path, "-e", f"trace={call}", "-e", f"inject={call}:{effect}", *client.command(*words)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, cwd=client.folder, timeout=kRunDeadline,
                          env=clean_environment(client.home), check=False)
    return done.returncode, parse(path.read_text(errors="replace"))


def read(path):
    return path.read_bytes() if path.exists() else None


def names_seen(folder):
    """What is in a folder without the hidden files of transfers that were cut."""
    return {path.name for path in folder.iterdir() if not path.name.endswith(".ftpc-part")}


@pytest.mark.parametrize("name", kNames)
@pytest.mark.parametrize("old", [None, kOld], ids=["new", "overwrite"])
@pytest.mark.parametrize("call, error, code", [
    ("fsync", "EIO", 1), ("pwrite64", "ENOSPC", 14), ("pwrite64", "EIO", 1), ("renameat", "ENOSPC", 14), ("renameat", "EIO", 1),
    ("fchmod", "EIO", 1)])
def test_a_get_whose_disk_fails_says_so_and_leaves_the_old_file_or_nothing(served, make_client, tmp_path, name, old, call, error, code):
    client = make_client(served.server)
    target = client.folder / name
    for k in range(1, kMostCalls + 1):
        target.unlink(missing_ok=True)
        if old:
            target.write_bytes(old)
        exit_code, calls = run_injected(client, tmp_path / "calls", call, f"error={error}:when={k}", "get", name)
        injected = [c for c in calls if c.injected]
        if not injected:
            # All of a large file may have gone round memory, without this call.
            assert k > 1 or (name, call) == ("large", "pwrite64")
            assert exit_code == 0 and read(target) == kNames[name]
            return
        assert exit_code == code, (k, injected)
        named = injected[0].name == "fsync" and injected[0].folder() == str(client.folder)
        assert read(target) in ((kNames[name],) if named else (old,))
        assert names_seen(client.folder) <= {name}
    pytest.fail(f"more than {kMostCalls} calls of {call}")


@pytest.mark.parametrize("call", ["fsync", "pwrite64", "renameat", "openat"])
def test_a_get_that_is_killed_at_any_call_leaves_whole_files_and_can_be_done_again(served, make_client, tmp_path, call):
    client = make_client(served.server)
    for k in range(1, kMostCalls + 1):
        (client.folder / "large").write_bytes(kOld)
        exit_code, _ = run_injected(client, tmp_path / "calls", call, f"signal=KILL:when={k}", "get", "large")
        if exit_code == 0:
            assert k > 1 and read(client.folder / "large") == kLarge
            break
        assert read(client.folder / "large") in (kOld, kLarge)
    client.ok("get", "large")
    assert read(client.folder / "large") == kLarge


@pytest.mark.parametrize("call, error", [("pwrite64", "ENOSPC"), ("fsync", "EIO"), ("renameat", "EIO")])
def test_a_tree_whose_second_file_cannot_be_written_is_not_told_as_done(served, make_client, tmp_path, call, error):
    client = make_client(served.server)
    exit_code, calls = run_injected(client, tmp_path / "calls", call, f"error={error}:when=2", "get", "tree")
    assert any(c.injected for c in calls) and exit_code != 0
    for name, data in kTree.items():
        assert read(client.folder / "tree" / name) in (None, data)
    client.ok("get", "tree")
    assert all(read(client.folder / "tree" / name) == data for name, data in kTree.items())


def test_a_tree_that_is_fetched_into_new_folders_is_synced_with_every_folder_that_was_made(served, make_client, tmp_path):
    client = make_client(served.server)
    log = tmp_path / "calls"
    command = ["strace", "-f", "-y", "-o", log, "-e", "trace=mkdir,mkdirat,fsync", *client.command("get", "tree", "-o", "a/b/tree")]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, cwd=client.folder, timeout=kRunDeadline,
                          env=clean_environment(client.home), check=False)
    assert done.returncode == 0, done.stderr
    synced = {call.folder() for call in parse(log.read_text()) if call.name == "fsync" and call.result == 0}
    for folder in ("", "a", "a/b", "a/b/tree"):
        assert str(client.folder / folder) in synced, folder or "the working folder"


def test_files_of_two_file_systems_are_each_synced_before_they_get_their_names(served, make_client, tmp_path):
    need_root()
    count = 16
    for folder in ("one", "two"):
        (served.root / "mounts" / folder).mkdir(parents=True)
        for n in range(count):
            (served.root / "mounts" / folder / f"f{n}").write_bytes(b"%d" % n)
    client = make_client(served.server)
    target = client.folder / "mounts"
    log = tmp_path / "calls"
    with memory_folder(target / "two", size="8m") as mounted:
        command = ["strace", "-f", "-y", "-o", log, "-e", "trace=fsync,syncfs,sync_file_range,renameat", *client.command("get", "mounts")]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, cwd=client.folder, timeout=kRunDeadline,
                              env=clean_environment(client.home), check=False)
        assert done.returncode == 0, done.stderr
    calls = [call for call in parse(log.read_text()) if call.result == 0]
    renames = [i for i, call in enumerate(calls) if call.name == "renameat"]
    assert len(renames) == 2 * count
    for place in renames:
        part = f"{calls[place].folder()}/{calls[place].names()[0]}"
        inside = part.startswith(str(mounted.folder))
        before = calls[:place]
        alone = any(c.name == "fsync" and c.folder() == part for c in before)
        together = any(c.name == "syncfs" and c.folder().startswith(str(mounted.folder)) == inside for c in before)
        answered = any(c.name == "sync_file_range" and c.folder() == part and "WAIT_AFTER" in c.arguments for c in before)
        assert alone or (together and answered), f"{part} got its name before it was synced"
