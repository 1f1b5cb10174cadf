"""Names of every kind go there and back as they are, and reach a terminal escaped."""

import os

import pytest

kNames = ["plain.txt", "with space", " lead", "trail ", "文件传输.txt", "ファイル", "파일", "🚀🧪", "e\u0301 and \u00e9", "-rf", "--help", "100%", "%41%2f",
          "a'b\"c", "$HOME `id`", "*?[x]", "semi;colon&amp", "#hash", "~tilde", ".hidden", "...", "a=b", "x" * 255, "界" * 85, "deep/er/and/deeper",
          "空 間/ファ イル", "colon:name", "@at", "a,b", "tail."]


def ids(name):
    return ascii(name)[:30]


@pytest.mark.parametrize("name", kNames, ids=ids)
def test_a_name_goes_there_and_back(ftpc, daemon, name):
    data = name.encode() * 3
    source = ftpc.folder / "in" / name
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(data)
    ftpc.ok("put", f"in/{name}", "-t", "names/")
    base = os.path.basename(name)
    assert (daemon.root / "names" / base).read_bytes() == data
    ftpc.ok("get", f"names/{base}", "-o", "back/")
    assert (ftpc.folder / "back" / base).read_bytes() == data
    ftpc.ok("mv", f"names/{base}", f"moved/{name}")
    assert (daemon.root / "moved" / name).read_bytes() == data
    ftpc.ok("rm", f"moved/{name}")
    assert not (daemon.root / "moved" / name).exists()


@pytest.mark.parametrize("name", ["-rf", "--help", "-"], ids=ids)
def test_a_leading_dash_is_a_name_after_two_dashes(ftpc, daemon, name):
    (ftpc.folder / "d").mkdir()
    (ftpc.folder / "d" / name).write_bytes(b"dash")
    ftpc.ok("put", f"d/{name}")
    assert (daemon.root / name).read_bytes() == b"dash"
    if name != "-":
        ftpc.ok("get", "--", name)
        assert (ftpc.folder / name).read_bytes() == b"dash"
        ftpc.ok("rm", "--", name)


@pytest.mark.parametrize("size", [254, 255])
def test_the_longest_name_is_stored_with_a_cut_and_a_resume_like_any_other(ftpc, daemon, size):
    name = "n" * size
    data = os.urandom(2_000_000)
    (ftpc.folder / name).write_bytes(data)
    ftpc.ok("put", name)
    assert (daemon.root / name).read_bytes() == data
    (ftpc.folder / name).unlink()
    ftpc.ok("get", name)
    assert (ftpc.folder / name).read_bytes() == data


@pytest.mark.parametrize("name", ["line\nfeed", "esc\x1b[31mred", "bell\x07", "csi\u009b31m", "rtl\u202egnp.exe", "sep\u2028arator"], ids=ids)
def test_ls_shows_planted_names_escaped_and_stays_one_line_each(make_daemon, make_client, name):
    daemon = make_daemon()
    (daemon.root / "box").mkdir()
    (daemon.root / "box" / name).write_bytes(b"x")
    for options in ([], ["-l"], ["-R"]):
        result = make_client(daemon.server).ok("ls", *options, "box")
        text = result.out.decode()
        assert [character for character in text if character != "\n" and not character.isprintable()] == []
        assert "feed" not in text.splitlines()


def test_a_name_that_is_not_utf8_on_the_disk_harms_no_list(make_daemon, make_client):
    daemon = make_daemon()
    with open(os.fsencode(daemon.root) + b"/bad\xff\xfename", "wb") as file:
        file.write(b"x")
    (daemon.root / "good").write_bytes(b"x")
    result = make_client(daemon.server).ok("ls")
    assert b"good" in result.out and b"\xff" not in result.out


def test_a_local_name_that_is_not_utf8_is_refused_by_its_name_and_the_others_are_done(ftpc, daemon):
    folder = ftpc.folder / "mixed"
    folder.mkdir()
    with open(os.fsencode(folder) + b"/bad\xff", "wb") as file:
        file.write(b"x")
    (folder / "good").write_bytes(b"good")
    result = ftpc.run("put", "mixed", code=6)
    assert (daemon.root / "mixed/good").read_bytes() == b"good"
    assert b"\xff" not in result.err and result.err != b""
