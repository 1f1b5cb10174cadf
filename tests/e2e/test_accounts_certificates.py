"""Client certificates: whom they let in, until when, and what is said about one that lets nobody in."""

import datetime

import pytest

from support.certificates import Authority, any_context, fingerprint, openssl, tls_config, tls_peer
from support.waiting import longer_and_longer, wait_until
from support.wire import Peer


def stamp(seconds):
    """The moment this many seconds from now, as openssl ca takes it."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime("%Y%m%d%H%M%SZ")


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


@pytest.fixture
def server(make_daemon, authority, accounts):
    accounts.run("certificate", "add", "anna", "anna")
    certificate, key = authority.issue()
    accounts.daemon = make_daemon(config={**accounts.config(), **tls_config(certificate, key, client_ca=authority.file)})
    return accounts.daemon


@pytest.fixture
def client(make_client, server, authority):
    made = make_client(server.server)
    made.with_certificate = lambda pair, *words, **more: made.run(
        "--tls", "--ca", authority.file, "--cert", pair[0], "--key", pair[1], *words, **more)
    return made


def test_a_client_certificate_is_its_user_without_a_log_in(client, accounts, authority, tmp_path):
    client.with_certificate(authority.issue("anna"), "ls", code=0)
    own = tmp_path / "own.pem", tmp_path / "own.key"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=bert",
            "-keyout", own[1], "-out", own[0])
    accounts.run("certificate", "add", "anna", fingerprint(own[0]))
    client.with_certificate(own, "ls", code=0)
    accounts.run("certificate", "rm", "anna", fingerprint(own[0]))
    client.with_certificate(own, "ls", code=11)


def test_who_is_known_by_a_certificate_may_say_so_and_nobody_else_may(client, accounts, authority):
    accounts.add("bert")
    good = authority.issue("anna")
    (client.folder / "many").mkdir()
    for number in range(300):
        (client.folder / f"many/{number}.txt").write_text("x" * number)
    client.with_certificate(good, "--user", "anna", "put", "many", code=0)
    refused = client.with_certificate(good, "--user", "bert", "ls", code=11)
    assert b"nothing shows that you are this user" in refused.err
    refused = client.with_certificate(authority.issue("anna", ends="20210101000000Z"), "--user", "anna", "ls", code=11)
    assert b"it ended at 2021-01-01T00:00:00Z" in refused.err


@pytest.mark.parametrize("issue, words", [
    (lambda good, _: good.issue("anna", ends="20210101000000Z"), "it ended at 2021-01-01T00:00:00Z"),
    (lambda good, _: good.issue("anna", begins="20390101000000Z"), "it begins at 2039-01-01T00:00:00Z"),
    (lambda _, other: other.issue("anna"), "no authority that is trusted here has signed it"),
    (lambda good, _: good.issue("anna", usage="serverAuth"), "it is made for another purpose"),
    (lambda good, _: good.issue("bert"), "no user has it"),
], ids=["ended", "not-yet", "other-authority", "purpose", "unmapped"])
def test_a_certificate_that_lets_nobody_in_is_told_why_at_both_ends(client, server, authority, tmp_path, issue, words):
    certificate = issue(authority, Authority(tmp_path / "other", name="Other"))
    refused = client.with_certificate(certificate, "ls", code=11)
    assert words in refused.err.decode() and "CN=" in refused.err.decode()
    line = next(line for line in server.log().splitlines() if "certificate-refused" in line)
    assert words in line and "CN=" in line and fingerprint(certificate[0]) in line


def test_a_certificate_that_ends_lets_nobody_do_more_on_a_connection_that_is_open(server, authority):
    def let_in(life):
        context = any_context()
        context.load_cert_chain(*authority.issue("anna", ends=stamp(life)))
        peer = tls_peer(server.address, context=context)
        return peer if peer.ask("stat", filename="")["ok"] else None

    anna = next(filter(None, map(let_in, longer_and_longer(4, "a request before the certificate ends"))))
    wait_until(lambda: not anna.ask("stat", filename="")["ok"], what="the certificate has ended")
    refused = anna.ask("stat", filename="")
    assert refused["error"] == "unauthenticated" and "lets nobody in: it ended at" in refused["message"]


def test_a_token_that_ends_lets_nobody_do_more_on_a_connection_that_is_open(guarded, accounts):
    def let_in(life):
        token = accounts.token("anna", f"short{life}", "--for", f"{life}s")
        peer = Peer(guarded.address)
        return peer if peer.ask("login", token=token)["ok"] and peer.ask("stat", filename="")["ok"] else None

    anna = next(filter(None, map(let_in, longer_and_longer(3, "a request before the token ends"))))
    wait_until(lambda: not anna.ask("stat", filename="")["ok"], what="the token has ended")
    refused = anna.ask("stat", filename="")
    assert refused["error"] == "unauthenticated" and "the token 'short" in refused["message"] and "' ended at" in refused["message"]
