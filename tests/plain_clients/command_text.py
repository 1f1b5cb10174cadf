"""command_text.py HOST PORT COMMAND...: the older form; the length in decimal text, recv_ready, the output."""

import socket
import sys


class CommandText:
    def __init__(self, address):
        self.client = socket.create_connection(address)

    def run(self, command, ready=b"recv_ready"):
        self.client.send(command.encode("utf-8"))
        size = int(self.client.recv(1024).decode())
        self.client.send(ready)
        received = b""
        while len(received) < size:
            data = self.client.recv(1024)
            if not data:
                raise EOFError("the server closed the connection")
            received += data
        return received

    def close(self):
        self.client.close()


if __name__ == "__main__":
    line = CommandText((sys.argv[1], int(sys.argv[2])))
    for words in sys.argv[3:]:
        sys.stdout.buffer.write(line.run(words))
