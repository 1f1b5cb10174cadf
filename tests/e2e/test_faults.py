"""A disk that fails at the k-th call, for every k: no false `ok`, no half file, nothing left over, and the daemon goes on."""

import itertools
import random
import signal

import pytest

from support import tracing
from support.binaries import scale
from support.tracing import Trace
from support.waiting import wait_until
from support.wire import Closed, Peer, put_v1

kMostCalls = 12 * scale()
kOld = b"the old file" * 100
kSmall = random.Random(1).randbytes(5_000)
kLarge = random.Random(2).randbytes(2_500_000)

# name -> content of the puts of one scenario; the first replaces a file, the second needs new folders.
kPuts = {"replaced": kSmall, "new/folders/small": kSmall, "large": kLarge}

# The call that fails, its error, and the codes that the client may be told.
kFaults = [
    ("fsync", "EIO", {"io_error"}),
    ("fsync", "ENOSPC", {"no_space", "io_error"}),
    ("fsync", "EDQUOT", {"quota", "io_error"}),
    ("pwrite64", "ENOSPC", {"no_space"}),
    ("pwrite64", "EIO", {"io_error"}),
    ("pwrite64", "EDQUOT", {"quota"}),
    ("fallocate", "ENOSPC", {"no_space"}),
    ("fallocate", "EDQUOT", {"quota"}),
    ("renameat", "ENOSPC", {"no_space"}),
    ("renameat", "EIO", {"io_error"}),
    ("renameat", "EDQUOT", {"quota"}),
    ("mkdirat", "ENOSPC", {"no_space"}),
    ("mkdirat", "EIO", {"io_error"}),
    ("openat", "EIO", {"io_error"}),
    ("openat", "ENOSPC", {"no_space"}),
    ("fstatfs", "EIO", {"io_error"}),
    ("splice", "ENOSPC", {"no_space", "closed"}),
    ("splice", "EIO", {"io_error", "closed"}),
]


@pytest.fixture(autouse=True)
def needs_strace():
    tracing.need()


@pytest.fixture
def daemon(make_daemon):
    """One worker, so that one thread makes all calls and the count of the injection is the scenario's."""
    return make_daemon(config={"server": {"workers": 1}})


def outcome(daemon, name, data, **fields):
    """ "ok", the error's code, or "closed"."""
    with Peer(daemon.address) as peer:
        try:
            reply = peer.put(name, data, **fields)
        except (Closed, OSError):
            return "closed"
    return "ok" if reply["ok"] else reply["error"]


def begin_afresh(daemon):
    """The root as the scenario expects it: the old file, and nothing else."""
    with Peer(daemon.address) as peer:
        for name in ("new/folders/small", "new/folders", "new", "large"):
            peer.ask("remove", filename=name)
        assert peer.put("replaced", kOld)["ok"]
    assert daemon.visible() == {"replaced"}


def read(daemon, name):
    path = daemon.root / name
    return path.read_bytes() if path.is_file() else None


def is_sync_of_folder(call):
    return call.name == "fsync" and "/.ftpd/" not in call.folder()


def check_files(daemon, outcomes, named):
    """Each name shows the old content or the whole new one; the new one only after ok, or where it was `named` before the failure."""
    for name, result in outcomes.items():
        old = kOld if name == "replaced" else None
        seen = read(daemon, name)
        if result == "ok":
            assert seen == kPuts[name], name
        elif named:
            assert seen in (old, kPuts[name]), name
        else:
            assert seen == old, name
    assert daemon.visible() <= {*kPuts, "new", "new/folders"}


