"""What the operands of ftpc name: servers, remote names written like local ones, and which of them a failure is about."""


def test_a_wrong_server_in_the_configuration_stops_only_who_uses_it(ftpc, make_client):
    config = ftpc.home / "config/ftpc/config"
    config.parent.mkdir(parents=True)
    config.write_text("[default]\n\nserver = a:b\n")
    ftpc.ok("ping")
    ftpc.server = None
    assert f"{config}:3: server 'a:b'".encode() in ftpc.run("ping", code=2).err
