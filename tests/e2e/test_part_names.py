"""Names of the form .NAME.ftpc-part belong to ftpc: what they hold never becomes another file, and does not travel with folders."""

import os

import pytest

from test_trees import content

kNotice = b"named .*.ftpc-part"
# Both orders of a file and of the name of its part, however a folder is listed: "!" and "-" come before ".".
kNames = ["!first", "-dash", "big", "a", "Zed", "m1", "m2", "m3", "文", "x" * 200]


def part_of(name):
    return f".{name}.ftpc-part"


def fill(top):
    """Files of all sizes, each with a file in the place of its part; the bytes of the former."""
    top.mkdir(parents=True)
    wanted = {}
    for n, name in enumerate(kNames):
        wanted[name] = os.urandom(3_000_000 if n < 3 else 200_000 if n < 6 else 10)
        (top / name).write_bytes(wanted[name])
        (top / part_of(name)).write_bytes(b"mine " + name.encode())
    return wanted


def warnings(result):
    return [line["message"] for line in result.lines() if line["type"] == "warning"]


@pytest.mark.parametrize("connections", ["1", "4"])
def test_a_file_is_never_given_what_the_file_in_the_place_of_its_part_holds(ftpc, daemon, connections):
    folder = f"col{connections}"
    wanted = fill(daemon.root / folder)
    done = ftpc.ok("--connections", connections, "get", folder, "-o", "out/")
    assert content(ftpc.folder / "out" / folder) == wanted
    assert done.err.count(kNotice) == 1 and f"{len(kNames)} files".encode() in done.err
    again = ftpc.ok("get", folder, "-o", "out/", "--json")
    assert len(warnings(again)) == 1
    assert content(ftpc.folder / "out" / folder) == wanted


def test_what_a_cut_get_has_left_is_not_stored_with_its_folder(ftpc, daemon):
    wanted = fill(ftpc.folder / "one/deep")
    fill(ftpc.folder / "two")
    (ftpc.folder / "two" / part_of("folder")).mkdir()
    (ftpc.folder / "two" / part_of("folder") / "in").write_bytes(b"in")
    done = ftpc.ok("put", "one", "two")
    assert done.err.count(kNotice) == 1 and f"{2 * len(kNames)} files".encode() in done.err
    assert content(daemon.root / "one/deep") == wanted
    assert content(daemon.root / "two")[part_of("folder") + "/in"] == b"in"
    assert len(warnings(ftpc.ok("--json", "put", "two"))) == 1
    assert kNotice not in ftpc.ok("-q", "put", "two").err


def test_a_get_into_the_name_of_a_part_is_refused_before_anything_comes(ftpc, daemon):
    (daemon.root / "named").mkdir()
    (daemon.root / "named/big").write_bytes(b"big")
    (daemon.root / "named" / part_of("big")).write_bytes(b"mine")
    part = f"named/{part_of('big')}"
    for words in ([part], [part, "named/big"], ["named/big", part], ["named/big", "-o", part_of("x")], [part, "-o", "sub/"]):
        done = ftpc.run("get", *words, code=18)
        assert b"ftpc-part" in done.err and b"-o" in done.err, done.err
        assert content(ftpc.folder) == {}
    ftpc.ok("get", part, "-o", "other")
    assert (ftpc.folder / "other").read_bytes() == b"mine"
    assert ftpc.ok("get", part, "-o", "-").out == b"mine"


def test_a_file_of_such_a_name_that_is_named_is_stored(ftpc, daemon):
    (ftpc.folder / part_of("kept")).write_bytes(b"kept")
    done = ftpc.ok("put", part_of("kept"))
    assert (daemon.root / part_of("kept")).read_bytes() == b"kept" and kNotice not in done.err
