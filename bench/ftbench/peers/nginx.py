"""nginx with sendfile, GET and WebDAV PUT, plain and over TLS 1.3; curl as its client."""

import os
import subprocess
from pathlib import Path

from ftbench.daemon import Place, free_port
from ftbench.peers.peer import Peer
from ftbench.workspace import Workspace

CONFIG = """\
{user}daemon off;
worker_processes auto;
worker_rlimit_nofile 30000;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 14000; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 3600s;
  client_max_body_size 0;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  server {{
    listen {address}:{port}{tls};
{certificate}    root {root};
    dav_methods PUT;
    create_full_put_path on;
  }}
}}
"""


class Nginx(Peer):
    programs = ["nginx", "curl"]

    def __init__(self, workspace: Workspace, place: Place, tls: bool = False):
        super().__init__(workspace, place)
        self.tls = tls
        self.name = "nginx TLS + curl" if tls else "nginx + curl"
        self.verified = "in transit (AEAD)" if tls else "no"

    def start(self) -> None:
        if self.daemon:
            return
        self.port = free_port()
        certificate = ""
        if self.tls:
            key, chain = make_certificate(self.home)
            certificate = f"    ssl_certificate {chain};\n    ssl_certificate_key {key};\n    ssl_protocols TLSv1.3;\n"
        config = self.home / "nginx.conf"
        user = "user root;\n" if os.geteuid() == 0 else ""
        config.write_text(CONFIG.format(user=user, home=self.home, address=self.place.address, port=self.port, root=self.files,
                                        tls=" ssl" if self.tls else "", certificate=certificate))
        self.server("nginx", "-e", self.home / "error.log", "-c", config).wait_for_port(self.place, self.port)

    def _url(self, remote: str) -> str:
        return f"{'https' if self.tls else 'http'}://{self.place.address}:{self.port}/{remote}"

    def put_file(self, local: Path, remote: str) -> list[str]:
        return self.client("curl", "-qsSfk", "-H", "Expect:", "-T", local, self._url(remote))

    def get_file(self, remote: str, local: Path) -> list[str]:
        return self.client("curl", "-qsSfk", "-o", local, self._url(remote))


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate for loopback, signed by itself."""
    key, chain = folder / "key.pem", folder / "chain.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(chain)],
                   check=True, capture_output=True)
    return key, chain
