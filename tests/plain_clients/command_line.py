"""command_line.py HOST PORT total_size|data_size|greeting COMMAND...: a bare command; length, JSON header and output come back.

The two kinds of client differ in the key that they read. The third waits for a greeting first.
"""

import json
import socket
import struct
import sys


class CommandLine:
    def __init__(self, address, key="total_size", greeting=False):
        self.key = key
        self.client = socket.create_connection(address)
        self.greeting = self.client.recv(1024).decode("utf-8") if greeting else None

    def run(self, command):
        self.client.send(command if isinstance(command, bytes) else command.encode("utf-8"))
        return self.answer()[1]

    def answer(self):
        header_size = struct.unpack("i", self.read(4))[0]
        header = json.loads(self.read(header_size).decode("utf-8"))
        return header, self.read(header[self.key])

    def read(self, size):
        data = b""
        pieces = []
        while size > 0:
            data = self.client.recv(min(size, 65536))
            if not data:
                raise EOFError("the server closed the connection")
            pieces.append(data)
            size -= len(data)
        return b"".join(pieces)

    def close(self):
        self.client.close()


if __name__ == "__main__":
    kind = sys.argv[3]
    line = CommandLine((sys.argv[1], int(sys.argv[2])), "total_size" if kind == "greeting" else kind, kind == "greeting")
    if line.greeting:
        print(line.greeting)
    for words in sys.argv[4:]:
        sys.stdout.buffer.write(line.run(words))
