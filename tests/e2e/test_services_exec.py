"""Commands over version 1: outputs apart and whole, limits, sessions, and nothing that stays behind."""

import os
import signal
import socket
import time

import pytest

from support import binaries
from support.processes import children_of, processes_with, unique_seconds
from support.services import ExecPeer
from support.waiting import kPatience, wait_until
from support.wire import frame, v1

kSlow = unique_seconds(7)
kConfig = {
    "exec": {"mode": "shell", "processes": "50", "encoding": "GBK"},
    "exec.df": {"run": "/bin/df -h {root}"},
    "exec.say": {"run": "/bin/echo", "args": "[^-].*"},
    # The same with more and more time, for a machine on which a shell needs longer to say its first word.
    **{f"exec.slow{limit}": {"run": f"/bin/sh -c 'echo begun; sleep {kSlow}'", "time": f"{limit}ms"} for limit in (300, 3_000, 30_000)},
    "exec.much": {"run": "/usr/bin/yes", "output": "100000"},
    "exec.gone": {"run": "/no/such/program"},
}


@pytest.fixture(scope="module")
def shared(ftpd_binary, tmp_path_factory):
    from support.daemon import Daemon
    daemon = Daemon(tmp_path_factory.mktemp("exec"), config=kConfig)
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture
def peer(shared):
    with ExecPeer(shared.address) as connection:
        yield connection


def test_a_named_command_runs_with_the_root_in_its_place(peer, shared):
    reply, output, errors = peer.run(id=5, name="df")
    assert reply == {"v": 1, "cmd": "exec", "id": 5, "ok": True, "code": 0, "encoding": "GBK"}
    assert output.startswith(b"Filesystem") and not errors


def test_shell_characters_in_arguments_are_bytes(peer):
    odd = ["a;b", "$HOME", "`id`", "x|y>z", "* ?", "\"'\\", "中文"]
    reply, output, _ = peer.run(name="say", args=odd)
    assert reply["ok"] and output.decode() == " ".join(odd) + "\n"


@pytest.mark.parametrize("fields,code", [
    ({"name": "nothing"}, "not_found"),
    ({"name": "say", "args": ["-n"]}, "forbidden"),
    ({"name": "say", "args": ["a\nb"]}, "bad_request"),
    ({"name": "say", "args": ["a\0b"]}, "bad_request"),
    ({"name": "say", "args": ["a"] * 17}, "bad_request"),
    ({"name": "df", "args": ["x"]}, "bad_request"),
    ({"name": "gone"}, "not_found"),
    ({}, "bad_request"),
])
def test_what_is_refused_has_a_clear_error(shared, fields, code):
    with ExecPeer(shared.address) as fresh:
        reply, output, errors = fresh.run(id="x", **fields)
        assert (reply["ok"], reply["error"]) == (False, code)
        assert reply["message"] and not output and not errors


@pytest.mark.parametrize("fields", [{"name": "nothing"}, {"name": "gone"}, {"name": "df", "args": ["x"]}])
def test_the_input_of_a_refused_command_is_read_up_to_a_limit(shared, fields):
    for size in (0, 1 << 20):
        with ExecPeer(shared.address) as fresh:
            fresh.send(frame(v1("exec", input=True, **fields)) + frame(v1("input", filesize=size)) + bytes(size))
            assert not fresh.outcome()[0]["ok"]
            assert fresh.shell("echo on")[1] == b"on\n"
    with ExecPeer(shared.address) as fresh:
        fresh.send(frame(v1("exec", input=True, **fields)) + frame(v1("input", filesize=(1 << 20) + 1)))
        assert not fresh.outcome()[0]["ok"]
        assert fresh.ended()


def test_outputs_stay_apart_and_the_exit_code_is_told(peer):
    reply, output, errors = peer.shell("echo out; echo err >&2; exit 42")
    assert (reply["code"], output, errors) == (42, b"out\n", b"err\n")
    reply, output, errors = peer.shell("true")
    assert (reply["code"], output, errors) == (0, b"", b"")
    reply = peer.shell("kill -SEGV $$")[0]
    assert (reply["code"], reply["signal"]) == (139, "SEGV")


