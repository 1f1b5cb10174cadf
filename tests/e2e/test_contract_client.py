"""What scripts and people rely on when they call ftpc: verbs, options, and what goes to which stream."""

import os
import stat

import pytest

from support.client import kRunDeadline
from support.terminal import Terminal
from support.waiting import wait_until
from support.wire import md5

kData = os.urandom(50000)


@pytest.fixture
def local(ftpc):
    """local(name, data=kData) writes a file into the client's folder; returns its path."""
    def write(name, data=kData):
        path = ftpc.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path
    return write


@pytest.fixture
def remote(daemon, request):
    """remote(name, data=kData) puts a file under the root; returns its name, in a folder of the test's own."""
    def write(name, data=kData):
        path = daemon.root / request.node.name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return f"{request.node.name}/{name}"
    return write


def test_put_keeps_the_base_name_and_get_writes_it_here(ftpc, local, daemon):
    local("sub/base.bin")
    ftpc.ok("put", "sub/base.bin")
    assert (daemon.root / "base.bin").read_bytes() == kData
    ftpc.ok("get", "base.bin")
    assert (ftpc.folder / "base.bin").read_bytes() == kData


def test_put_to_a_name_and_to_a_folder_that_is_made(ftpc, local, daemon):
    local("t.bin")
    ftpc.ok("put", "t.bin", "-t", "put_to/other.bin")
    ftpc.ok("put", "t.bin", "-t", "put_to/deep/er/")
    assert (daemon.root / "put_to/other.bin").read_bytes() == kData
    assert (daemon.root / "put_to/deep/er/t.bin").read_bytes() == kData


def test_put_of_many_files_into_one_folder(ftpc, local, daemon):
    names = [f"m{n}.bin" for n in range(20)]
    for n, name in enumerate(names):
        local(name, kData[:n * 1000])
    ftpc.ok("put", *names, "-t", "many/")
    assert [(daemon.root / "many" / name).read_bytes() for name in names] == [kData[:n * 1000] for n in range(20)]


def test_get_of_a_nested_name_writes_the_base_name(ftpc, remote):
    ftpc.ok("get", remote("deep/down.bin"))
    assert (ftpc.folder / "down.bin").read_bytes() == kData


def test_get_to_a_name_and_into_a_folder(ftpc, remote):
    name = remote("g.bin")
    ftpc.ok("get", name, "-o", "renamed.bin")
    ftpc.ok("get", name, remote("h.bin", b"h"), "-o", "into/")
    assert (ftpc.folder / "renamed.bin").read_bytes() == kData
    assert (ftpc.folder / "into/g.bin").read_bytes() == kData
    assert (ftpc.folder / "into/h.bin").read_bytes() == b"h"


def test_get_to_standard_output_is_the_file_and_nothing_else(ftpc, remote):
    assert ftpc.ok("get", remote("out.bin"), "-o", "-").out == kData
    assert ftpc.ok("get", remote("empty.bin", b""), "-o", "-").out == b""


@pytest.mark.parametrize("size", [0, 1, 8191, 8192, 8193, 3_000_000])
def test_put_of_standard_input_stores_what_came(ftpc, daemon, size):
    data = os.urandom(size)
    ftpc.ok("put", "-", "-t", f"stdin{size}", data=data)
    assert (daemon.root / f"stdin{size}").read_bytes() == data


def test_put_of_standard_input_needs_a_name(ftpc):
    ftpc.run("put", "-", data=b"x", code=2)


def test_overwriting_replaces(ftpc, local, remote, daemon):
    name = remote("over.bin", b"old")
    local("over.bin")
    ftpc.ok("put", "over.bin", "-t", name)
    assert (daemon.root / name).read_bytes() == kData
    ftpc.ok("get", name, "-o", "here.bin")
    (daemon.root / name).write_bytes(b"newer")
    ftpc.ok("get", name, "-o", "here.bin")
    assert (ftpc.folder / "here.bin").read_bytes() == b"newer"


def test_no_clobber_refuses_in_both_directions_and_changes_nothing(ftpc, local, remote, daemon):
    name = remote("kept.bin", b"old")
    path = local("kept.bin")
    ftpc.run("put", "--no-clobber", "kept.bin", "-t", name, code=13)
    assert (daemon.root / name).read_bytes() == b"old"
    ftpc.run("get", "--no-clobber", name, code=13)
    assert path.read_bytes() == kData
    ftpc.ok("put", "--no-clobber", "kept.bin", "-t", name + ".new")
    assert (daemon.root / (name + ".new")).read_bytes() == kData


