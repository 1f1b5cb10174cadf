"""Ctrl-C ends ftpc while it waits for a local file that is a pipe; pipes work where they make sense, and hold up nothing elsewhere."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from support.accounts import kPassword
from support.certificates import Authority, tls_config
from support.environment import clean_environment
from support.waiting import wait_until


def minds_interrupts(pid):
    mask = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigBlk:"))
    return int(mask.split()[1], 16) >> (signal.SIGINT - 1) & 1


def waits(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def interrupted(running, number=signal.SIGINT):
    """Sends the signal once the client minds it and waits for something; how the client ended."""
    wait_until(lambda: minds_interrupts(running.pid) and waits(running.pid), what="a client that waits")
    running.send_signal(number)
    try:
        running.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        running.kill()
        running.communicate()
    return running.returncode


@pytest.fixture
def pipe(ftpc):
    os.mkfifo(ftpc.folder / "pipe", 0o600)
    return ftpc.folder / "pipe"


@pytest.fixture
def silent():
    """The end of a pipe to read from; its other end is open and says nothing."""
    read, write = os.pipe()
    yield read
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("number,code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("words", [["get", "a.txt", "-o", "pipe"], ["--user", "u", "--password-file", "pipe", "ls"],
                                   ["--token-file", "pipe", "ls"], ["--user", "u", "--identity", "pipe", "ls"]],
                         ids=["get", "password", "token", "identity"])
def test_a_wait_for_the_other_end_of_a_pipe_is_interrupted(ftpc, daemon, pipe, words, number, code):
    (daemon.root / "a.txt").write_bytes(b"a")
    assert interrupted(ftpc.start(*words), number) == code


def test_a_wait_for_a_password_on_a_descriptor_is_interrupted(ftpc, silent):
    assert interrupted(ftpc.start("--user", "u", "--password-fd", "0", "ls", stdin=silent)) == 130


def test_a_file_goes_to_a_pipe_whose_reader_comes_late(ftpc, daemon, pipe):
    data = os.urandom(300_000)
    (daemon.root / "late").write_bytes(data)
    running = ftpc.start("get", "late", "-o", "pipe")
    wait_until(lambda: minds_interrupts(running.pid), what="a client that has begun")
    assert pipe.read_bytes() == data
    assert running.wait(timeout=10) == 0
    running.communicate()


def test_a_password_is_read_from_a_pipe_whose_writer_comes_late(anna, guarded):
    os.mkfifo(anna.folder / "pipe", 0o600)
    running = anna.start("--user", "anna", "--password-file", "pipe", "ls")
    wait_until(lambda: minds_interrupts(running.pid), what="a client that has begun")
    with open(anna.folder / "pipe", "w", encoding="utf-8") as pipe:
        pipe.write(kPassword[:4])
        pipe.flush()
        pipe.write(kPassword[4:] + "\n")
    _, err = running.communicate(timeout=20)
    assert running.returncode == 0, err


@pytest.mark.parametrize("words", [["--ca", "pipe", "ping"], ["--cert", "pipe", "--key", "pipe", "ping"]], ids=["ca", "cert"])
def test_a_pipe_with_a_name_is_no_file_for_trust(ftpc, pipe, words):
    assert b"pipe: is not a regular file" in ftpc.run(*words, code=2, deadline=20).err


@pytest.mark.parametrize("name", ["config/ftpc/config", "state/ftpc/known_hosts"])
def test_a_pipe_in_the_place_of_a_file_of_ftpc_is_refused(ftpc, name):
    (ftpc.home / name).parent.mkdir(parents=True)
    os.mkfifo(ftpc.home / name)
    assert b"is a pipe, not a file" in ftpc.run("--tls", "--accept-new", "ping", code=2, deadline=20).err


def test_a_pipe_in_the_usual_place_of_a_key_is_no_key(guarded, make_client):
    client = make_client(guarded.server)
    (client.home / ".ssh").mkdir()
    os.mkfifo(client.home / ".ssh/id_ed25519", 0o600)
    assert b"no key here" in client.run("--user", "anna", "ls", code=11, deadline=20).err


def start_with(client, descriptor, *words):
    return subprocess.Popen(client.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            cwd=client.folder, env=clean_environment(client.home), pass_fds=[descriptor])


def test_certificates_come_from_a_pipe_without_a_name_and_the_wait_for_them_is_interrupted(make_daemon, make_client, tmp_path, silent):
    authority = Authority(tmp_path / "authority")
    daemon = make_daemon(config=tls_config(*authority.issue()))
    client = make_client(daemon.server)
    assert interrupted(start_with(client, silent, "--ca", f"/dev/fd/{silent}", "ping")) == 130
    read, write = os.pipe()
    os.write(write, authority.file.read_bytes())
    os.close(write)
    running = start_with(client, read, "--ca", f"/dev/fd/{read}", "ping")
    os.close(read)
    _, err = running.communicate(timeout=20)
    assert running.returncode == 0, err
