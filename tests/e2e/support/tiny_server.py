"""A server in a page of Python: honest here, and the base of those that are not.

It speaks enough of both forms for ftpc and for the self-checks: one thread per connection, files in a dict.
"""

import socket

from support.loopback_server import LoopbackServer
from support.wire import Closed, Peer, chunk, frame, kEnd, md5, trailer


def folder_of(name):
    return name.rpartition("/")[0]


class TinyServer(LoopbackServer):
    """A subclass changes one `on_<command>` to misbehave in one way.

    An `on_` method gets the Peer and the request, and has to send the reply (and body) itself; when it returns
    False, the connection is closed.
    """

    def __init__(self, files=None):
        self.files = dict(files or {})
        self.requests = []
        self._peers = []
        super().__init__()

    def _end_connections(self):
        for peer in self._peers:
            try:
                peer.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def _take(self, sock):
        peer = Peer(sock=sock, timeout=60)
        self._peers.append(peer)
        self._spawn(self._serve, peer)

    def _serve(self, peer):
        with peer:
            try:
                while self.serve_one(peer):
                    pass
            except (Closed, OSError):
                return

    def serve_one(self, peer):
        request = peer.read_frame()
        self.requests.append(request)
        answer = getattr(self, "on_" + request.get("cmd", ""), self.on_unknown)
        return answer(peer, request) is not False

    @staticmethod
    def reply(peer, request, **fields):
        """One reply frame, in the form of the request and with its id."""
        header = dict(fields)
        if "v" in request:
            header = {"v": 1, "cmd": request["cmd"], "ok": "error" not in fields, **fields}
            if "id" in request:
                header["id"] = request["id"]
        peer.send(frame(header))

    def on_unknown(self, peer, request):
        self.reply(peer, request, error="unsupported", message="not here")

    def on_hello(self, peer, request):
        self.reply(peer, request, server="tiny/1", versions=[1], digests=["md5"],
                   commands=["put", "get", "offer", "list", "stat", "ping", "hello"],
                   limits={"header": 65536, "chunk": 1 << 20, "pipeline": 16})

    def on_ping(self, peer, request):
        self.reply(peer, request)

    def on_mkdir(self, peer, request):
        self.reply(peer, request)

    def on_check(self, peer, request):
        self.reply(peer, request, need=list(range(len(request["names"]))))

    def on_offer(self, peer, request):
        self.reply(peer, request, action="send", offset=0)

    def on_stat(self, peer, request):
        name = request.get("filename", "")
        if name in self.files:
            self.reply(peer, request, filename=name, type="file", filesize=len(self.files[name]),
                       mtime=1700000000, mtime_ns=1700000000 * 10**9, mode=0o644)
        elif name == "" or any(file.startswith(name + "/") for file in self.files):
            self.reply(peer, request, filename=name, type="dir", filesize=0,
                       mtime=1700000000, mtime_ns=1700000000 * 10**9, mode=0o755)
        else:
            self.reply(peer, request, error="not_found", message="no such file")

    def on_list(self, peer, request):
        name = request.get("filename", "")
        entries = [{"name": file.rpartition("/")[2], "type": "file", "size": len(data), "mtime": 1700000000,
                    "mtime_ns": 1700000000 * 10**9, "mode": 0o644}
                   for file, data in self.files.items() if folder_of(file) == name]
        self.reply(peer, request, filename=name, entries=entries)

    def on_put(self, peer, request):
        if request.get("body") == "chunks":
            data, end = peer.read_chunks()
            whole = end["ok"]
        else:
            data, whole = peer.read(request["filesize"]), True
        if not whole:
            self.reply(peer, request, error=end["error"], message="given up")
            return
        self.files[request["filename"]] = data
        if "v" in request:
            self.reply(peer, request, filename=request["filename"], filesize=len(data), md5=md5(data))

    def on_get(self, peer, request):
        name = request["filename"]
        if name not in self.files:
            size = {} if "v" in request else {"filename": name, "filesize": 0}
            self.reply(peer, request, error="not_found", message="no such file", **size)
            return
        self.send_file(peer, request, self.files[name])

    def send_file(self, peer, request, data):
        fields = {"filename": request["filename"], "filesize": len(data)}
        if "v" in request:
            fields.update(mtime=1700000000, mtime_ns=1700000000 * 10**9, mode=0o644)
        if "have" in request:
            fields["offset"] = 0
        if request.get("body") == "chunks":
            self.reply(peer, request, **fields)
            peer.send((chunk(data) if data else b"") + kEnd + trailer(len(data), value=md5(data)))
        else:
            self.reply(peer, request, md5=md5(data), **fields)
            peer.send(data)
