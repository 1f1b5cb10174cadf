"""A relay that cuts: it passes a number of bytes from the clients to a server, and then ends all connections."""

import socket
import struct
import threading

BLOCK = 1 << 20


class CuttingRelay:
    def __init__(self, server: tuple[str, int], budget: int):
        self._server = server
        self._budget = budget
        self._lock = threading.Lock()
        self._clients: list[socket.socket] = []
        self._servers: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "CuttingRelay":
        return self

    def __exit__(self, *_: object) -> None:
        self._cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
            except OSError:
                return
            with self._lock:
                self._clients.append(client)
                self._servers.append(server)
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
            threading.Thread(target=self._back, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        buffer = memoryview(bytearray(BLOCK))
        try:
            while size := client.recv_into(buffer):
                with self._lock:
                    allowed = min(size, self._budget)
                    self._budget -= allowed
                server.sendall(buffer[:allowed])
                if allowed < size:
                    self._cut()
                    return
            server.shutdown(socket.SHUT_WR)
        except OSError:
            return

    @staticmethod
    def _back(server: socket.socket, client: socket.socket) -> None:
        try:
            while data := server.recv(65536):
                client.sendall(data)
        except OSError:
            return

    def _cut(self) -> None:
        """Towards the server an orderly end, so that it keeps all that it was sent; towards the client a reset."""
        with self._lock:
            clients, servers, self._clients, self._servers = self._clients, self._servers, [], []
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for one in (self._listener, *servers, *clients):
            _end(one)


def _end(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()
