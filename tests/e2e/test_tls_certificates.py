"""The daemon's certificate and its key: those that clients would refuse, and keys that others may use."""

import signal

import pytest

from support.certificates import Authority, der_of, openssl, tls_config, tls_peer
from support.daemon import run_to_end
from support.waiting import wait_until

kPast = "20210101000000Z"


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


def check(folder, certificate, key):
    """`ftpd --check-config` with these files."""
    (folder / "ftpd.conf").write_text(f"[tls]\ncertificate = {certificate}\nkey = {key}\n")
    return run_to_end(folder, "--config", "ftpd.conf", "--check-config")


@pytest.mark.parametrize("time, words", [
    ({"ends": kPast}, "it ended at 2021-01-01T00:00:00Z"),
    ({"begins": "20390101000000Z"}, "it begins at 2039-01-01T00:00:00Z"),
])
def test_a_certificate_that_clients_refuse_for_its_time_is_complained_about(make_daemon, authority, tmp_path, time, words):
    certificate, key = authority.issue(**time)
    said = check(tmp_path, certificate, key)
    assert said.returncode == 0 and f"but [tls] certificate: {certificate}: {words}" in said.stdout
    daemon = make_daemon(config=tls_config(certificate, key))
    wait_until(lambda: "tls-certificate" in daemon.log(), what="the daemon has complained")
    line = next(line for line in daemon.log().splitlines() if "tls-certificate" in line)
    assert "ERROR" in line.upper() and f"{certificate}: {words}" in line and "clients refuse it" in line


def test_a_reload_keeps_a_good_certificate_instead_of_one_that_has_ended_and_is_not_called_ok(make_daemon, authority):
    certificate, key = authority.issue()
    daemon = make_daemon(config=tls_config(certificate, key))
    good = der_of(certificate)
    for source, target in zip(authority.issue(ends=kPast), (certificate, key)):
        source.rename(target)
    daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: " reload " in daemon.log())
    assert "tls-kept" in daemon.log() and f"{certificate}: it ended at 2021" in daemon.log()
    line = next(line for line in daemon.log().splitlines() if " reload " in line)
    assert "outcome=partly" in line and "the certificate" in line
    with tls_peer(daemon.address) as peer:
        assert peer.certificate() == good


def test_a_key_that_is_too_short_is_called_that(tmp_path):
    certificate, key = tmp_path / "weak.pem", tmp_path / "weak.key"
    openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-days", "30", "-keyout", key, "-out", certificate,
            "-subj", "/CN=localhost")
    key.chmod(0o600)
    said = check(tmp_path, certificate, key)
    assert said.returncode == 2
    assert f"{certificate}: the certificate's key is too short (RSA needs 2048 bits)" in said.stderr
    assert "PEM" not in said.stderr


@pytest.mark.parametrize("mode, good", [(0o600, True), (0o640, True), (0o660, False), (0o644, False), (0o602, False)])
def test_a_group_may_read_the_key_and_nobody_else_may_use_it(tmp_path, authority, mode, good):
    certificate, key = authority.issue()
    key.chmod(mode)
    said = check(tmp_path, certificate, key)
    assert said.returncode == (0 if good else 2)
    assert good or f"{key}: others can read or replace this private key" in said.stderr


def test_a_clients_key_that_others_may_read_is_refused(daemon, make_client, authority):
    certificate, key = authority.issue("anna")
    client = make_client(daemon.server)
    words = ["--tls", "--accept-new", "--cert", certificate, "--key", key, "ping"]
    client.ok(*words)
    for mode in (0o640, 0o604):
        key.chmod(mode)
        refused = client.run(*words, code=2)
        assert f"--key {key}: others than its owner may use it" in refused.err.decode() and b"chmod 600" in refused.err
