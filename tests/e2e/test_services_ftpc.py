"""ftpc exec and ftpc ping: the remote command as if it were here, and round trips to the echo services."""

import hashlib
import json
import os
import pty
import signal
import subprocess

import pytest

from support.binaries import scale
from support.processes import processes_with, unique_seconds
from support.services import kFree, addresses_of
from support.waiting import kPatience, wait_until

kConfig = {
    "echo": {"tcp": kFree, "udp": kFree},
    "exec": {"mode": "shell"},
    "exec.df": {"run": "/bin/df -h {root}"},
    "exec.say": {"run": "/bin/echo", "args": ".*"},
    "exec.brief": {"run": "/usr/bin/yes", "output": "1000"},
}


@pytest.fixture(scope="module")
def served(ftpd_binary, tmp_path_factory):
    from support.daemon import Daemon
    daemon = Daemon(tmp_path_factory.mktemp("exec"), config=kConfig)
    daemon.start()
    yield daemon, addresses_of(daemon, 2)
    daemon.stop()


@pytest.fixture
def remote(make_client, served):
    return make_client(served[0].server)


def server_of(address):
    return "%s:%d" % address


def test_a_named_command_with_arguments_that_look_like_options(remote):
    assert remote.ok("exec", "df").out.startswith(b"Filesystem")
    assert remote.ok("exec", "say", "-s", "--help", "a;b", "$HOME").out == b"-s --help a;b $HOME\n"


def test_outputs_exit_code_and_input_are_those_of_the_command(remote):
    result = remote.run("exec", "-c", "cat; echo err >&2; exit 9", data=b"in\xff\n", code=9)
    assert (result.out, result.err) == (b"in\xff\n", b"err\n")
    result = remote.run("exec", "-n", "-c", "kill -9 $$", code=137)
    assert b"signal KILL" in result.err
    assert remote.ok("exec", "-c", "true").out == b""


