"""Fixtures of the whole-program tests: a daemon of the module, daemons of one's own, connections, clients."""

import os
import tempfile

import pytest

from support import binaries
from support.accounts import Accounts, kPassword
from support.client import Client
from support.daemon import Daemon
from support.wire import Peer


def program(name):
    path = binaries.find(name)
    if path is None:
        pytest.fail(f"no {name}: build it first, or name it with {name.upper()}_BIN", pytrace=False)
    return path


@pytest.fixture(scope="session")
def ftpd_binary():
    return program("ftpd")


@pytest.fixture(scope="session")
def ftpc_binary():
    return program("ftpc")


@pytest.fixture(scope="module")
def daemon(ftpd_binary, tmp_path_factory):
    """A daemon that the tests of one module share; they use different names in it."""
    shared = Daemon(tmp_path_factory.mktemp("daemon"))
    shared.start()
    yield shared
    shared.stop()


@pytest.fixture
def make_daemon(ftpd_binary, tmp_path):
    """make_daemon(**Daemon's arguments) starts a daemon for one test; each must end with 0 at the test's end."""
    started = []

    def make(start=True, **arguments):
        made = Daemon(tmp_path / f"daemon{len(started)}", **arguments)
        started.append(made)
        return made.start() if start else made

    yield make
    for made in started:
        made.stop()


@pytest.fixture
def connect(request):
    """connect() is a new Peer of the module's daemon; connect(other) of another one."""
    peers = []

    def open_peer(target=None, **more):
        target = target or request.getfixturevalue("daemon")
        peers.append(Peer(target.address, **more))
        return peers[-1]

    yield open_peer
    for peer in peers:
        peer.close()


@pytest.fixture
def make_client(ftpc_binary, tmp_path):
    """make_client(server) is an ftpc with a working folder of its own."""
    made = []

    def make(server=None):
        made.append(Client(tmp_path / f"client{len(made)}", server))
        return made[-1]

    return make


@pytest.fixture
def ftpc(make_client, daemon):
    """ftpc on the module's daemon."""
    return make_client(daemon.server)


@pytest.fixture
def needs_memory_figures(ftpd_binary, ftpc_binary):
    if binaries.sanitized(ftpd_binary) or binaries.sanitized(ftpc_binary):
        pytest.skip("a sanitizer is built in: its memory is not the program's")


@pytest.fixture
def needs_root():
    if os.geteuid() != 0:
        pytest.skip("needs root")


@pytest.fixture
def accounts(tmp_path):
    made = Accounts(tmp_path / "accounts")
    made.add("anna", kPassword)
    return made


@pytest.fixture
def guarded(make_daemon, accounts):
    accounts.daemon = make_daemon(config=accounts.config())
    return accounts.daemon


@pytest.fixture
def anna(make_client, guarded, accounts):
    """anna's ftpc; anna(words) runs it logged in by password."""
    client = make_client(guarded.server)
    (client.folder / "a.txt").write_text("hello")
    login = ["--user", "anna", "--password-file", accounts.secret(kPassword)]
    client.as_anna = lambda *words, **more: client.run(*login, *words, **more)
    return client


@pytest.fixture
def open_folder():
    """A folder that every user may enter: pytest's own is closed to others, anew whenever another pytest starts."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        yield place
