"""What the operands of ftpc name: servers, remote names written like local ones, and which of them a failure is about."""

import pytest


@pytest.fixture
def stored(ftpc, daemon):
    (daemon.root / "d").mkdir(exist_ok=True)
    (daemon.root / "d/a.txt").write_bytes(b"a")
    (daemon.root / "top").write_bytes(b"top")
    (ftpc.folder / "f").write_bytes(b"f")


def test_remote_names_may_begin_with_a_dot_and_a_slash(ftpc, daemon, stored):
    ftpc.ok("get", "./d/a.txt")
    assert (ftpc.folder / "a.txt").read_bytes() == b"a"
    for root in (".", "./", "././"):
        assert ftpc.ok("ls", root).out == ftpc.ok("ls").out
    assert b"a.txt" in ftpc.ok("ls", "./d").out
    assert ftpc.ok("stat", ".").out == ftpc.ok("stat", "/").out
    ftpc.ok("sum", "././d/a.txt")
    ftpc.ok("put", "f", "-t", "./")
    ftpc.ok("put", "f", "-t", "./g")
    ftpc.ok("put", "f", f"{ftpc.server}:./h")
    assert all((daemon.root / name).read_bytes() == b"f" for name in "fgh")
    ftpc.ok("mkdir", "./m")
    ftpc.ok("mv", "./g", "./m/g")
    ftpc.ok("mv", "m/g", ".")
    ftpc.ok("rm", "./g")
    assert sorted(path.name for path in (daemon.root / "m").iterdir()) == [] and not (daemon.root / "g").exists()
    ftpc.ok("get", ".", "-o", "all")
    assert (ftpc.folder / "all/d/a.txt").read_bytes() == b"a"


def test_the_root_among_other_names_of_a_get_is_refused_before_anything_is_fetched(ftpc, daemon, stored):
    (ftpc.folder / "top").write_bytes(b"mine")
    for root in (".", "./", "././.", "/"):
        for words in ((root, "d/a.txt"), ("d/a.txt", root), ("d/a.txt", root, "-o", "into/")):
            err = ftpc.run("get", *words, code=2).err
            assert b"leave it out" in err and b"-o FOLDER/" in err
    assert sorted(path.name for path in ftpc.folder.iterdir()) == ["f", "top"]
    assert (ftpc.folder / "top").read_bytes() == b"mine"
    ftpc.ok("get", ".")
    assert (ftpc.folder / "top").read_bytes() == b"top" and (ftpc.folder / "d/a.txt").exists()


def test_dots_elsewhere_in_a_remote_name_are_refused(ftpc, daemon, stored):
    for name in ("../top", "./../top", "d/./a.txt", "d/../top", "..", "d/.", ".//top"):
        ftpc.run("get", name, code=18)
    ftpc.run("put", "f", "-t", "./../f", code=18)
    for words in (["rm", "-r", "."], ["mkdir", "./"], ["mv", ".", "x"]):
        assert b"not the root" in ftpc.run(*words, code=2).err
    assert (daemon.root / "d/a.txt").exists()


def test_a_put_never_goes_to_another_server_than_the_one_that_s_names(ftpc, daemon, stored, make_client):
    host, port = ftpc.server.split(":")
    done = ftpc.run("put", "f", f"localhost:{port}:other", code=2)
    assert f"-s names {ftpc.server}".encode() in done.err and b"localhost" in done.err
    assert not (daemon.root / "other").exists()
    ftpc.ok("put", "f", f"{host}:{port}:same")
    ftpc.ok("put", "f", f"{host}:same2")
    assert (daemon.root / "same2").exists()
    by_variable = make_client()
    (by_variable.folder / "f").write_bytes(b"f")
    by_variable.ok("put", "f", f"localhost:{port}:third", env={"FTPC_SERVER": "nowhere.example"})
    assert (daemon.root / "third").exists()


def test_two_targets_of_a_put_are_told(ftpc, stored):
    err = ftpc.run("put", "f", "127.0.0.1:q/", "-t", "z", code=2).err
    assert b"127.0.0.1:q/" in err and b"-t 'z'" in err and b"several" not in err


def test_a_failed_mv_names_its_operand_first(ftpc, stored):
    assert ftpc.run("mv", "nothing", "x", code=4).err.startswith(b"ftpc: nothing: not found")
    assert ftpc.run("mv", "d/../top", "x", code=18).err.startswith(b"ftpc: d/../top: ")
    assert ftpc.run("--no-clobber", "mv", "d/a.txt", "top", code=13).err.startswith(b"ftpc: top: exists")
    assert ftpc.run("--json", "mv", "nothing", "x", code=4).lines()[-1]["name"] == "nothing"


def test_what_was_refused_comes_with_what_to_try(ftpc, daemon, stored):
    (daemon.root / "full/in").mkdir(parents=True)
    (ftpc.folder / "a.txt").write_bytes(b"a")
    for words, code, hint in ((("get", "top", "other"), 6, b"; to fetch under another name: -o other"),
                              (("get", "top", "other/"), 6, b"; to fetch under another name: -o other/"),
                              (("put", "f", "other"), 6, b"; to store under another name: -t other"),
                              (("get", "t*"), 4, b"; names on the server are taken literally, not as patterns"),
                              (("ls", "*.txt"), 4, b"; names on the server are taken literally, not as patterns"),
                              (("mkdir", "x/y/z"), 4, b"; -p makes missing folders"),
                              (("mv", "top", "full"), 1, b"; to move it into that folder: ftpc mv top full/"),
                              (("rm", "full"), 1, b"; -r removes all that is in it, too")):
        assert ftpc.run(*words, code=code).err.rstrip().endswith(hint)
        told = ftpc.run("--json", *words, code=code)
        assert hint not in told.out and any(line["type"] == "error" for line in told.lines())


def test_a_wrong_server_in_the_configuration_stops_only_who_uses_it(ftpc, make_client):
    config = ftpc.home / "config/ftpc/config"
    config.parent.mkdir(parents=True)
    config.write_text("[default]\n\nserver = a:b\n")
    ftpc.ok("ping")
    ftpc.server = None
    assert f"{config}:3: server 'a:b'".encode() in ftpc.run("ping", code=2).err
