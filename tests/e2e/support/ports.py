"""Ports that nobody else is given while a test has them."""

import socket


def reserved_port():
    """(socket, port) on 127.0.0.1: while the socket is open, the port is only for who asks for it by its number and sets SO_REUSEADDR.

    Nobody listens there until somebody does. A port that is merely looked for and given back may be another's a moment later.
    """
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", 0))
    return place, place.getsockname()[1]
