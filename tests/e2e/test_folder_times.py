"""Times of folders travel with them in both directions, whatever happens on the way; and who may not set them stores all the same."""

import os
import shutil

import pytest

from support.accounts import Accounts, kPassword
from support.fault_proxy import Fault, FaultProxy
from support.tiny_server import TinyServer

kTime = 1_234_567_890_123_456_789


def folders(top):
    """The folder and all that are in it, but for the daemon's own."""
    return [top, *(path for path in top.rglob("*") if path.is_dir() and ".ftpd" not in path.parts)]


def set_times(top, first=kTime, step=-1_000_000_007):
    """Gives each folder a time of its own."""
    for number, path in enumerate(sorted(folders(top))):
        os.utime(path, ns=(first, first + number * step))
    return top


def times(top):
    """{relative name: ns} of the folder and all that are in it."""
    return {os.path.relpath(path, top): path.stat().st_mtime_ns for path in folders(top)}


def fill(top, names):
    """Files, and folders where a name ends in a slash."""
    for name in names:
        path = top / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(name.encode())
    return top


@pytest.fixture
def tree(ftpc):
    """Files at several depths, a chain of folders with nothing beside, and empty ones."""
    top = fill(ftpc.folder / "tree", ["a", "d/b", "d/e/c", "p/q/r/s/t/u/v/w/deep", "hollow/in/", "hollow/too/", "d/none/"])
    os.chmod(top / "d/e", 0o700)
    os.chmod(top / "hollow/in", 0o700)
    return set_times(top)


@pytest.fixture
def wide(ftpc):
    """More files than one connection carries, with large ones among them, and empty folders."""
    top = fill(ftpc.folder / "wide", [f"d{n % 60:02}/s{n % 7}/f{n}" for n in range(900)] + [f"none/n{n}/" for n in range(700)])
    for name in ("d03/s1/large", "d20/large", "large"):
        (top / name).write_bytes(os.urandom(1_500_000))
    return set_times(top)


@pytest.mark.parametrize("durability", ["full", "file", "none"])
def test_times_of_folders_go_there_and_back(make_daemon, make_client, durability):
    daemon = make_daemon(config={"storage": {"durability": durability}})
    client = make_client(daemon.server)
    names = ["a", "d/b", "d/e/c", "p/q/r/s/t/u/v/w/deep", "hollow/in/", "hollow/too/", "d/none/"]
    tree = set_times(fill(client.folder / "tree", names))
    client.ok("put", "tree", "-t", "x")
    assert times(daemon.root / "x") == times(tree)
    client.ok("get", "x")
    assert times(client.folder / "x") == times(tree)
    client.ok("get", "x", "-o", "named/deeper/")
    assert times(client.folder / "named/deeper/x") == times(tree)
    client.ok("get", "--no-sync", "x/", "-o", "other")
    assert times(client.folder / "other") == times(tree)


def test_a_folder_put_or_got_again_gets_its_times_though_no_file_is_needed(ftpc, daemon, tree):
    ftpc.ok("put", "tree")
    set_times(tree, first=5_000)
    assert b" 0 files" in ftpc.ok("put", "tree").out
    assert times(daemon.root / "tree") == times(tree)
    set_times(daemon.root / "tree", first=-7_000)
    ftpc.ok("get", "tree")
    assert times(tree) == times(daemon.root / "tree")
    (tree / "d/e/new").write_bytes(b"new")
    (tree / "d/e/newer").mkdir()
    set_times(tree)
    ftpc.ok("put", "tree")
    assert times(daemon.root / "tree") == times(tree)


