"""Whom ftpc trusts over TLS, and what it says when it does not."""

import contextlib
import socket
import threading

import pytest

from support.certificates import Authority, fingerprint, tls_config
from support.daemon import run_to_end
from support.terminal import Terminal

kRefused = 16


def knows(name):
    with contextlib.suppress(OSError):
        return bool(socket.getaddrinfo(name, 0))
    return False


def known_hosts(client):
    path = client.home / "state" / "ftpc" / "known_hosts"
    return path.read_text() if path.exists() else ""


def printed_fingerprint(daemon):
    done = run_to_end(daemon.folder, "--config", daemon.config_path, "--print-fingerprint")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def on_terminal(client, *words):
    return Terminal(client.command(*words), client.folder, client.home)


@pytest.fixture
def file(ftpc):
    (ftpc.folder / "a.txt").write_bytes(b"hello over TLS\n")
    return "a.txt"


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


def test_an_unknown_server_is_refused_without_a_terminal_and_nothing_is_sent(daemon, ftpc, file):
    done = ftpc.run("--tls", "put", file, "-t", "unknown.txt", code=kRefused)
    assert printed_fingerprint(daemon).encode() in done.err
    assert b"is not known yet" in done.err and b"--accept-new" in done.err
    assert "unknown.txt" not in daemon.visible()
    assert known_hosts(ftpc) == ""


def test_ping_tells_how_the_line_is_encrypted(daemon, ftpc):
    pin = printed_fingerprint(daemon)
    assert b"TLSv1.3 TLS_AES_128_GCM_SHA256, key " + pin.encode() in ftpc.ok("--pin", pin, "-v", "ping").out
    told = ftpc.ok("--pin", pin, "--json", "ping").lines()[-1]
    assert (told["tls"], told["cipher"], told["fingerprint"]) == ("TLSv1.3", "TLS_AES_128_GCM_SHA256", pin)
    assert b"TLS" not in ftpc.ok("-v", "ping").out
    assert "tls" not in ftpc.ok("--json", "ping").lines()[-1]


def test_json_tells_an_identity_problem_as_one(ftpc):
    done = ftpc.run("--tls", "--json", "ping", code=kRefused)
    assert done.lines()[-1]["code"] == "identity"


def test_yes_on_a_terminal_is_remembered(daemon, ftpc):
    terminal = on_terminal(ftpc, "--tls", "ping")
    terminal.read_until(b"Trust it from now on?")
    assert printed_fingerprint(daemon).encode() in terminal.shown
    terminal.type(b"yes\n")
    assert terminal.wait() == 0, terminal.shown
    assert known_hosts(ftpc) == f"{daemon.server} {printed_fingerprint(daemon)}\n"
    ftpc.ok("--tls", "ping")


def test_the_fingerprint_typed_on_a_terminal_is_a_yes_and_another_one_is_a_no(daemon, make_client):
    right, wrong = make_client(daemon.server), make_client(daemon.server)
    terminal = on_terminal(right, "--tls", "ping")
    terminal.read_until(b"Trust it from now on?")
    terminal.type(printed_fingerprint(daemon).encode() + b"\n")
    assert terminal.wait() == 0, terminal.shown
    terminal = on_terminal(wrong, "--tls", "ping")
    terminal.read_until(b"Trust it from now on?")
    terminal.type(b"SHA256:" + b"A" * 43 + b"\n")
    assert terminal.wait() == kRefused
    assert known_hosts(wrong) == ""


def test_no_on_a_terminal_is_a_refusal(ftpc):
    terminal = on_terminal(ftpc, "--tls", "ping")
    terminal.read_until(b"Trust it from now on?")
    terminal.type(b"no\n")
    assert terminal.wait() == kRefused
    assert known_hosts(ftpc) == ""


def test_ctrl_c_at_the_question_ends_the_program(ftpc):
    terminal = on_terminal(ftpc, "--tls", "ping")
    terminal.read_until(b"Trust it from now on?")
    terminal.type(b"\x03")
    assert terminal.wait() == 130


def test_accept_new_trusts_the_first_key_and_no_other(daemon, ftpc, file):
    ftpc.ok("--accept-new", "put", file)
    before = known_hosts(ftpc)
    assert printed_fingerprint(daemon) in before
    ftpc.ok("--tls", "get", file, "-o", "back.txt")
    path = ftpc.home / "state" / "ftpc" / "known_hosts"
    path.write_text(before.replace(printed_fingerprint(daemon), "SHA256:" + "B" * 43))
    changed = path.read_text()
    for words in (["--tls"], ["--accept-new"]):
        done = ftpc.run(*words, "put", file, "-t", "changed.txt", code=kRefused)
        assert b"HAS CHANGED" in done.err and b"known_hosts:1" in done.err and b"Nothing was sent" in done.err
    assert path.read_text() == changed
    assert "changed.txt" not in daemon.visible()


def test_a_pin_is_all_that_counts(daemon, ftpc):
    pin = printed_fingerprint(daemon)
    ftpc.ok("--pin", pin, "ping")
    ftpc.ok("--pin", "SHA256:" + "A" * 43, "--pin", pin, "ping")
    ftpc.ok("--pin", pin.replace("SHA256:", "sha256//") + "=", "ping")
    done = ftpc.run("--pin", "SHA256:" + "A" * 43, "ping", code=kRefused)
    assert pin.encode() in done.err
    ftpc.run("--pin", "SHA256:short", "ping", code=2)
    ftpc.run("--no-tls", "--pin", pin, "ping", code=2)
    assert known_hosts(ftpc) == ""