def test_permission_bits_of_files_and_folders_travel_and_folders_recurse(ftpc, daemon):
    top = ftpc.folder / "secret"
    (top / "inner").mkdir(parents=True)
    (top / "inner/key").write_bytes(b"key")
    for path, mode in ((top / "inner/key", 0o400), (top / "inner", 0o700), (top, 0o750)):
        os.chmod(path, mode)
    ftpc.ok("put", "secret")
    ftpc.ok("get", "secret", "-o", "back")
    for there in (daemon.root / "secret", ftpc.folder / "back"):
        bits = [stat.S_IMODE(path.stat().st_mode) for path in (there, there / "inner", there / "inner/key")]
        assert bits == [0o750, 0o700, 0o400]


def test_ls_shows_names_and_long_form_shows_sizes(ftpc, remote):
    folder = os.path.dirname(remote("one.bin"))
    remote("sub/two.bin")
    plain = ftpc.ok("ls", folder).out.decode()
    assert "one.bin" in plain and "sub" in plain and "two.bin" not in plain
    assert "50000" in ftpc.ok("ls", "-l", folder).out.decode()
    assert "  48.8 KiB 2" in ftpc.ok("ls", "-lh", folder).out.decode()
    assert ftpc.ok("ls", "-h", folder).out.decode() == plain
    assert "two.bin" in ftpc.ok("ls", "-R", folder).out.decode()
    assert ftpc.ok("ls").code == 0
    both = ftpc.ok("ls", folder, f"{folder}/sub").out.decode().split()
    assert f"{folder}/one.bin" in both and f"{folder}/sub/two.bin" in both


def test_stat_and_sum_tell_the_size_and_the_digest(ftpc, remote):
    name = remote("s.bin")
    assert "50000" in ftpc.ok("stat", name).out.decode()
    assert md5(kData) in ftpc.ok("sum", "--digest", "md5", name).out.decode()
    assert len(ftpc.ok("sum", "--digest", "sha256", name).out.split()[0]) == 64
    assert ftpc.ok("sum", name).out


def test_mkdir_rm_and_mv(ftpc, remote, daemon):
    folder = daemon.root / os.path.dirname(remote("a.bin"))
    ftpc.ok("mkdir", f"{folder.name}/new")
    ftpc.ok("mkdir", "-p", f"{folder.name}/p/q/r")
    ftpc.ok("mkdir", "-p", f"{folder.name}/p/q/r")
    assert (folder / "new").is_dir() and (folder / "p/q/r").is_dir()
    ftpc.ok("mv", f"{folder.name}/a.bin", f"{folder.name}/new/b.bin")
    assert (folder / "new/b.bin").read_bytes() == kData and not (folder / "a.bin").exists()
    assert ftpc.run("rm", f"{folder.name}/new").code != 0
    assert (folder / "new/b.bin").exists()
    ftpc.ok("rm", f"{folder.name}/new/b.bin")
    ftpc.ok("rm", "-r", f"{folder.name}/p")
    assert sorted(path.name for path in folder.iterdir()) == ["new"]


def test_ping_and_version_and_help(ftpc):
    ftpc.ok("ping")
    assert b"ftpc" in ftpc.ok("--version").out
    text = ftpc.ok("--help").out.decode()
    assert [verb for verb in ("put", "get", "ls", "stat", "sum", "mkdir", "rm", "mv", "ping") if verb not in text] == []


@pytest.mark.parametrize("size", ["512", "8191", "64KiB", "1MiB"])
def test_the_chunk_size_changes_nothing_in_the_file(ftpc, local, daemon, size):
    local("chunked.bin")
    ftpc.ok("--chunk-size", size, "put", "chunked.bin")
    assert (daemon.root / "chunked.bin").read_bytes() == kData
    ftpc.ok("--chunk-size", size, "get", "chunked.bin", "-o", "back.bin")
    assert (ftpc.folder / "back.bin").read_bytes() == kData


def test_the_server_comes_from_the_option_before_the_environment(make_client, ftpc, local, daemon):
    local("env.bin")
    other = make_client()
    assert other.ok("ping", env={"FTPC_SERVER": daemon.server}).code == 0
    ftpc.ok("put", "env.bin", env={"FTPC_SERVER": "127.0.0.1:1"})
    assert (daemon.root / "env.bin").read_bytes() == kData


def test_json_is_one_object_a_line_and_nothing_else_on_stdout(ftpc, local, remote):
    local("j.bin")
    name = remote("k.bin")
    for words in (["put", "j.bin"], ["get", name], ["ls", os.path.dirname(name)], ["stat", name], ["sum", name], ["ping"],
                  ["mkdir", "-p", "jdir"], ["mv", "j.bin", "j2.bin"], ["rm", "j2.bin"]):
        lines = ftpc.ok("--json", *words).lines()
        assert lines and all(isinstance(line, dict) for line in lines), words
    assert any(line.get("name") == "k.bin" for line in ftpc.ok("--json", "ls", os.path.dirname(name)).lines())


