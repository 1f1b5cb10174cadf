"""put.py HOST PORT FILE: struct-packed length, JSON header, the bytes; no answer."""

import json
import os
import socket
import struct
import sys


def put(address, path, name=None):
    with socket.create_connection(address) as client:
        header = json.dumps({"cmd": "put", "filename": name or os.path.basename(path), "filesize": os.path.getsize(path)})
        client.send(struct.pack("i", len(header)))
        client.send(header.encode("utf-8"))
        with open(path, "rb") as file:
            for line in file:
                client.sendall(line)


if __name__ == "__main__":
    put((sys.argv[1], int(sys.argv[2])), sys.argv[3])