def test_100_megabytes_arrive_whole(peer):
    reply, output, _ = peer.shell("yes 0123456 | head -c 104857600")
    assert reply["ok"] and output == b"0123456\n" * (104857600 // 8)


def test_the_folder_holds_for_the_session_and_no_longer(peer, shared):
    assert peer.shell("cd /usr/lib")[0]["to"] == "/usr/lib"
    assert peer.shell("pwd")[1] == b"/usr/lib\n"
    assert peer.shell("cd ..; exit 1")[0]["code"] == 1
    assert peer.shell("pwd")[1] == b"/usr\n"
    with ExecPeer(shared.address) as other:
        assert other.shell("pwd")[1] != b"/usr\n"


def test_requests_sent_together_are_answered_one_after_the_other(peer):
    for number in range(20):
        peer.begin(id=number, shell=f"echo {number}; echo {number} >&2")
    for number in range(20):
        reply, output, errors = peer.outcome()
        assert (reply["id"], output, errors) == (number, b"%d\n" % number, b"%d\n" % number)


def test_standard_input_is_sent_and_ends(peer):
    data = os.urandom(3_000_000)
    peer.begin(shell="wc -c; echo done", input=True)
    for at in range(0, len(data), 100_000):
        peer.input(data[at:at + 100_000])
    peer.input(b"")
    assert peer.outcome()[1] == b"3000000\ndone\n"
    assert peer.shell("cat")[1] == b""


def test_input_that_nobody_reads_does_no_harm(peer):
    peer.begin(shell="exit 7", input=True)
    for _ in range(20):
        peer.input(b"z" * 50_000)
    assert peer.outcome()[0]["code"] == 7
    peer.input(b"late")
    assert peer.shell("echo still")[1] == b"still\n"


def test_a_command_may_end_in_the_middle_of_an_input(peer):
    peer.begin(shell="head -c 5 >/dev/null; exit 7", input=True)
    peer.send(frame(v1("input", filesize=100_000)) + b"first")
    assert peer.outcome()[0]["code"] == 7
    peer.send(b"z" * (100_000 - 5))
    assert peer.shell("echo still")[1] == b"still\n"


def test_output_streams_as_it_comes(peer):
    peer.begin(shell="echo one; read line; echo $line", input=True)
    assert peer.first_output() == b"one\n"
    peer.input(b"two\n")
    assert peer.first_output() == b"two\n"
    assert peer.outcome()[0]["code"] == 0


def test_a_terminal_has_a_size_and_control_c(peer):
    word = unique_seconds(7)
    peer.begin(shell=f"stty size; tty; sleep {word}", terminal=True, rows=10, columns=20, input=True)
    seen = b""
    while b"/dev/pts/" not in seen:
        seen += peer.first_output()
    assert seen.startswith(b"10 20\r\n")
    # A shell that is just starting a program loses the key; a person would press it again.
    wait_until(lambda: processes_with(f"sleep\0{word}"), what="the program")
    peer.input(b"\x03")
    reply, _, errors = peer.outcome()
    assert reply["code"] == 130 or reply.get("signal") == "INT"
    assert not errors and not processes_with(word)


def test_a_limit_is_told_with_what_came_before(peer):
    reply, output, _ = peer.run(name="much")
    assert (reply["ok"], reply["error"]) == (False, "too_large") and output == b"y\n" * 50_000
    for limit in (300, 3_000, 30_000):
        reply, output, _ = peer.run(name=f"slow{limit}")
        assert reply["error"] == "timeout" and not processes_with(kSlow)
        if output:
            break
    assert output == b"begun\n"
    assert peer.shell("echo on")[1] == b"on\n"


def test_a_fork_bomb_stays_within_its_limit_and_goes(peer):
    word = unique_seconds(7)
    reply = peer.shell(f"bomb() {{ bomb | bomb & }}; bomb; sleep {word}")[0]
    assert reply["error"] == "too_large" and "50 processes" in reply["message"]
    assert not processes_with(word)
    assert peer.shell("echo on")[1] == b"on\n"


def test_memory_is_limited(make_daemon):
    daemon = make_daemon(config={"exec": {"mode": "shell", "memory": "64MiB"}})
    with ExecPeer(daemon.address) as small:
        assert small.shell("python3 -c 'bytearray(200 << 20)' || echo no")[1] == b"no\n"


def test_what_a_command_leaves_running_ends_with_it(peer):
    word = unique_seconds(7)
    reply, output, _ = peer.shell(f"sleep {word} & setsid sleep {word} & (setsid sh -c 'sleep {word}; true' &); sleep 0.1; echo done")
    assert reply["ok"] and output == b"done\n"
    assert not processes_with(word)


def test_nothing_is_left_of_a_client_that_goes_in_100_of_100_tries(shared):
    word = unique_seconds(7)
    for attempt in range(100):
        leaver = ExecPeer(shared.address)
        leaver.begin(shell=f"trap '' TERM; sleep {word} & setsid sleep {word} & echo up; yes")
        leaver.first_output()
        leaver.reset() if attempt % 2 else leaver.close()
    wait_until(lambda: not processes_with(word), what="the end of all of it")


def test_64_sessions_at_once(shared):
    peers = [ExecPeer(shared.address) for _ in range(64)]
    for number, one in enumerate(peers):
        one.begin(shell=f"echo {number}; read line; echo $line", input=True)
    for number, one in enumerate(peers):
        assert one.first_output() == b"%d\n" % number
    for number, one in enumerate(peers):
        one.input(b"again %d\n" % number)
    for number, one in enumerate(peers):
        reply, output, _ = one.outcome()
        assert reply["code"] == 0 and output == b"again %d\n" % number
        one.close()


def test_sessions_over_the_limit_are_refused_as_busy(make_daemon):
    daemon = make_daemon(config={"exec": {"mode": "shell", "sessions": 2}})
    peers = [ExecPeer(daemon.address) for _ in range(3)]
    for one in peers[:2]:
        assert one.shell("echo in")[1] == b"in\n"
    assert peers[2].shell("echo in")[0]["error"] == "busy"
    peers[0].close()

    def admitted():
        with ExecPeer(daemon.address) as late:
            return late.shell("echo in")[0]["ok"]
    wait_until(admitted, what="the place of the one that left")
    for one in peers[1:]:
        one.close()


def test_other_requests_on_such_a_connection_are_answered(peer):
    assert peer.shell("true")[0]["ok"]
    assert peer.ask("ping")["error"] == "unsupported"
    peer.send(b"\x02\0\0\0[]")
    assert peer.read_frame()["error"] == "bad_request"
    assert peer.ended()


def test_files_before_the_first_command_are_served(peer):
    assert peer.put("before.txt", b"x")["ok"]
    peer.send(frame(v1("stat", filename="before.txt")) + frame(v1("exec", shell="echo y")))
    assert peer.read_frame()["filesize"] == 1
    assert peer.outcome()[1] == b"y\n"


def test_without_configuration_there_is_no_exec(make_daemon):
    daemon = make_daemon()
    with ExecPeer(daemon.address) as peer:
        assert peer.run(name="df")[0]["error"] == "unsupported"
        assert peer.ask("ping")["ok"]
    assert children_of(daemon.process.pid) == []


def test_shell_commands_need_the_mode(make_daemon):
    daemon = make_daemon(config={"exec.df": {"run": "/bin/df"}})
    with ExecPeer(daemon.address) as peer:
        assert peer.shell("true")[0]["error"] == "forbidden"
        assert peer.run(name="df")[0]["ok"]


def test_an_ftpd_exec_that_dies_is_told_and_the_daemon_goes_on(make_daemon):
    daemon = make_daemon(config={"exec": {"mode": "shell"}})
    word = unique_seconds(7)
    with ExecPeer(daemon.address) as peer:
        peer.begin(shell=f"echo up; sleep {word}")
        assert peer.first_output() == b"up\n"
        os.kill(children_of(daemon.process.pid)[0], signal.SIGKILL)
        reply = peer.outcome()[0]
        assert not reply["ok"]
        wait_until(lambda: not processes_with(word), what="the end of the command")
    with ExecPeer(daemon.address) as peer:
        assert peer.run(shell="true")[0]["error"] == "io_error"
    with ExecPeer(daemon.address) as peer:
        assert peer.ask("ping")["ok"]


def test_a_killed_daemon_leaves_no_command(make_daemon):
    daemon = make_daemon(config={"exec": {"mode": "shell"}})
    word = unique_seconds(7)
    with ExecPeer(daemon.address) as peer:
        peer.begin(shell=f"setsid sleep {word} & echo up; sleep {word}")
        peer.first_output()
        daemon.kill()
        wait_until(lambda: not processes_with(word), what="the end of the command")


def test_a_stopping_daemon_waits_for_its_commands(make_daemon, tmp_path):
    daemon = make_daemon(config={"exec": {"mode": "shell"}, "server": {"drain_timeout": "1h"}})
    go = tmp_path / "go"
    with ExecPeer(daemon.address) as quick, ExecPeer(daemon.address) as idle:
        assert idle.shell("true")[0]["ok"]
        quick.begin(shell=f"echo up; until [ -e {go} ]; do sleep 0.05; done; echo end")
        assert quick.first_output() == b"up\n"
        daemon.process.terminate()
        assert idle.ended() and daemon.running()
        go.touch()
        assert quick.outcome()[1] == b"end\n"
        assert daemon.process.wait(kPatience) == 0


def test_a_stopping_daemon_ends_commands_at_the_drain_limit(make_daemon):
    daemon = make_daemon(config={"exec": {"mode": "shell"}, "server": {"drain_timeout": "1s"}})
    word = unique_seconds(7)
    with ExecPeer(daemon.address) as endless:
        endless.begin(shell=f"echo up; sleep {word}")
        assert endless.first_output() == b"up\n"
        begun = time.monotonic()
        daemon.process.terminate()
        assert daemon.process.wait(kPatience) == 0
        assert time.monotonic() - begun > 0.9
    assert not processes_with(word)


@pytest.mark.parametrize("config,words", [
    ({"exec.df": {"rum": "/bin/df"}}, ["'rum'", "[exec.df]", "'run'"]),
    ({"exec": {"mode": "all"}}, ["'mode'", "named or shell"]),
    ({"exec": {"mode": "shell", "program": "/no/ftpd-exec"}}, ["/no/ftpd-exec"]),
    ({"exec": {"mode": "shell", "user": "no-such-user"}}, ["no-such-user"]),
])
def test_bad_configuration_ends_with_2_and_says_what_is_wrong(make_daemon, config, words):
    daemon = make_daemon(start=False, config=config)
    with pytest.raises(AssertionError) as error:
        daemon.start()
    daemon.process = None
    assert error.value.code == 2
    for word in words:
        assert word in error.value.log


def test_commands_run_as_the_user_that_is_configured(make_daemon, needs_root):
    daemon = make_daemon(config={"exec": {"mode": "shell", "user": "nobody"}})
    with ExecPeer(daemon.address) as peer:
        assert peer.shell("id -un")[1] == b"nobody\n"
        assert peer.shell("env")[1].count(b"\n") < 12
        # The kernel's limit may have stopped the bomb before it was counted.
        word = unique_seconds(7)
        reply = peer.shell(f"bomb() {{ bomb | bomb & }}; bomb; sleep 0.3; echo {word}")[0]
        assert reply["ok"] or reply["error"] == "too_large"
        assert not processes_with(word)


def test_the_daemon_speaks_to_an_ftpd_exec_of_its_own_over_a_socket(make_daemon, tmp_path):
    import subprocess
    socket_path = tmp_path / "exec.sock"
    config = {"exec": {"mode": "shell", "socket": str(socket_path)}}
    daemon = make_daemon(config=config)
    with ExecPeer(daemon.address) as peer:
        assert peer.shell("true")[0]["error"] == "io_error"
    program = binaries.find("ftpd").parent / "ftpd-exec"
    runner = subprocess.Popen([program, "--config", daemon.config_path])
    try:
        wait_until(lambda: listens(socket_path), what="the socket")
        with ExecPeer(daemon.address) as peer:
            assert peer.shell("echo apart")[1] == b"apart\n"
        second = subprocess.run([program, "--config", daemon.config_path], capture_output=True, text=True, timeout=kPatience, check=False)
        assert second.returncode == 2 and "another daemon serves it" in second.stderr
        with ExecPeer(daemon.address) as peer:
            assert peer.shell("echo still")[1] == b"still\n"
    finally:
        runner.terminate()
        assert runner.wait(kPatience) == 0


def listens(path):
    with socket.socket(socket.AF_UNIX) as caller:
        return caller.connect_ex(str(path)) == 0