def run_until_clean(daemon, tmp_path, call, error, codes):
    """Fails the first call of the scenario, then the second, and so on until no call is left; how many there were."""
    for k in range(1, kMostCalls + 1):
        begin_afresh(daemon)
        with Trace(daemon.process.pid, tmp_path / "calls", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={k}") as trace:
            outcomes = {name: outcome(daemon, name, data) for name, data in kPuts.items()}
        failed = {name: result for name, result in outcomes.items() if result != "ok"}
        assert len(failed) == len(trace.injected()), (k, outcomes, trace.injected())
        assert set(failed.values()) <= codes, (k, outcomes)
        check_files(daemon, outcomes, any(is_sync_of_folder(injected) for injected in trace.injected()))
        wait_until(lambda: not daemon.staged(), what="the staging folder to be empty")
        assert daemon.running()
        assert outcome(daemon, "replaced", kOld) == "ok"
        if not failed:
            return k - 1
    return kMostCalls


@pytest.mark.parametrize("call, error, codes", kFaults, ids=[f"{call}-{error}" for call, error, _ in kFaults])
def test_a_call_that_fails_in_a_put_is_told_and_changes_nothing(daemon, tmp_path, call, error, codes):
    assert run_until_clean(daemon, tmp_path, call, error, codes) > 0, f"no {call} was reached"


@pytest.mark.parametrize("call, error, code", [
    ("fsync", "EIO", 1), ("fchmod", "EIO", 1), ("utimensat", "EIO", 1), ("renameat", "ENOSPC", 14), ("fallocate", "ENOSPC", 14)])
def test_a_large_file_of_ftpc_is_refused_when_a_call_fails_and_stored_by_the_next_try(daemon, make_client, tmp_path, call, error, code):
    client = make_client(daemon.server)
    (client.folder / "large").write_bytes(kLarge)
    begin_afresh(daemon)
    with Trace(daemon.process.pid, tmp_path / "calls", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when=1") as trace:
        client.run("put", "large", code=code)
    assert trace.injected() and daemon.visible() == {"replaced"}
    client.ok("put", "large")
    assert read(daemon, "large") == kLarge
    wait_until(lambda: not daemon.staged(), what="the staging folder to be empty")


@pytest.mark.parametrize("kept", [None, b"old"], ids=["new", "overwrite"])
def test_when_a_whole_group_cannot_be_synced_together_each_file_is_synced_alone(daemon, tmp_path, kept):
    # So many that some come together, however slow the machine is: the daemon gathers them for 0.1 s.
    names = [f"group/f{n}" for n in range(200)]
    with Peer(daemon.address) as peer:
        assert kept is None or all(peer.put(name, kept)["ok"] for name in names)
        with Trace(daemon.process.pid, tmp_path / "calls", "-e", "trace=fsync,syncfs", "-e", "inject=syncfs:error=EIO") as trace:
            peer.send(b"".join(put_v1(name, name.encode()) for name in names))
            replies = [peer.read_frame() for _ in names]
    assert trace.injected() and all(reply["ok"] for reply in replies)
    assert len([c for c in trace.calls if c.name == "fsync" and c.result == 0 and "/.ftpd/" in c.folder()]) == len(names)
    assert all(read(daemon, name) == name.encode() for name in names)


def test_one_file_of_a_group_that_cannot_be_synced_fails_alone(daemon, tmp_path):
    rounds = itertools.count()

    def put_group():
        """A group that was synced together before the call failed; None where the machine stood still and the files came one by one."""
        names = [f"group{next(rounds)}/f{n}" for n in range(30)]
        with Peer(daemon.address) as peer, Trace(daemon.process.pid, tmp_path / "calls", "-e", "trace=sync_file_range,syncfs",
                                                 "-e", "inject=sync_file_range:error=EIO:when=5") as trace:
            peer.send(b"".join(put_v1(name, name.encode()) for name in names))
            replies = [peer.read_frame() for _ in names]
        called = [call.name for call in trace.calls]
        together = "syncfs" in called and trace.injected() and called.index("syncfs") < trace.calls.index(trace.injected()[0])
        return (names, replies, trace) if together else None

    names, replies, trace = wait_until(put_group, what="files that are synced together")
    refused = [name for name, reply in zip(names, replies) if not reply["ok"]]
    assert len(trace.injected()) == 1 and len(refused) == 1
    assert replies[names.index(refused[0])]["error"] == "io_error"
    assert all(read(daemon, name) == (None if name in refused else name.encode()) for name in names)


def test_a_new_folder_whose_sync_failed_is_synced_before_the_next_put_into_it_is_told_ok(daemon, tmp_path):
    with Trace(daemon.process.pid, tmp_path / "first", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=2+"):
        assert outcome(daemon, "new/first", kSmall) == "io_error"
    with Trace(daemon.process.pid, tmp_path / "second", "-e", "trace=fsync") as trace:
        assert outcome(daemon, "new/second", kSmall) == "ok"
        assert outcome(daemon, "new/third", kSmall) == "ok"
    synced = [call for call in trace.calls if call.folder() == str(daemon.root)]
    assert [call.result for call in synced] == [0], "the folder that holds the new one must be synced once"


@pytest.mark.parametrize("call", ["fsync", "pwrite64", "renameat", "openat", "mkdirat", "splice", "sendto"])
def test_a_daemon_that_is_killed_at_any_call_shows_old_or_new_files_after_its_restart(daemon, tmp_path, call):
    for k in range(1, kMostCalls + 1):
        begin_afresh(daemon)
        with Trace(daemon.process.pid, tmp_path / "calls", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={k}"):
            outcomes = {name: outcome_of_mortal(daemon, name, data) for name, data in kPuts.items()}
        if "closed" not in outcomes.values():
            assert k > 1, f"no {call} was reached"
            return
        daemon.kill()
        daemon.restart()
        check_files(daemon, outcomes, named=True)
        wait_until(lambda: not daemon.staged(), what="the staging folder to be empty")
        assert outcome(daemon, "replaced", kOld) == "ok"


def outcome_of_mortal(daemon, name, data):
    """As outcome(); "closed" also where nobody listens any more."""
    try:
        return outcome(daemon, name, data)
    except OSError:
        return "closed"


def test_a_daemon_that_can_start_no_thread_lets_what_runs_come_to_its_end(daemon, tmp_path):
    put = put_v1("large", kPuts["large"])
    with Peer(daemon.address) as peer:
        peer.send(put[:-1])
        assert outcome(daemon, "replaced", kOld) == "ok"
        with Trace(daemon.process.pid, tmp_path / "calls", "-e", "trace=clone,clone3", "-e", "inject=clone,clone3:error=EAGAIN") as trace:
            daemon.process.send_signal(signal.SIGTERM)
            wait_until(lambda: "stopping" in daemon.log(), what="the daemon to stop")
            peer.send(put[-1:])
            assert peer.read_frame()["ok"]
            assert daemon.process.wait(15) == 0
    assert trace.injected()
    assert read(daemon, "large") == kPuts["large"]