def test_a_folder_that_is_merged_into_another_gives_it_its_times_and_leaves_the_others(ftpc, daemon, tree):
    fill(daemon.root / "there", ["d/mine", "d/e/mine", "own/mine", "tree/x/y"])
    set_times(daemon.root / "there", first=99)
    before = times(daemon.root / "there")
    ftpc.ok("put", "tree", "-t", "there")
    after = times(daemon.root / "there")
    assert {name: after[name] for name in times(tree)} == times(tree)
    assert {name: after[name] for name in ("own", "tree", "tree/x")} == {name: before[name] for name in ("own", "tree", "tree/x")}
    fill(ftpc.folder / "here", ["d/ours", "own/ours"])
    set_times(ftpc.folder / "here", first=77)
    own = (ftpc.folder / "here/own").stat().st_mtime_ns
    ftpc.ok("get", "there/d/", "-o", "here/")
    assert times(ftpc.folder / "here/d") == times(daemon.root / "there/d")
    assert (ftpc.folder / "here/own").stat().st_mtime_ns == own
    ftpc.ok("put", "--no-clobber", "tree", "-t", "there")
    assert times(daemon.root / "there") == after


@pytest.mark.parametrize("connections", [(), ("--connections", "1"), ("--connections", "4"), ("--connections", "9")])
def test_times_are_right_whichever_connection_is_the_last(ftpc, daemon, wide, connections):
    ftpc.ok(*connections, "put", "wide")
    assert times(daemon.root / "wide") == times(wide)
    ftpc.ok(*connections, "get", "wide", "-o", "back/")
    assert times(ftpc.folder / "back/wide") == times(wide)


def test_times_are_right_where_a_large_file_is_cut_into_segments(ftpc, daemon, tree):
    (tree / "d/e/huge").write_bytes(os.urandom(40_000_000))
    set_times(tree)
    ftpc.ok("--connections", "4", "put", "tree", "-t", "segments")
    assert times(daemon.root / "segments") == times(tree)
    ftpc.ok("--connections", "4", "get", "segments", "-o", "back/")
    assert times(ftpc.folder / "back/segments") == times(tree)


def test_many_folders_of_all_depths_get_their_times(ftpc, daemon):
    names = [f"g{i:02}/s{k % 3}/l{k:02}/deep/" for i in range(20) for k in range(40)] + [f"g{i:02}/file" for i in range(20)]
    many = set_times(fill(ftpc.folder / "many", names))
    for path in (many / "g07").rglob("*"):
        os.chmod(path, 0o700)
    for _ in range(2):
        ftpc.ok("put", "many")
        assert times(daemon.root / "many") == times(many)
    ftpc.ok("get", "many", "-o", "back/")
    assert times(ftpc.folder / "back/many") == times(many)


def test_times_long_ago_and_far_ahead_travel_as_those_of_files(ftpc, daemon, tree):
    top = fill(ftpc.folder / "odd", [f"{name}/file" for name in ("zero", "before", "one", "ahead", "past")])
    for name, time in (("zero", 0), ("before", -1), ("one", -86_400 * 10**9 - 1), ("ahead", 4_102_444_800_123_456_789), ("past", 7)):
        os.utime(top / name / "file", ns=(0, time))
        os.utime(top / name, ns=(0, time))
    ftpc.ok("put", "odd")
    ftpc.ok("get", "odd", "-o", "back/")
    for path in (daemon.root / "odd", ftpc.folder / "back/odd"):
        assert times(path) == times(top)
        for name in ("zero", "before", "one", "ahead", "past"):
            assert (path / name).stat().st_mtime_ns == (path / name / "file").stat().st_mtime_ns


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_transfer_that_was_cut_sets_the_times_in_the_end(make_client, daemon, direction):
    client = make_client()
    name = "cut_" + direction
    top = fill(client.folder / name, [f"d{n % 9}/s{n % 4}/f{n}" for n in range(300)] + ["none/in/"])
    for path in top.rglob("f*"):
        path.write_bytes(os.urandom(3000))
    (top / "d1/large").write_bytes(os.urandom(2_000_000))
    set_times(top)
    for words, result in ((("put", name), daemon.root / name), (("get", name, "-o", "back/"), client.folder / "back" / name)):
        # The last of them is near the end.
        limits = (3_000, 400_000, 1_500_000) if direction == "up" else (3_000, 30_000, 500_000)
        with FaultProxy(daemon.address, [Fault(direction=direction, cut_after=limit) for limit in limits]) as proxy:
            client.ok("-s", proxy.server, "--retry", "9", "--connections", "1", *words)
        assert times(result) == times(top)


