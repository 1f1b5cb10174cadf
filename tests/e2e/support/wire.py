"""The wire as bytes: frames, headers of both forms, chunked bodies, over a plain socket."""

import errno
import hashlib
import json
import socket
import struct

kHeaderLimit = 65536
kTimeout = 60.0
kEnd = struct.pack("<q", 0)
kEstablished = 1  # a state of tcp_info


class Closed(Exception):
    """The other side has ended the connection (orderly or by a reset)."""


def md5(data):
    return hashlib.md5(data).hexdigest()


def frame(header):
    """The bytes of one frame; `header` is a dict, or raw bytes for a header that no encoder would make."""
    text = header if isinstance(header, bytes) else json.dumps(header, ensure_ascii=False).encode()
    return struct.pack("<i", len(text)) + text


def v1(cmd, **fields):
    """A header of version 1."""
    return {"v": 1, "cmd": cmd, **fields}


def put_v1(name, data, **fields):
    """Header and raw body of a put, without a digest unless `fields` has one."""
    return frame(v1("put", filename=name, filesize=len(data), **fields)) + data


def put_plain(name, data, **fields):
    """A put as the twenty-line clients send it."""
    return frame({"cmd": "put", "filename": name, "filesize": len(data), **fields}) + data


def chunk(data):
    return struct.pack("<q", len(data)) + data


def hole(size):
    return struct.pack("<q", -size)


def trailer(size, digest="md5", value=None, **fields):
    header = {"v": 1, "cmd": "trailer", "ok": True, "filesize": size, **fields}
    if value is not None:
        header[digest] = value
    return frame(header)


class Peer:
    """One connection. Every read has a deadline of `timeout` seconds and raises Closed at the end of the stream."""

    def __init__(self, address=None, source=None, timeout=kTimeout, sock=None):
        self.socket = sock or socket.create_connection(address, timeout, (source, 0) if source else None)
        self.socket.settimeout(timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def still_there(self):
        """Has the other side left the connection open so far? Reads nothing."""
        return self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == kEstablished

    def reset(self):
        """Ends with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def finish(self):
        """Tells the other side that no more will come, and goes on reading; also what one that is gone already has said."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                raise

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed(str(error)) from None

    def send_torn(self, data, size=1):
        """Sends in pieces of `size` bytes, each in a segment of its own as far as the sender can say."""
        for at in range(0, len(data), size):
            self.send(data[at:at + size])

    def read_some(self, limit=65536):
        """Up to `limit` bytes; b"" at the end of the stream."""
        try:
            data = self.socket.recv(limit)
        except ConnectionResetError:
            return b""
        self.received += len(data)
        return data

    def read(self, size):
        """Exactly `size` bytes."""
        parts = []
        left = size
        while left > 0:
            data = self.read_some(min(left, 1 << 20))
            if not data:
                raise Closed(f"{left} of {size} bytes missing")
            parts.append(data)
            left -= len(data)
        return b"".join(parts)

    def read_frame(self):
        """The next header as a dict; fails where the frame is outside the protocol."""
        size = struct.unpack("<i", self.read(4))[0]
        assert 2 <= size <= kHeaderLimit, f"frame of {size} bytes"
        return json.loads(self.read(size).decode("utf-8"))

    def request(self, header, body=b""):
        """Sends one header (and body) and reads one reply."""
        self.send(frame(header) + body)
        return self.read_frame()

    def ask(self, cmd, **fields):
        """A request of version 1 without a body, and its reply."""
        return self.request(v1(cmd, **fields))

    def put(self, name, data, **fields):
        """A put of version 1 with a raw body, and its reply."""
        self.send(put_v1(name, data, **fields))
        return self.read_frame()

    def get(self, name, **fields):
        """(reply, body) of a get of version 1 with a raw body."""
        reply = self.ask("get", filename=name, **fields)
        size = reply.get("length", reply.get("filesize", 0)) if reply["ok"] else 0
        return reply, self.read(size)

    def get_plain(self, name):
        reply = self.request({"cmd": "get", "filename": name})
        return reply, self.read(reply["filesize"])

    def read_chunks(self, sink=None):
        """(bytes, trailer) of a chunked body; with `sink`, data goes to sink(bytes) and holes to sink(int) instead."""
        parts = []
        keep = sink or (lambda piece: parts.append(piece if isinstance(piece, bytes) else bytes(piece)))
        while True:
            size = struct.unpack("<q", self.read(8))[0]
            if size == 0:
                return b"".join(parts), self.read_frame()
            if size < 0:
                keep(-size)
                continue
            while size > 0:
                piece = self.read(min(size, 1 << 20))
                keep(piece)
                size -= len(piece)

    def get_chunks(self, name, **fields):
        """(reply, body, trailer) of a get with a chunked body; the last two are None after a refusal."""
        reply = self.ask("get", filename=name, body="chunks", **fields)
        return (reply, *self.read_chunks()) if reply["ok"] else (reply, None, None)

    def ended(self):
        """Reads on until the other side ends the connection; True when it did, False when the deadline came first."""
        try:
            while self.read_some():
                pass
        except (socket.timeout, TimeoutError):
            return False
        return True