def test_100_megabytes_of_output_arrive_whole(remote):
    result = remote.ok("exec", "-n", "-c", "yes 0123456 | head -c 104857600")
    assert hashlib.md5(result.out).digest() == hashlib.md5(b"0123456\n" * (104857600 // 8)).digest()


def test_large_input_arrives_whole(remote):
    data = os.urandom(5_000_000)
    assert remote.ok("exec", "-c", "md5sum", data=data).out.split()[0].decode() == hashlib.md5(data).hexdigest()


def test_input_that_cannot_be_read_is_not_passed_off_as_its_end(remote):
    folder = os.open("/", os.O_RDONLY)
    running = remote.start("exec", "-c", "cat", stdin=folder)
    os.close(folder)
    _, err = running.communicate(timeout=kPatience)
    assert running.returncode == 1 and b"standard input" in err


def test_an_encoding_is_passed_on_or_converted(remote):
    gbk = "中文".encode("gbk")
    command = "printf '\\326\\320\\316\\304'"
    assert remote.ok("exec", "-n", "-c", command).out == gbk
    assert remote.ok("exec", "-n", "--encoding", "GBK", "-c", command).out.decode() == "中文"
    remote.run("exec", "--encoding", "nonsense", "df", code=2)


@pytest.mark.parametrize("words,code,said", [
    (["exec"], 2, b"needs a command"),
    (["exec", "nothing"], 4, b"not configured"),
    (["exec", "df", "x"], 17, b"takes no arguments"),
    (["exec", "brief"], 14, b"larger than 1000 B"),
    (["ping", "-c", "3"], 2, b"--tcp or --udp"),
])
def test_what_goes_wrong_has_its_code_and_its_words(remote, words, code, said):
    assert said in remote.run(*words, code=code).err


def test_a_refused_command_is_written_down_once_though_its_input_comes_behind(make_daemon, make_client, tmp_path):
    audit = tmp_path / "audit.log"
    daemon = make_daemon(config={"audit": {"file": str(audit)}})
    client = make_client(daemon.server)
    for _ in range(5):
        client.run("exec", "df", code=17, data=os.urandom(200_000))
    client.ok("ls")
    wait_until(lambda: '"list"' in audit.read_text().rpartition("\n")[0], what="the line of the last request")
    commands = [json.loads(line)["command"] for line in audit.read_text().splitlines()]
    assert [command for command in commands if command != "list"] == ["exec"] * 5


def test_json_has_objects_only(remote):
    lines = remote.run("--json", "exec", "-n", "-c", "printf foo; exit 3", code=3).lines()
    assert [line["type"] for line in lines] == ["output", "exec"]
    assert lines[0]["base64"] == "Zm9v" and lines[1]["code"] == 3


@pytest.mark.parametrize("number,code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_stopped_client_leaves_no_process(remote, number, code):
    word = unique_seconds(5)
    for _ in range(5 * scale()):
        running = remote.start("exec", "-n", "-c", f"sleep {word} & setsid sleep {word} & echo up; sleep {word}")
        assert running.stdout.read(3) == b"up\n"
        wait_until(lambda: len(processes_with(word)) >= 3, what="the processes")
        running.send_signal(number)
        running.communicate(timeout=kPatience)
        assert running.returncode == code
        wait_until(lambda: not processes_with(word), what="their end")


def test_endless_output_stops_when_its_reader_goes(remote):
    word = unique_seconds(6)
    running = remote.start("exec", "-n", "-c", f"exec yes {word}")
    assert running.stdout.read(len(word) + 1) == word.encode() + b"\n"
    running.stdout.close()
    assert running.wait(kPatience) != 0
    running.stderr.close()
    wait_until(lambda: not processes_with(f"yes\0{word}"), what="the end of the command")


def test_a_terminal_where_asked(remote):
    main, side = pty.openpty()
    running = subprocess.Popen(remote.command("exec", "-t", "-c", "tty; read line; echo got $line; exit 4"), stdin=side,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert running.stdout.readline().startswith(b"/dev/pts/")
    os.write(main, b"keys\r")
    out = running.stdout.read()
    assert b"got keys\r\n" in out and running.wait(kPatience) == 4
    running.stdout.close()
    os.close(main)
    os.close(side)


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_ping_tells_round_trips_and_loss(make_client, served, kind):
    client = make_client(server_of(served[1][f"echo-{kind}"]))

    def figures_of_two():
        figures = client.run("--json", "ping", f"--{kind}", "-c", "2").lines()[0]
        return figures if figures.get("sent") == figures.get("received") == 2 else None

    # An answer that takes more than a second counts as lost, and a machine may stand still for longer.
    all_answered = b"3 sent, 3 answered, 0.000 % lost, min/avg/max "
    wait_until(lambda: all_answered in client.run("ping", f"--{kind}", "-c", "3").out, what="an answer to each of three")
    figures = wait_until(figures_of_two, what="an answer to both")
    quiet = wait_until(lambda: (done := client.run("-q", "ping", f"--{kind}", "-c", "1")).code == 0 and done, what="an answer")
    assert (quiet.out, quiet.err) == (b"", b"")
    assert 0 < figures["min_ms"] <= figures["avg_ms"] <= figures["max_ms"]


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_ping_finds_the_echo_of_the_server_it_has_by_the_servers_own_word(make_client, make_daemon, served, kind):
    asked = {"FTPC_SERVER": served[0].server}
    client, found = make_client(), server_of(served[1][f"echo-{kind}"])

    def both_answered():
        out = client.run("ping", f"--{kind}", "-c", "2", env=asked).out.decode()
        return out.startswith(found) and "2 sent, 2 answered" in out

    wait_until(both_answered, what="an answer to both")
    without = {"FTPC_SERVER": make_daemon().server}
    assert f"has no echo-{kind}".encode() in make_client().run("ping", f"--{kind}", env=without, code=17).err


def test_ping_without_an_echo_is_a_network_error(make_client):
    assert b"100.000 % lost" in make_client("127.0.0.1:9").run("ping", "--udp", "-c", "1", code=5).out
