"""Folders go both ways with everything in them: names, bytes, times, modes, and what is empty."""

import os
import stat

import pytest

from support.fault_proxy import Fault, FaultProxy

kTime = 1_234_567_890_123_456_789


def tree(top):
    """A folder with one of each kind."""
    files = {"a.txt": b"a", "empty": b"", "sub/b.bin": os.urandom(40_000), "sub/deep/er/c": b"c" * 9000, "with space/文.txt": b"x",
             "big": os.urandom(2_500_000), ".hidden": b"h", "sub/.ftpd": b"not the daemon's"}
    for name, data in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.chmod(path, 0o640 if len(data) % 2 else 0o755)
        os.utime(path, ns=(kTime, kTime + len(data)))
    (top / "hollow/inner").mkdir(parents=True)
    return top


def content(top):
    """{relative name: bytes, or None for a folder} of everything below."""
    found = {}
    for folder, folders, files in os.walk(top):
        for name in folders:
            found[os.path.relpath(os.path.join(folder, name), top)] = None
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                found[os.path.relpath(os.path.join(folder, name), top)] = file.read()
    return found


def metadata(top):
    return {os.path.relpath(path, top): (path.stat().st_mtime_ns, stat.S_IMODE(path.stat().st_mode))
            for path in top.rglob("*") if path.is_file()}


@pytest.fixture
def source(ftpc):
    return tree(ftpc.folder / "tree")


def test_a_folder_goes_there_and_back_with_times_and_modes(ftpc, daemon, source):
    ftpc.ok("put", "tree", "-t", "both/")
    stored = daemon.root / "both/tree"
    assert content(stored) == content(source)
    assert metadata(stored) == metadata(source)
    ftpc.ok("get", "both/tree", "-o", "back/")
    assert content(ftpc.folder / "back/tree") == content(source)
    assert metadata(ftpc.folder / "back/tree") == metadata(source)


@pytest.fixture
def many(ftpc):
    """More folders than one connection makes, at several depths, some empty and some with a file."""
    top = ftpc.folder / "many"
    for i in range(40):
        for k in range(40):
            (top / f"group{i:02}/sub{k % 3}/leaf{k:02}/deep").mkdir(parents=True)
        (top / f"group{i:02}/file").write_bytes(b"%d" % i)
    return top


def test_many_folders_over_several_connections_are_all_there_and_come_back(ftpc, daemon, many):
    ftpc.ok("put", "many", "-t", "there/")
    assert content(daemon.root / "there/many") == content(many)
    ftpc.ok("put", "many", "-t", "there/")
    ftpc.ok("get", "there/many", "-o", "back/")
    assert content(ftpc.folder / "back/many") == content(many)


def test_a_folder_that_cannot_be_made_is_told_and_the_others_are_made(ftpc, daemon, many):
    blocked = "blocked/many/group07/sub1/leaf01/deep"
    (daemon.root / blocked).parent.mkdir(parents=True)
    (daemon.root / blocked).write_bytes(b"in the way")
    done = ftpc.run("put", "many", "-t", "blocked/", code=6)
    assert b"group07/sub1/leaf01/deep" in done.err
    assert (daemon.root / blocked).read_bytes() == b"in the way"
    expected = content(many)
    expected["group07/sub1/leaf01/deep"] = b"in the way"
    assert content(daemon.root / "blocked/many") == expected


@pytest.mark.parametrize("named", ["tree", "tree/"])
def test_a_folder_that_is_refused_is_told_by_its_local_path(ftpc, daemon, source, named):
    (daemon.root / "refused/tree/hollow").mkdir(parents=True, exist_ok=True)
    (daemon.root / "refused/tree/hollow/inner").write_bytes(b"in the way")
    told = ftpc.run("put", named, "-t", "refused/", code=6).err
    assert b"tree/hollow/inner" in told and b"//" not in told


def test_a_single_file_keeps_its_time_and_mode_too(ftpc, daemon, source):
    ftpc.ok("put", "tree/a.txt", "-t", "single")
    found = (daemon.root / "single").stat()
    assert (found.st_mtime_ns, stat.S_IMODE(found.st_mode)) == (kTime + 1, 0o640)
    ftpc.ok("get", "single", "-o", "one")
    found = (ftpc.folder / "one").stat()
    assert (found.st_mtime_ns, stat.S_IMODE(found.st_mode)) == (kTime + 1, 0o640)


def test_set_user_id_bits_do_not_travel(ftpc, daemon, source):
    os.chmod(source / "a.txt", 0o6755)
    ftpc.ok("put", "tree/a.txt", "-t", "bits")
    assert stat.S_IMODE((daemon.root / "bits").stat().st_mode) == 0o755
    os.chmod(daemon.root / "bits", 0o6755)
    ftpc.ok("get", "bits")
    assert stat.S_IMODE((ftpc.folder / "bits").stat().st_mode) == 0o755