def test_a_server_that_the_authority_has_signed_is_trusted_by_its_address(make_daemon, make_client, authority):
    daemon = make_daemon(config=tls_config(*authority.issue()))
    make_client(daemon.server).ok("--ca", authority.file, "ping")


@pytest.mark.skipif(not knows("localhost"), reason="this machine has no name localhost (/etc/hosts)")
def test_a_server_that_the_authority_has_signed_is_trusted_by_its_name(make_daemon, make_client, authority):
    daemon = make_daemon(config=tls_config(*authority.issue()))
    make_client(f"localhost:{daemon.port}").ok("--ca", authority.file, "ping")


@pytest.mark.parametrize("issue, words", [
    (dict(ends="20210101000000Z"), b"its certificate expired on 2021-01-01"),
    (dict(begins="20390101000000Z"), b"its certificate is not valid before 2039-01-01"),
    (dict(name="other.example", names="DNS:other.example,DNS:b.example"),
     b"its certificate is for other.example, b.example, not for 127.0.0.1"),
])
def test_a_certificate_that_is_not_good_is_refused_in_words(make_daemon, make_client, authority, issue, words):
    daemon = make_daemon(config=tls_config(*authority.issue(**issue)))
    client = make_client(daemon.server)
    assert words in client.run("--ca", authority.file, "ping", code=kRefused).err
    client.run("--tls", "ping", code=kRefused)


def test_a_certificate_of_another_authority_or_of_itself_is_refused_in_words(make_daemon, make_client, authority, tmp_path):
    other = Authority(tmp_path / "other")
    daemon = make_daemon(config=tls_config(*other.issue()))
    done = make_client(daemon.server).run("--ca", authority.file, "ping", code=kRefused)
    assert b"signed by an authority that is not trusted here" in done.err
    own = make_daemon()
    done = make_client(own.server).run("--ca", authority.file, "ping", code=kRefused)
    assert b"its certificate is signed by itself" in done.err


def test_files_that_cannot_be_used_are_named(daemon, ftpc, authority):
    assert b"missing.pem" in ftpc.run("--ca", "missing.pem", "ping", code=2).err
    certificate, key = authority.issue()
    assert b"go together" in ftpc.run("--cert", certificate, "ping", code=2).err
    assert b"--key" in ftpc.run("--cert", certificate, "--key", authority.file, "ping", code=2).err
    ftpc.ok("--accept-new", "--cert", certificate, "--key", key, "ping")


def test_a_known_hosts_file_that_is_broken_is_named_with_its_line(daemon, ftpc):
    path = ftpc.home / "state" / "ftpc" / "known_hosts"
    path.parent.mkdir(parents=True)
    path.write_text(f"# mine\n{daemon.server} SHA256:broken\n")
    done = ftpc.run("--tls", "ping", code=2)
    assert b"known_hosts:2" in done.err


def test_the_configuration_of_the_client_can_ask_for_tls_and_an_authority(make_daemon, make_client, authority):
    daemon = make_daemon(config=tls_config(*authority.issue(), mode="required"))
    client = make_client(daemon.server)
    path = client.home / "config" / "ftpc" / "config"
    path.parent.mkdir(parents=True)
    path.write_text(f"[default]\ntls = yes\nca = {authority.file}\n")
    client.ok("ping")
    path.write_text("[default]\ntls = perhaps\n")
    assert b"must be yes or no" in client.run("ping", code=2).err


def talk(answer):
    """A server that waits for the first bytes and gives this answer; its "HOST:PORT"."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener:
            line, _ = listener.accept()
            with line:
                line.recv(4096)
                line.sendall(answer)
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_WR)
                    line.recv(4096)

    threading.Thread(target=serve, daemon=True).start()
    return "%s:%d" % listener.getsockname()


def test_a_server_that_does_not_speak_tls_is_told_in_words_and_never_talked_to_unencrypted(make_client):
    done = make_client(talk(b"HTTP/1.1 400 Bad Request\r\n\r\n")).run("--tls", "ping", code=kRefused)
    assert b"does not speak TLS" in done.err and b"--no-tls" in done.err
    done = make_client(talk(b"")).run("--tls", "--retry", "0", "ping", code=5)
    assert b"ended the connection when TLS began" in done.err


def test_the_daemon_says_in_words_that_tls_is_switched_off(make_daemon, make_client):
    daemon = make_daemon(config={"tls": {"mode": "off"}})
    done = make_client(daemon.server).run("--tls", "ping", code=kRefused)
    assert b"TLS is switched off here" in done.err
    make_client(daemon.server).ok("ping")


def test_the_printed_fingerprint_is_that_of_the_certificate(daemon, make_daemon, authority):
    own = daemon.folder / "state" / "ftpd" / "tls" / "certificate.pem"
    assert printed_fingerprint(daemon) == fingerprint(own)
    assert printed_fingerprint(daemon) in daemon.log()
    certificate, key = authority.issue()
    given = make_daemon(config=tls_config(certificate, key))
    assert printed_fingerprint(given) == fingerprint(certificate)