def test_a_side_connection_that_is_cut_leaves_the_times_to_the_first(make_client, daemon):
    with FaultProxy(daemon.address, [Fault(), Fault(cut_after=40_000), Fault(cut_after=90_000)]) as proxy:
        client = make_client(proxy.server)
        top = set_times(fill(client.folder / "side", [f"d{n // 60}/s{n % 4}/f{n}" for n in range(1200)]))
        client.ok("--connections", "4", "put", "side")
        assert times(daemon.root / "side") == times(top)


def test_a_folder_some_of_whose_files_failed_gets_its_time(ftpc, daemon, tree):
    (daemon.root / "partly/d/b").mkdir(parents=True)
    ftpc.run("put", "tree", "-t", "partly", code=6)
    stored = times(daemon.root / "partly")
    assert {name: stored[name] for name in times(tree)} == times(tree)
    (ftpc.folder / "back/partly/a/in").mkdir(parents=True)
    set_times(daemon.root / "partly", first=3)
    ftpc.run("get", "partly", "-o", "back/", code=6)
    got = times(ftpc.folder / "back/partly")
    assert {name: got[name] for name in times(daemon.root / "partly")} == times(daemon.root / "partly")


def test_folders_that_their_owner_may_not_use_get_their_times(ftpc, daemon):
    top = fill(daemon.root / "locked", ["in/file", "in/deeper/file"])
    set_times(top)
    wanted = times(top)
    os.chmod(top / "in/deeper", 0o500)
    os.chmod(top / "in", 0o500)
    ftpc.ok("get", "locked")
    assert times(ftpc.folder / "locked") == wanted
    for path in (top / "in", top / "in/deeper", ftpc.folder / "locked/in", ftpc.folder / "locked/in/deeper"):
        os.chmod(path, 0o700)


def test_json_and_the_summary_tell_of_files_alone(ftpc, daemon, tree):
    lines = ftpc.ok("--json", "put", "tree", "-t", "told").lines()
    assert sorted(line["name"] for line in lines if line["type"] == "file") == ["tree/a", "tree/d/b", "tree/d/e/c", "tree/p/q/r/s/t/u/v/w/deep"]
    lines = ftpc.ok("--json", "get", "told", "-o", "back/").lines()
    assert len([line for line in lines if line["type"] == "file"]) == 4


# --- rights


def test_who_may_make_no_folder_stores_files_and_sets_no_times(make_daemon, make_client, tmp_path):
    accounts = Accounts(tmp_path / "accounts")
    accounts.add("anna", kPassword)
    rules = {"user anna": {"allow": "/: list; box: list put overwrite; box/own: list put mkdir"}}
    daemon = make_daemon(start=False, config={**accounts.config(), **rules})
    for name in ("d", "own", "none"):
        (daemon.root / "box" / name).mkdir(parents=True)
    set_times(daemon.root / "box", first=1_000_000_000)
    before = times(daemon.root / "box")
    daemon.start()
    client = make_client(daemon.server)
    top = set_times(fill(client.folder / "tree", ["a", "d/b", "own/c", "own/none/", "none/"]))
    login = ("--user", "anna", "--password-file", accounts.secret(kPassword))
    for _ in range(2):
        done = client.ok(*login, "put", "tree", "-t", "box")
        assert done.err == b""
        after = times(daemon.root / "box")
        assert after["none"] == before["none"]
        assert after["d"] not in (before["d"], times(top)["d"])
        assert {name: after[name] for name in ("own", "own/none")} == {name: times(top)[name] for name in ("own", "own/none")}


