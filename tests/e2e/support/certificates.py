"""Authorities and certificates of every kind, made with openssl; and lines of TLS in the hands of a test."""

import socket
import ssl
import subprocess
from pathlib import Path

from support.wire import Peer, kTimeout

kLongAgo = "20200101000000Z"
kFarAway = "20400101000000Z"

_AUTHORITY = """
[req]
prompt = no
distinguished_name = name
x509_extensions = authority
[name]
commonName = {name}
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
"""

_CONFIG = """
[ca]
default_ca = here
[here]
database = {folder}/index.txt
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
rand_serial = yes
policy = any
unique_subject = no
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
subjectAltName = {names}
{more}
"""


def openssl(*words):
    done = subprocess.run(["openssl", *[str(word) for word in words]], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, f"openssl {words}: {done.stderr}"
    return done.stdout


def fingerprint(certificate):
    """As ftpd prints it, from a PEM file."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], capture_output=True, check=True)
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key.stdout, capture_output=True,
                         check=True)
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=der.stdout, capture_output=True, check=True)
    text = subprocess.run(["openssl", "base64", "-A"], input=digest.stdout, capture_output=True, check=True)
    return "SHA256:" + text.stdout.decode().rstrip("=")


class Authority:
    """Signs certificates; `file` is its own, for --ca."""

    def __init__(self, folder, name="Test authority"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self.file = self.folder / "ca.pem"
        (self.folder / "index.txt").touch()
        config = self.folder / "ca.conf"
        config.write_text(_AUTHORITY.format(name=name))
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-keyout", self.folder / "ca.key", "-out", self.file, "-config", config)
        self.count = 0

    def issue(self, name="localhost", names="DNS:localhost,IP:127.0.0.1", begins=kLongAgo, ends=kFarAway,
              usage=""):
        """(certificate, key) files for these names and this time, and for this extended key usage."""
        self.count += 1
        base = self.folder / f"leaf{self.count}"
        config, request = base.with_suffix(".conf"), base.with_suffix(".csr")
        certificate, key = base.with_suffix(".pem"), base.with_suffix(".key")
        more = f"extendedKeyUsage = {usage}" if usage else ""
        config.write_text(_CONFIG.format(folder=self.folder, names=names, more=more))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
                "-subj", f"/CN={name}")
        openssl("ca", "-config", config, "-batch", "-notext", "-startdate", begins, "-enddate", ends,
                "-in", request, "-out", certificate)
        key.chmod(0o600)
        return certificate, key


def tls_config(certificate, key, **more):
    return {"tls": {"certificate": certificate, "key": key, **more}}


def tls_peer(address, timeout=kTimeout, context=None):
    """A Peer over TLS that trusts whoever answers; `certificate()` is what it showed, in DER."""
    if context is None:
        context = any_context()
    plain = socket.create_connection(address, timeout)
    line = context.wrap_socket(plain, suppress_ragged_eofs=False)
    peer = Peer(sock=line, timeout=timeout)
    peer.certificate = lambda: line.getpeercert(binary_form=True)
    return peer


def any_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def der_of(certificate):
    return ssl.PEM_cert_to_DER_cert(Path(certificate).read_text())