def test_a_folder_put_again_is_the_same_and_what_changed_is_replaced(ftpc, daemon, source):
    ftpc.ok("put", "tree", "-t", "again/")
    (source / "a.txt").write_bytes(b"changed")
    (source / "new").write_bytes(b"new")
    ftpc.ok("put", "tree", "-t", "again/")
    assert content(daemon.root / "again/tree") == content(source)


def test_a_folder_got_again_is_the_same_and_what_changed_is_replaced(ftpc, daemon, source):
    ftpc.ok("put", "tree", "-t", "got/")
    ftpc.ok("get", "got/tree")
    (daemon.root / "got/tree/a.txt").write_bytes(b"changed there")
    ftpc.ok("get", "got/tree")
    assert (source / "a.txt").read_bytes() == b"changed there"
    assert content(source) == content(daemon.root / "got/tree")


def test_a_file_that_cannot_be_stored_is_told_and_the_others_are_done(ftpc, daemon, source):
    (daemon.root / "partly/tree/a.txt").mkdir(parents=True)
    result = ftpc.run("put", "tree", "-t", "partly/", code=6)
    assert b"a.txt" in result.err
    assert (daemon.root / "partly/tree/sub/b.bin").read_bytes() == (source / "sub/b.bin").read_bytes()


def test_links_in_a_folder_are_never_followed_out_of_it(ftpc, daemon, source, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_bytes(b"secret")
    (source / "to_folder").symlink_to(tmp_path / "outside")
    (source / "loop").symlink_to("..")
    result = ftpc.run("put", "tree", "-t", "links/")
    assert result.code in (0, 6)
    assert "links/tree/a.txt" in daemon.visible()
    assert not any("secret" in name or name.count("tree") > 1 for name in daemon.visible())


def test_a_local_link_in_the_place_of_a_folder_is_not_written_through(ftpc, daemon, source, tmp_path):
    ftpc.ok("put", "tree", "-t", "through/")
    outside = tmp_path / "outside"
    outside.mkdir()
    (ftpc.folder / "into/tree").mkdir(parents=True)
    (ftpc.folder / "into/tree/sub").symlink_to(outside)
    ftpc.run("get", "through/tree", "-o", "into/")
    assert list(outside.iterdir()) == []


def test_a_large_folder_goes_both_ways_whole(ftpc, daemon):
    folder = ftpc.folder / "wide"
    for n in range(1500):
        path = folder / f"d{n % 20}" / f"f{n}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % n * (n % 50))
    ftpc.ok("put", "wide")
    assert content(daemon.root / "wide") == content(folder)
    ftpc.ok("get", "wide", "-o", "back/")
    assert content(ftpc.folder / "back/wide") == content(folder)


def test_a_folder_that_is_empty_goes_both_ways(ftpc, daemon):
    (ftpc.folder / "nothing").mkdir()
    ftpc.ok("put", "nothing")
    assert (daemon.root / "nothing").is_dir()
    ftpc.ok("get", "nothing", "-o", "back/")
    assert (ftpc.folder / "back/nothing").is_dir()


def test_a_folder_got_to_a_name_again_is_that_folder_and_comes_from_the_server_once(ftpc, daemon, source):
    ftpc.ok("put", "tree", "-t", "once/")
    ftpc.ok("get", "once/tree", "-o", "mine")
    assert content(ftpc.folder / "mine") == content(source)
    for words in (["once/tree"], ["once/tree/"], ["--no-clobber", "once/tree"], ["--checksum", "once/tree"]):
        assert set(told(ftpc.ok("--json", "get", *words, "-o", "mine")).values()) == {"unchanged"}
        assert content(ftpc.folder / "mine") == content(source)
    (ftpc.folder / "mine/tree").write_bytes(b"a file of the name of the folder")
    ftpc.ok("get", "--no-clobber", "once/tree", "-o", "mine")
    os.unlink(ftpc.folder / "mine/tree")
    (ftpc.folder / "mine/tree").mkdir()
    ftpc.ok("get", "once/tree", "-o", "mine")
    assert list((ftpc.folder / "mine/tree").iterdir()) == []


def test_a_folder_goes_into_a_folder_that_is_named_as_one_and_so_does_a_file_into_any(ftpc, daemon, source):
    ftpc.ok("put", "tree", "-t", "within/")
    for name in ("slash/", "dot/."):
        (ftpc.folder / name).mkdir(parents=True)
        ftpc.ok("get", "within/tree", "-o", name)
        assert content(ftpc.folder / name / "tree") == content(source)
    ftpc.ok("get", "within/tree/a.txt", "-o", "slash")
    assert (ftpc.folder / "slash/a.txt").read_bytes() == b"a"
    ftpc.ok("get", "within/tree/a.txt", "within/tree/sub", "-o", "dot")
    assert (ftpc.folder / "dot/a.txt").read_bytes() == b"a" and (ftpc.folder / "dot/sub/b.bin").exists()


def test_a_folder_got_to_a_name_that_was_cut_goes_on_where_it_was(make_client, make_daemon):
    daemon = make_daemon()
    top = daemon.root / "long"
    top.mkdir()
    for n in range(3):
        (top / f"f{n}").write_bytes(os.urandom(4_000_000))
    with FaultProxy(daemon.address, [Fault(direction="down", cut_after=6_500_000), Fault()]) as proxy:
        client = make_client(proxy.server)
        client.run("--retry", "0", "--connections", "1", "get", "long", "-o", "here", code=5)
        done = client.ok("--connections", "1", "--json", "get", "long", "-o", "here").lines()[-1]
    assert content(client.folder / "here") == content(top)
    assert done["resumed"] > 0 or done["unchanged"] > 0
    assert done["moved"] < 8_000_000


def test_put_of_the_present_folder_stores_what_is_in_it(ftpc, daemon, source):
    ftpc.ok("put", ".", "-t", "dot/")
    assert any(name.endswith("tree/sub/b.bin") for name in daemon.visible() if name.startswith("dot/"))


# --- permission bits of folders, and of what is unchanged


def modes(top):
    """{relative name: permission bits} of the folder and of every folder in it."""
    return {os.path.relpath(path, top): stat.S_IMODE(path.stat().st_mode)
            for path in (top, *top.rglob("*")) if path.is_dir()}


@pytest.fixture
def private(ftpc):
    """A folder with folders of several bits, with files in them and empty."""
    top = ftpc.folder / "private"
    for name, mode in (("", 0o700), ("open", 0o755), ("open/group", 0o770), ("open/group/deep", 0o711), ("none", 0o750)):
        (top / name).mkdir(exist_ok=True)
        if name != "none":
            (top / name / "file").write_bytes(name.encode())
        os.chmod(top / name, mode)
    return top


def test_permission_bits_of_folders_travel_both_ways(ftpc, daemon, private):
    ftpc.ok("put", "private", "-t", "dirs/")
    assert modes(daemon.root / "dirs/private") == modes(private)
    assert content(daemon.root / "dirs/private") == content(private)
    before = os.umask(0o027)
    try:
        ftpc.ok("get", "dirs/private", "-o", "back/")
    finally:
        os.umask(before)
    assert modes(ftpc.folder / "back/private") == modes(private)
    assert content(ftpc.folder / "back/private") == content(private)
    ftpc.ok("get", "dirs/private/", "-o", "named/deeper")
    assert modes(ftpc.folder / "named/deeper") == modes(private)


def test_a_folder_that_is_there_keeps_its_bits(ftpc, daemon, private):
    (daemon.root / "kept/private/open").mkdir(parents=True)
    os.chmod(daemon.root / "kept/private", 0o751)
    ftpc.ok("put", "private", "-t", "kept/")
    found = modes(daemon.root / "kept/private")
    assert (found["."], found["open/group"], found["none"]) == (0o751, 0o770, 0o750)
    (ftpc.folder / "into/private").mkdir(parents=True)
    os.chmod(ftpc.folder / "into/private", 0o705)
    ftpc.ok("get", "kept/private", "-o", "into/")
    assert modes(ftpc.folder / "into/private") == {**found, ".": 0o705}


def test_many_private_folders_get_their_bits_over_several_connections(ftpc, daemon, many):
    os.chmod(many, 0o700)
    for path in many.rglob("*"):
        if path.is_dir() and path.name != "deep":
            os.chmod(path, 0o770)
    ftpc.ok("--connections", "4", "put", "many", "-t", "mine/")
    assert modes(daemon.root / "mine/many") == modes(many)
    assert content(daemon.root / "mine/many") == content(many)


def test_a_folder_without_rights_for_its_owner_travels_and_stays_usable_on_the_server(ftpc, daemon):
    (ftpc.folder / "locked/inner").mkdir(parents=True)
    (ftpc.folder / "locked/inner/file").write_bytes(b"x")
    os.chmod(ftpc.folder / "locked/inner", 0o550)
    ftpc.ok("put", "locked")
    assert modes(daemon.root / "locked")["inner"] == 0o750
    os.chmod(daemon.root / "locked/inner", 0o500)
    os.chmod(daemon.root / "locked", 0o550)
    ftpc.ok("get", "locked", "-o", "back")
    assert modes(ftpc.folder / "back") == {".": 0o550, "inner": 0o500}
    assert content(ftpc.folder / "back") == {"inner": None, "inner/file": b"x"}
    for folder in (ftpc.folder / "back", daemon.root / "locked"):
        os.chmod(folder, 0o700)
        os.chmod(folder / "inner", 0o700)


def told(result):
    """{base name: state} of the files that a run tells of."""
    return {os.path.basename(line["name"]): line["state"] for line in result.lines() if line["type"] == "file"}


def test_a_change_of_bits_alone_travels_with_a_folder(ftpc, daemon, source):
    ftpc.ok("put", "tree", "-t", "mode/")
    os.chmod(source / "a.txt", 0o600)
    states = told(ftpc.ok("--json", "put", "tree", "-t", "mode/"))
    assert states.pop("a.txt") == "done" and set(states.values()) == {"unchanged"}
    assert metadata(daemon.root / "mode/tree") == metadata(source)
    assert set(told(ftpc.ok("--json", "put", "tree", "-t", "mode/")).values()) == {"unchanged"}
    os.chmod(daemon.root / "mode/tree/a.txt", 0o604)
    ftpc.ok("get", "--no-clobber", "mode/tree")
    assert stat.S_IMODE((source / "a.txt").stat().st_mode) == 0o600
    assert set(told(ftpc.ok("--json", "get", "mode/tree")).values()) == {"unchanged"}
    assert metadata(source) == metadata(daemon.root / "mode/tree")
    os.chmod(daemon.root / "mode/tree/a.txt", 0o640)
    ftpc.ok("get", "--checksum", "mode/tree")
    assert metadata(source) == metadata(daemon.root / "mode/tree")


def test_a_change_of_bits_alone_travels_with_a_large_file(ftpc, daemon):
    large = ftpc.folder / "large/w"
    large.parent.mkdir()
    large.write_bytes(os.urandom(1_048_577))
    for local, remote in (("large/w", "w"), ("large", "large/w")):
        os.chmod(large, 0o666)
        ftpc.ok("put", local)
        stored = daemon.root / remote
        before = stored.stat()
        for mode in (0o600, 0o644):
            os.chmod(large, mode)
            ftpc.ok("put", local)
            assert stat.S_IMODE(stored.stat().st_mode) == mode
            assert stored.stat().st_ino == before.st_ino, "the bytes were not sent again"
        again = ftpc.ok("--json", "put", local)
        assert [line.get("moved", 0) for line in again.lines() if line["type"] == "file"] == [0]
        assert stored.read_bytes() == large.read_bytes()


def test_bits_that_a_root_takes_away_make_nothing_needed_again(make_daemon, make_client, tmp_path):
    (tmp_path / "work").mkdir()
    daemon = make_daemon(config={"root work": {"path": tmp_path / "work", "umask": "027"}})
    client = make_client(daemon.server)
    top = tree(client.folder / "tree")
    os.chmod(top / "sub", 0o777)
    client.ok("put", "tree", "-t", "work/")
    assert modes(tmp_path / "work/tree")["sub"] == 0o750
    assert set(told(client.ok("--json", "put", "tree", "-t", "work/")).values()) == {"unchanged"}
    os.chmod(top / "a.txt", 0o400)
    assert told(client.ok("--json", "put", "tree", "-t", "work/"))["a.txt"] == "done"
    assert set(told(client.ok("--json", "put", "tree", "-t", "work/")).values()) == {"unchanged"}


def test_no_clobber_brings_what_is_missing_of_a_folder_and_replaces_nothing(ftpc, daemon, source):
    ftpc.ok("put", "tree", "-t", "some/")
    os.unlink(source / "sub/b.bin")
    (source / "a.txt").write_bytes(b"mine")
    os.chmod(source / "empty", 0o600)
    done = ftpc.run("get", "--no-clobber", "some/tree", code=6)
    assert b"a.txt" in done.err and b"exists" in done.err
    assert (source / "a.txt").read_bytes() == b"mine"
    assert (source / "sub/b.bin").read_bytes() == (daemon.root / "some/tree/sub/b.bin").read_bytes()
    (source / "more").write_bytes(b"more")
    ftpc.run("put", "--no-clobber", "tree", "-t", "some/", code=6)
    assert (daemon.root / "some/tree/more").read_bytes() == b"more"
    assert (daemon.root / "some/tree/a.txt").read_bytes() == b"a"
    (source / "file").mkdir()
    ftpc.ok("put", "tree/more", "-t", "some/file")
    ftpc.run("get", "--no-clobber", "some/file", "-o", "tree/", code=13)