def test_json_tells_of_a_failure_too(ftpc):
    result = ftpc.run("--json", "get", "json/no/such", code=4)
    assert all(isinstance(line, dict) for line in result.lines())
    assert "not_found" in result.out.decode() or result.err


def test_quiet_says_nothing_but_errors(ftpc, local):
    local("q.bin")
    for words in (["put", "q.bin"], ["get", "q.bin", "-o", "q2.bin"], ["ping"]):
        result = ftpc.ok("-q", *words)
        assert (result.out, result.err) == (b"", b"")
    assert ftpc.run("-q", "get", "no/such/file", code=4).err != b""


def test_no_progress_is_drawn_where_stderr_is_no_terminal(ftpc, local):
    local("p.bin", os.urandom(5_000_000))
    for words in (["put", "p.bin"], ["get", "p.bin", "-o", "p2.bin"]):
        result = ftpc.ok(*words)
        assert b"\r" not in result.err + result.out and b"\x1b" not in result.err + result.out


def test_the_last_line_names_bytes_and_how_they_were_checked(ftpc, local):
    local("last.bin")
    for words in (["put", "last.bin"], ["get", "last.bin", "-o", "last2.bin"]):
        result = ftpc.ok(*words)
        last = (result.err + result.out).decode().strip().splitlines()[-1]
        assert any(name in last for name in ("md5", "sha256", "xxh128")), last
        assert any(character.isdigit() for character in last)


def test_data_on_stdout_keeps_every_message_off_it(ftpc, remote):
    result = ftpc.run("get", remote("d.bin"), "no/such/one", "-o", "-")
    assert result.code != 0
    assert result.out in (kData, b"")


def test_a_connection_that_is_refused_is_tried_again_until_the_daemon_is_there(make_client, make_daemon):
    late = make_daemon(start=False)
    client = make_client(f"127.0.0.1:{late.reserve_port()}")
    (client.folder / "late.bin").write_bytes(kData)
    running = client.start("--retry", "20", "put", "late.bin")
    late.start()
    _, err = running.communicate(timeout=kRunDeadline)
    assert running.returncode == 0, err
    assert (late.root / "late.bin").read_bytes() == kData


def test_local_files_that_are_not_there_are_told_before_anything_is_sent(ftpc):
    result = ftpc.run("put", "nowhere.bin")
    assert result.code not in (0, 5) and b"nowhere.bin" in result.err


def test_put_stores_nothing_when_the_input_breaks_off(ftpc, daemon):
    running = ftpc.start("put", "-", "-t", "broken_off", stdin=-1)
    running.stdin.write(kData)
    running.stdin.flush()
    wait_until(lambda: running.poll() is None, what="ftpc to run")
    running.kill()
    running.communicate()
    assert not (daemon.root / "broken_off").exists()


@pytest.mark.parametrize("size", [5, 3_000_000])
@pytest.mark.parametrize("more", [[], ["--no-clobber"]], ids=str)
def test_a_target_that_is_a_folder_takes_a_file_in_as_with_cp(ftpc, daemon, size, more):
    data = os.urandom(size)
    (ftpc.folder / "a.txt").write_bytes(data)
    top = f"takes{size}{len(more)}"
    ftpc.ok("mkdir", "-p", top + "/y")
    for target in (top, top + "/y"):
        ftpc.ok(*more, "put", "a.txt", "-t", target)
        assert (daemon.root / target / "a.txt").read_bytes() == data
    ftpc.run("put", "--no-clobber", "a.txt", "-t", top, code=13)
    assert (daemon.root / top / "a.txt").read_bytes() == data


def test_a_folder_in_the_folder_under_the_name_of_the_file_is_not_entered(ftpc, daemon):
    (ftpc.folder / "a.txt").write_bytes(b"a")
    ftpc.ok("mkdir", "-p", "deep/a.txt")
    result = ftpc.run("put", "a.txt", "-t", "deep", code=1)
    assert b"is directory" in result.err
    assert not any((daemon.root / "deep/a.txt").iterdir())


@pytest.mark.parametrize("kind", ["dumb", "xterm"])
def test_a_terminal_that_knows_no_escapes_is_sent_none(ftpc, kind):
    (ftpc.folder / "a.txt").write_bytes(os.urandom(3_000_000))
    terminal = Terminal(["/usr/bin/env", "TERM=" + kind, *ftpc.command("put", "a.txt")], ftpc.folder, ftpc.home)
    assert terminal.wait() == 0
    assert b"\r" in terminal.shown and b"stored" in terminal.shown
    assert (b"\x1b" in terminal.shown) == (kind == "xterm")
