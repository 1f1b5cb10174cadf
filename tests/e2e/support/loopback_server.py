"""What the servers of the tests share: a listener on a free loopback port, and a thread for each connection."""

import select
import socket
import threading

kTick = 0.05


class LoopbackServer:
    """A subclass says in `_take(sock)` what becomes of a connection; it is called by the thread that accepts."""

    def __init__(self):
        self._ended = threading.Event()
        self._threads = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._acceptor = self._spawn(self._accept)

    @property
    def address(self):
        return self._listener.getsockname()

    @property
    def server(self):
        return "%s:%d" % self.address

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._ended.set()
        self._acceptor.join(5)
        self._end_connections()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _end_connections(self):
        """Wakes the threads that do not look at `_ended`."""

    def _spawn(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self):
        while not self._ended.is_set():
            if select.select([self._listener], [], [], kTick)[0]:
                self._take(self._listener.accept()[0])
