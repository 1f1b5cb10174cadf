"""What scripts and services rely on when they start, configure and stop ftpd."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import time

import pytest

from support import binaries
from support.daemon import StartError, run_to_end
from support.waiting import kPatience, wait_until
from support.wire import Closed, Peer, frame, md5, put_v1, v1

kOptions = ("--root", "--listen", "--config", "--workers", "--log-level", "--log-format", "--check-config",
            "--print-config", "--version", "--help")
kUsage = 2


def setting(text, key):
    found = re.search(rf"^\s*{key}\s*=\s*(.*?)\s*$", text, re.MULTILINE)
    assert found, f"no {key} in:\n{text}"
    return found.group(1)


def without_comments(text):
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", ";"))]


def write(path, text):
    path.write_text(text)
    return path


@pytest.fixture
def run(ftpd_binary, tmp_path):
    """run(*options, env=) runs ftpd to its end in a folder of its own."""
    return lambda *options, env=None: run_to_end(tmp_path, *options, env=env)


def refused(done, *words):
    """Asserts a start that was refused: exit 2, nothing on stdout, and each of `words` in the message."""
    assert done.returncode == kUsage, done.stderr
    assert done.stdout == ""
    for word in words:
        assert str(word) in done.stderr


def test_a_free_port_is_picked_and_told_in_one_line_on_stdout(make_daemon):
    daemon = make_daemon(options=["--listen", "127.0.0.1:0"])
    assert daemon.port > 0
    with Peer(daemon.address) as peer:
        assert peer.ask("ping")["ok"]
    assert daemon.stop() == ""


def test_each_listener_has_a_ready_line_and_serves(make_daemon):
    daemon = make_daemon(options=["--listen", "127.0.0.1:0", "--listen", "127.0.0.2:0"])
    assert [host for host, _ in daemon.addresses] == ["127.0.0.1", "127.0.0.2"]
    for address in daemon.addresses:
        with Peer(address) as peer:
            assert peer.ask("ping")["ok"]


def test_ipv6_loopback_is_served(make_daemon):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 loopback here")
    daemon = make_daemon(options=["--listen", "[::1]:0"])
    with Peer(daemon.address) as peer:
        assert peer.ask("ping")["ok"]


def test_without_a_root_the_files_are_in_the_users_data_folder_for_the_user_alone(ftpd_binary, make_daemon, tmp_path):
    for env, folder in (({}, "data/ftpd"), ({"XDG_DATA_HOME": ""}, ".local/share/ftpd")):
        daemon = make_daemon(start=False, env=env)
        daemon.root = daemon.folder / folder
        daemon.start(name_root=False)
        with Peer(daemon.address) as peer:
            assert peer.put("a.txt", b"here")["ok"]
        assert (daemon.root / "a.txt").read_bytes() == b"here"
        assert stat.S_IMODE(daemon.root.stat().st_mode) == 0o700
        daemon.stop()


def test_with_no_setting_at_all_it_listens_on_the_loopback_port_7021(run):
    assert setting(run("--print-config").stdout, "listen") == "127.0.0.1:7021"


def test_version_and_help_are_on_stdout(run):
    version = run("--version")
    assert version.returncode == 0 and re.search(r"ftpd.*\d+\.\d+", version.stdout)
    text = run("--help")
    assert text.returncode == 0
    assert [option for option in kOptions if option not in text.stdout] == []


def test_list_commands_names_the_commands_of_the_protocol_document(run):
    document = (binaries.kProject / "PROTOCOL.md").read_text()
    listed = re.search(r"^## 5\. Commands\n+`([a-z ]+)`", document, re.MULTILINE).group(1).split()
    done = run("--list-commands")
    assert done.returncode == 0
    assert {line.split()[0] for line in done.stdout.splitlines() if line.split()} >= set(listed)


@pytest.mark.parametrize("options", [["--no-such-option"], ["--workers", "many"], ["--workers", "0"], ["--log-level", "loud"],
                                     ["--log-format", "xml"], ["--listen", "nonsense"], ["--listen", "127.0.0.1:70000"],
                                     ["stray-word"]], ids=" ".join)
def test_a_bad_option_is_named_and_ends_with_2(run, tmp_path, options):
    refused(run("--root", tmp_path, *options), options[0])


def test_an_unknown_key_is_named_with_file_line_and_the_nearest_key(run, tmp_path):
    path = write(tmp_path / "bad.conf", "# a comment\n[server]\nworkrs = 3\n")
    refused(run("--config", path, "--root", tmp_path), path, "3", "workrs", "workers")
    refused(run("--config", path, "--check-config"), path, "workrs", "workers")


@pytest.mark.parametrize("line", ["header_timeout = fast", "header_timeout = -5s", "max_connections = 1.5",
                                  "workers = 99999999999999999999", "idle_timeout = 5 parsecs", "workers ="])
def test_a_bad_value_is_named_with_file_line_and_key(run, tmp_path, line):
    path = write(tmp_path / "bad.conf", f"[server]\n{line}\n")
    refused(run("--config", path, "--root", tmp_path), path, "2", line.split()[0])


@pytest.mark.parametrize("section,line", [("storage", "durability = perhaps"), ("storage", "min_free = lots"),
                                          ("storage", "part_expire = never ever"), ("log", "level = loud"),
                                          ("log", "format = xml"), ("nowhere", "a = b")])
def test_bad_values_of_the_other_sections_are_named_too(run, tmp_path, section, line):
    path = write(tmp_path / "bad.conf", f"[{section}]\n{line}\n")
    refused(run("--config", path, "--root", tmp_path), path)


@pytest.mark.parametrize("text", ["\n[servr]\n", "\n[servr]\n\nworkers = 3\nlisten = x\n", "\n[servr]\n[servr]\n"], ids=ascii)
def test_an_unknown_section_is_named_once_with_the_line_where_it_begins(run, tmp_path, text):
    path = write(tmp_path / "bad.conf", text)
    done = run("--config", path, "--check-config")
    refused(done, f"{path}:2: unknown section [servr]; did you mean '[server]'?")
    assert done.stderr.count("\n") == 1


def test_an_empty_root_is_a_mistake_and_not_the_default(run):
    for words in (["--root", ""], ["--root="]):
        refused(run(*words, "--check-config"), "--root")


def test_a_variable_that_is_nearly_a_setting_is_told(run, tmp_path, make_daemon):
    wrong = {"FTPD_SERVER_WORKERS": "5"}
    fine = {"FTPD_BIN": "x", "FTPD_LANDLOCK_MOST": "3", "FTPD_HOME_FOLDER": "x", "FTPD_SERVER": "x", "FTPD_LOG_SHIPPING": "x",
            "FTPD_SERVICE_PORT": "7021", "FTPD_SERVER__WORKERS": "5"}
    done = run("--root", tmp_path / "r", "--check-config", env=wrong)
    assert done.returncode == 0 and "FTPD_SERVER_WORKERS" in done.stdout and "FTPD_SERVER__WORKERS" in done.stdout
    assert "warning" not in run("--root", tmp_path / "r", "--check-config", env=fine).stdout
    daemon = make_daemon(env=wrong)
    wait_until(lambda: "FTPD_SERVER__WORKERS" in daemon.log(), what="the warning in the log")


@pytest.mark.parametrize("option", ["--print-config", "--version", "--help", "--check-config", "--list-commands"])
def test_what_cannot_be_printed_is_a_failure(ftpd_binary, tmp_path, option):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([str(ftpd_binary), "--root", str(tmp_path), option], stdout=full, stderr=subprocess.PIPE, text=True,
                              env={"HOME": str(tmp_path)}, timeout=kPatience, check=False)
    assert done.returncode == 1 and "standard output" in done.stderr


def test_a_ready_line_that_cannot_be_written_is_logged(ftpd_binary, tmp_path):
    log = tmp_path / "log"
    with open("/dev/full", "wb") as full, open(log, "wb") as err:
        running = subprocess.Popen([str(ftpd_binary), "--root", str(tmp_path / "root"), "--listen", "127.0.0.1:0"], stdout=full,
                                   stderr=err, env={"HOME": str(tmp_path)})
    wait_until(lambda: " ready " in log.read_text() or running.poll() is not None, what="the daemon to be ready")
    running.terminate()
    assert running.wait(kPatience) == 0
    assert "WARN ready-line" in log.read_text() and "No space left" in log.read_text()


@pytest.mark.parametrize("address", ["1.2.3.4.5:0", "no-such-host.invalid:0"])
def test_a_host_that_cannot_be_resolved_is_told_as_such(run, tmp_path, address):
    done = run("--root", tmp_path, "--listen", address)
    refused(done, address.rpartition(":")[0], "cannot be resolved")
    assert "loopback" not in done.stderr


@pytest.mark.parametrize("size", [10, 3_000_000])
@pytest.mark.parametrize("victim", ["", ".ftpd"])
def test_a_put_into_a_root_that_was_removed_fails_of_the_disk_and_not_for_the_name(make_daemon, make_client, victim, size):
    daemon = make_daemon()
    client = make_client(daemon.server)
    (client.folder / "a").write_bytes(bytes(size))
    shutil.rmtree(daemon.root / victim)
    result = client.run("--retry", "0", "put", "a", code=1)
    assert b"removed" in result.err and b"not found" not in result.err
    daemon.root.mkdir(exist_ok=True)


def test_a_missing_configuration_file_is_named(run, tmp_path):
    refused(run("--config", tmp_path / "none.conf", "--root", tmp_path), tmp_path / "none.conf")


def test_option_beats_environment_beats_file_beats_default(run, tmp_path):
    path = write(tmp_path / "ok.conf", "[server]\nworkers = 2\nidle_timeout = 7m\n")
    env = {"FTPD_SERVER__WORKERS": "3"}
    assert setting(run("--config", path, "--print-config").stdout, "workers") == "2"
    assert setting(run("--config", path, "--print-config", env=env).stdout, "workers") == "3"
    assert setting(run("--config", path, "--workers", "4", "--print-config", env=env).stdout, "workers") == "4"
    assert setting(run("--config", path, "--print-config").stdout, "idle_timeout") == "7m"


def test_a_bad_value_in_the_environment_is_named(run, tmp_path):
    refused(run("--root", tmp_path, env={"FTPD_SERVER__WORKERS": "many"}), "FTPD_SERVER__WORKERS")


def test_check_config_says_yes_and_starts_nothing(run, tmp_path):
    path = write(tmp_path / "ok.conf", "[server]\nlisten = 127.0.0.1:0\nheader_timeout = 500ms\n[storage]\nroot = " +
                 f"{tmp_path / 'root'}\nmin_free = 64KiB\npart_expire = 7d\n")
    done = run("--config", path, "--check-config")
    assert done.returncode == 0 and "listening" not in done.stdout
    assert not (tmp_path / "root").exists()


def test_the_shipped_configuration_is_the_built_in_one(run):
    shipped = binaries.kProject / "config" / "ftpd.conf"
    assert run("--config", shipped, "--check-config").returncode == 0
    printed = [run("--config", shipped, "--print-config").stdout, run("--print-config").stdout]
    assert without_comments(printed[0]) == without_comments(printed[1]) != []


def test_print_config_can_be_read_back(run, tmp_path):
    text = run("--workers", "3", "--root", tmp_path / "x", "--print-config").stdout
    path = write(tmp_path / "printed.conf", text)
    assert without_comments(run("--config", path, "--print-config").stdout) == without_comments(text) != []


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_an_open_address_is_refused_unless_told_in_so_many_words(run, tmp_path, address):
    refused(run("--root", tmp_path, "--listen", address), "--insecure-no-auth")


def test_an_open_address_is_served_when_told_in_so_many_words(make_daemon):
    daemon = make_daemon(options=["--listen", "0.0.0.0:0", "--insecure-no-auth"])
    with Peer(("127.0.0.1", daemon.port)) as peer:
        assert peer.ask("ping")["ok"]


def test_a_port_in_use_is_named_and_nothing_is_half_started(run, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        refused(run("--root", tmp_path, "--listen", "127.0.0.1:0", "--listen", address), address)


def test_a_second_daemon_on_the_same_root_refuses_to_start(make_daemon):
    first = make_daemon()
    second = make_daemon(start=False, root=first.root)
    with pytest.raises(StartError) as refusal:
        second.start()
    assert refusal.value.code == kUsage and str(first.root) in refusal.value.log
    with Peer(first.address) as peer:
        assert peer.ask("ping")["ok"]


def test_a_root_that_is_a_file_is_refused(run, tmp_path):
    path = write(tmp_path / "file", "")
    refused(run("--root", path, "--listen", "127.0.0.1:0"), path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_daemon_at_once_with_0(make_daemon, number):
    daemon = make_daemon(config={"server": {"drain_timeout": "1h"}})
    idle = [Peer(daemon.address) for _ in range(5)]
    assert idle[0].ask("ping")["ok"]
    daemon.stop(number)
    assert all(peer.ended() for peer in idle)


def test_draining_lets_a_running_put_finish_and_accepts_no_one_else(make_daemon):
    daemon = make_daemon(config={"server": {"drain_timeout": "1h"}})
    data = os.urandom(300000)
    with Peer(daemon.address) as peer:
        message = put_v1("a", data)
        peer.send(message[:150000])
        wait_until(lambda: daemon.staged(), what="the put to begin")
        daemon.send_signal(signal.SIGTERM)
        wait_until(lambda: not answers(daemon), what="new connections to be refused")
        peer.send(message[150000:])
        assert peer.read_frame()["md5"] == md5(data)
    daemon.stop()
    assert (daemon.root / "a").read_bytes() == data


def answers(daemon):
    try:
        with Peer(daemon.address) as peer:
            peer.send(frame(v1("ping")))
            return bool(peer.read_some())
    except (Closed, ConnectionError):
        return False


def test_the_drain_limit_cuts_what_does_not_finish(make_daemon):
    daemon = make_daemon(config={"server": {"drain_timeout": "300ms"}})
    with Peer(daemon.address) as peer:
        peer.send(put_v1("a", bytes(100000))[:50000])
        wait_until(lambda: daemon.staged(), what="the put to begin")
        begun = time.monotonic()
        daemon.stop()
        assert time.monotonic() - begun < 28, "the least rate of a body, over 30 s, may have cut it"
        assert peer.ended()
    assert daemon.visible() == set()


def test_the_json_log_is_one_object_a_line_and_names_the_command(make_daemon):
    daemon = make_daemon(options=["--log-format", "json", "--log-level", "debug"])
    with Peer(daemon.address) as peer:
        assert peer.put("logged.txt", b"12345")["ok"]
    daemon.stop()
    events = [json.loads(line) for line in daemon.log().splitlines()]
    assert any("logged.txt" in json.dumps(event) and "put" in json.dumps(event) for event in events)


def test_the_log_level_keeps_the_daemon_quiet(make_daemon):
    daemon = make_daemon(options=["--log-level", "error"])
    with Peer(daemon.address) as peer:
        assert peer.put("a", b"1")["ok"]
    daemon.stop()
    assert daemon.log() == ""
