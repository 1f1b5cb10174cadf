"""What the operands of ftpc name: servers, remote names written like local ones, and which of them a failure is about."""

import pytest


@pytest.fixture
def stored(ftpc, daemon):
    (daemon.root / "d").mkdir(exist_ok=True)
    (daemon.root / "d/a.txt").write_bytes(b"a")
    (daemon.root / "top").write_bytes(b"top")
    (ftpc.folder / "f").write_bytes(b"f")


def test_a_failed_mv_names_its_operand_first(ftpc, stored):
    assert ftpc.run("mv", "nothing", "x", code=4).err.startswith(b"ftpc: nothing: not found")
    assert ftpc.run("mv", "d/../top", "x", code=18).err.startswith(b"ftpc: d/../top: ")
    assert ftpc.run("--no-clobber", "mv", "d/a.txt", "top", code=13).err.startswith(b"ftpc: top: exists")
    assert ftpc.run("--json", "mv", "nothing", "x", code=4).lines()[-1]["name"] == "nothing"


def test_a_wrong_server_in_the_configuration_stops_only_who_uses_it(ftpc, make_client):
    config = ftpc.home / "config/ftpc/config"
    config.parent.mkdir(parents=True)
    config.write_text("[default]\n\nserver = a:b\n")
    ftpc.ok("ping")
    ftpc.server = None
    assert f"{config}:3: server 'a:b'".encode() in ftpc.run("ping", code=2).err
