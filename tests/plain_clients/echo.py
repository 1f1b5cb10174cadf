"""echo.py HOST PORT tcp|udp TEXT...: what comes back is in upper case."""

import socket
import sys


class EchoTcp:
    def __init__(self, address):
        self.client = socket.create_connection(address)

    def say(self, data):
        self.client.send(data)
        return self.client.recv(1024)

    def close(self):
        self.client.close()


class EchoUdp:
    def __init__(self, address):
        self.address = address
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def say(self, data):
        self.client.sendto(data, self.address)
        return self.client.recvfrom(1024)[0]

    def close(self):
        self.client.close()


if __name__ == "__main__":
    kind = EchoTcp if sys.argv[3] == "tcp" else EchoUdp
    echo = kind((sys.argv[1], int(sys.argv[2])))
    for text in sys.argv[4:]:
        print(echo.say(text.encode("utf-8")).decode("utf-8"))