def test_a_target_that_is_read_only_refuses_the_times_as_well(make_daemon, make_client, tmp_path):
    fill(tmp_path / "fixed", ["tree/d/b"])
    os.utime(tmp_path / "fixed/tree/d/b", ns=(kTime, kTime))
    daemon = make_daemon(config={"root fixed": {"path": tmp_path / "fixed", "read_only": "yes"}})
    set_times(tmp_path / "fixed", first=1)
    before = times(tmp_path / "fixed")
    client = make_client(daemon.server)
    shutil.copytree(tmp_path / "fixed/tree", client.folder / "tree")
    set_times(client.folder / "tree")
    client.ok("put", "tree", "-t", "fixed/")  # nothing is needed
    assert times(tmp_path / "fixed") == before
    client.ok("get", "fixed/tree", "-o", "back/")
    assert times(client.folder / "back/tree") == times(tmp_path / "fixed/tree")


def test_a_root_that_is_a_folder_of_several_gets_its_time_and_what_may_not_be_seen_tells_none(make_daemon, make_client, tmp_path):
    for name in ("work", "pub"):
        (tmp_path / name).mkdir()
    daemon = make_daemon(config={"root work": {"path": tmp_path / "work"}, "root pub": {"path": tmp_path / "pub"}})
    client = make_client(daemon.server)
    top = set_times(fill(client.folder / "work", ["a", "d/b"]))
    client.ok("put", "work", "-t", "work")
    assert times(tmp_path / "work") == times(top)
    client.ok("get", "/", "-o", "all")
    assert times(client.folder / "all/work") == times(top)


# --- other servers


class NoFolders(TinyServer):
    """Knows no mkdir, as the smallest servers do."""

    def on_mkdir(self, peer, request):
        self.on_unknown(peer, request)


@pytest.mark.parametrize("kind", [TinyServer, NoFolders])
def test_a_server_that_knows_nothing_of_times_stores_all_the_same(make_client, kind):
    with kind() as server:
        client = make_client(server.server)
        set_times(fill(client.folder / "tree", ["a", "d/b"]))
        client.ok("put", "tree")
        assert set(server.files) == {"tree/a", "tree/d/b"}


class OddTimes(TinyServer):
    """A folder whose listed time is what the test says."""

    def __init__(self, time):
        super().__init__({"top/in/a": b"a"})
        self.time = time

    def on_list(self, peer, request):
        name = request.get("filename", "")
        if name != "top":
            return super().on_list(peer, request)
        entry = {"name": "in", "type": "dir", "size": 0, "mtime": 0, "mtime_ns": self.time, "mode": 0o755}
        self.reply(peer, request, filename=name, entries=[entry])


@pytest.mark.parametrize("time", [2**63 - 1, -(2**63), -1, 0])
def test_absurd_times_of_folders_are_taken_as_the_file_system_can(make_client, time):
    with OddTimes(time) as server:
        client = make_client(server.server)
        probe = client.folder / "probe"
        probe.mkdir()
        os.utime(probe, ns=(0, time))
        client.ok("get", "top/")
        assert (client.folder / "top/in").stat().st_mtime_ns == probe.stat().st_mtime_ns
        assert (client.folder / "top/in/a").read_bytes() == b"a"


@pytest.mark.parametrize("time", [2**63, -(2**63) - 1, "7", 1.5, None, [1]])
def test_times_of_folders_that_are_no_times_are_a_breach_of_the_protocol(make_client, time):
    with OddTimes(time) as server:
        client = make_client(server.server)
        client.run("get", "top/", code=17)


def test_a_folder_whose_time_is_not_told_has_that_of_its_making(make_client):
    class Untold(OddTimes):
        def on_list(self, peer, request):
            name = request.get("filename", "")
            if name != "top":
                return super().on_list(peer, request)
            self.reply(peer, request, filename=name, entries=[{"name": "in", "type": "dir", "size": 0, "mode": 0o755}])

    with Untold(0) as server:
        client = make_client(server.server)
        client.ok("get", "top/")
        assert (client.folder / "top/in").stat().st_mtime_ns > kTime
