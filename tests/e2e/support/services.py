"""Daemons with services beside files: configuration, and the addresses that their ready lines tell."""

import re
import struct
import sys

from support.binaries import kProject
from support.daemon import kStartDeadline
from support.wire import Peer, frame, v1

sys.path.insert(0, str(kProject / "tests"))

kServiceLine = re.compile(r"^ftpd: (\S+) listening on (.+):(\d+)$")
kFree = "127.0.0.1:0"


def addresses_of(daemon, count):
    """The next `count` ready lines as {name: (host, port)}."""
    found = {}
    for _ in range(count):
        line = daemon._read_line(kStartDeadline)
        match = kServiceLine.match(line)
        assert match, f"not a service's ready line: {line!r}"
        found[match.group(1)] = (match.group(2), int(match.group(3)))
    return found


def start_services(make_daemon, config, count):
    """(daemon, {name: address}) of a daemon with this configuration and so many services."""
    daemon = make_daemon(config=config)
    return daemon, addresses_of(daemon, count)


class ExecPeer(Peer):
    """A connection that runs commands over version 1."""

    def begin(self, **fields):
        self.send(frame(v1("exec", **fields)))

    def outcome(self):
        """(reply, standard output, standard error) of the command that runs."""
        outputs = {"stdout": bytearray(), "stderr": bytearray()}
        while True:
            header = self.read_frame()
            if header.get("cmd") != "output":
                return header, bytes(outputs["stdout"]), bytes(outputs["stderr"])
            outputs[header["stream"]] += self.read(header["filesize"])

    def run(self, **fields):
        self.begin(**fields)
        return self.outcome()

    def shell(self, command, **fields):
        return self.run(shell=command, **fields)

    def input(self, data):
        self.send(frame(v1("input", filesize=len(data))) + data)

    def first_output(self):
        header = self.read_frame()
        assert header["cmd"] == "output", header
        return self.read(header["filesize"])


def plain_answer(read):
    """(header, output) of one answer of the plain command line; read(n) gives exactly n bytes."""
    import json
    header = json.loads(read(struct.unpack("<i", read(4))[0]).decode("utf-8"))
    return header, read(header["total_size"])
