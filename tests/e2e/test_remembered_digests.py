"""ftpc remembers the MD5 and SHA-256 of large files that it has stored; what it remembers is only ever stated, never believed."""

import hashlib
import json
import mmap
import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from support.environment import clean_environment
from support.tiny_server import TinyServer
from support.waiting import wait_until

kSize = 16 << 20
kData = random.Random(16).randbytes(kSize)
kSettled = 2.0  # seconds; ftpc remembers no digest of a file that changed later


class Recorder(TinyServer):
    """Keeps the headers of puts; says what has really come."""

    def puts(self):
        return [request for request in self.requests if request["cmd"] == "put"]

    def stored(self, peer, request):
        data, end = peer.read_chunks()
        self.files[request["filename"]] = data
        name = request["digest"]
        self.reply(peer, request, filename=request["filename"], filesize=len(data),
                   **{name: hashlib.new(name, data).hexdigest()})
        return end

    def on_put(self, peer, request):
        self.stored(peer, request)


def cache_of(client):
    return client.home / "cache/ftpc/digests"


def settled(path):
    status = path.stat()
    return time.time() - max(status.st_mtime, status.st_ctime) > kSettled


@pytest.fixture(scope="module")
def old_file(tmp_path_factory):
    """A file of kData that nobody has touched for long enough."""
    path = tmp_path_factory.mktemp("old") / "f.bin"
    path.write_bytes(kData)
    wait_until(lambda: settled(path), what="the file to be old")
    return path


@pytest.mark.parametrize("name", ["md5", "sha256"])
def test_a_second_put_states_the_digest_in_its_header(make_client, old_file, name):
    right = hashlib.new(name, kData).hexdigest()
    with Recorder() as server:
        client = make_client(server.server)
        for target in ("first", "second", "third"):
            assert right in client.ok("--digest", name, "put", old_file, "-t", target).out.decode()
            assert server.files[target] == kData
        first, second, third = server.puts()
    assert name not in first and second[name] == third[name] == right
    words = cache_of(client).read_text().split()
    status = old_file.stat()
    assert words[:7] == [str(n) for n in (status.st_dev, status.st_ino, kSize, status.st_mtime_ns, status.st_ctime_ns)] + [name, right]
    assert cache_of(client).stat().st_mode & 0o777 == 0o600 and cache_of(client).parent.stat().st_mode & 0o777 == 0o700


def test_what_a_second_put_says_is_what_the_first_one_says(make_client, daemon, old_file):
    client = make_client(daemon.server)
    quiet = [client.ok("-q", "--digest", "md5", "put", old_file, "-t", f"quiet{i}") for i in range(2)]
    assert all((run.out, run.err) == (b"", b"") for run in quiet)
    told = [client.ok("--json", "--digest", "md5", "put", old_file, "-t", f"json{i}") for i in range(2)]
    varying = ("seconds", "name", "bytes_per_second")
    first, second = ([{key: value for key, value in line.items() if key not in varying} for line in run.lines()] for run in told)
    assert first == second and told[1].err == b""
    assert (daemon.root / "json1").read_bytes() == kData


def test_the_daemon_verifies_what_was_stated(make_client, daemon, old_file):
    client = make_client(daemon.server)
    for target in ("verified0", "verified1"):
        client.ok("--digest", "sha256", "put", old_file, "-t", target)
        assert (daemon.root / target).read_bytes() == kData
    assert b"16.0 MiB were there already" in client.ok("--digest", "sha256", "put", old_file, "-t", "verified1").out


def test_other_digests_small_files_and_young_files_leave_no_trace(make_client, daemon, old_file):
    client = make_client(daemon.server)
    client.ok("put", old_file, "-t", "fast")
    (client.folder / "small").write_bytes(kData[:(8 << 20) - 1])
    wait_until(lambda: settled(client.folder / "small"), what="the small file to be old")
    client.ok("--digest", "md5", "put", "small")
    ahead = time.time() + 3600
    (client.folder / "young").write_bytes(kData)
    os.utime(client.folder / "young", (ahead, ahead))
    client.ok("--digest", "md5", "put", "young")
    assert not cache_of(client).exists()


def line_of(daemon, ftpc, path, digest):
    """A line of the cache for the file as it is, with its check, which the daemon works out."""
    status = path.stat()
    text = f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} md5 {digest}"
    (daemon.root / "line").write_text(text)
    return text + " " + ftpc.ok("sum", "--digest", "xxh128", "line").out.decode()[:16] + "\n"


@pytest.mark.parametrize("more", [(), ("--retry", "0"), ("--connections", "4")], ids=" ".join)
def test_a_wrong_entry_ends_in_the_right_file(make_client, daemon, old_file, more):
    client = make_client(daemon.server)
    target = "wrong" + "".join(more)
    cache_of(client).parent.mkdir(parents=True)
    poisoned = line_of(daemon, client, old_file, "0" * 32)
    cache_of(client).write_text(poisoned)
    result = client.ok(*more, "--digest", "md5", "put", old_file, "-t", target)
    assert hashlib.md5(kData).hexdigest().encode() in result.out
    assert (daemon.root / target).read_bytes() == kData
    # It was stated, and refused.
    assert more[:1] == ("--connections",) or b"remembered digest" in result.err
    assert cache_of(client).read_text() == line_of(daemon, client, old_file, hashlib.md5(kData).hexdigest())


def test_an_entry_for_what_the_server_has_does_not_make_the_file_the_same(make_client, daemon, old_file):
    other = kData[:-1] + bytes([kData[-1] ^ 1])
    (daemon.root / "same_time").write_bytes(other)
    os.utime(daemon.root / "same_time", ns=(0, old_file.stat().st_mtime_ns))
    client = make_client(daemon.server)
    cache_of(client).parent.mkdir(parents=True)
    cache_of(client).write_text(line_of(daemon, client, old_file, hashlib.md5(other).hexdigest()))
    client.ok("--digest", "md5", "put", old_file, "-t", "same_time")
    assert (daemon.root / "same_time").read_bytes() == kData


def test_a_file_that_is_changed_through_memory_is_stored_as_it_is(make_client, daemon):
    """Its times do not tell: they changed when the page was first written to."""
    client = make_client(daemon.server)
    path = client.folder / "mapped"
    path.write_bytes(kData)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), kSize) as memory:
        memory[0] ^= 1
        wait_until(lambda: settled(path), what="the file to be old")
        client.ok("--digest", "md5", "put", path, "-t", "mapped0")
        assert cache_of(client).exists()
        memory[0] ^= 3
        client.ok("--digest", "md5", "put", path, "-t", "mapped1")
        assert (daemon.root / "mapped1").read_bytes() == memory[:]


@pytest.mark.parametrize("content", [b"", b"\0" * 1000, os.urandom(5000), b"x" * (1 << 20)], ids=["empty", "zeros", "noise", "long"])
def test_a_damaged_cache_is_no_cache(make_client, daemon, old_file, content):
    client = make_client(daemon.server)
    cache_of(client).parent.mkdir(parents=True)
    cache_of(client).write_bytes(content)
    result = client.ok("--digest", "md5", "put", old_file, "-t", "damaged")
    (daemon.root / "damaged").unlink()
    assert result.err == b"" and len(cache_of(client).read_text().splitlines()) == 1


@pytest.mark.parametrize("place", [{}, {"HOME": ""}, {"HOME": "/dev/null"}, {"HOME": "/nonexistent/home"}, {"XDG_CACHE_HOME": "/dev/null"}],
                         ids=json.dumps)
def test_without_a_place_for_it_nothing_is_different(make_client, daemon, old_file, place):
    client = make_client(daemon.server)
    environment = clean_environment(client.home)
    for name in ("HOME", "XDG_CACHE_HOME"):
        del environment[name]
    command = client.command("--digest", "md5", "put", old_file, "-t", "homeless")
    done = subprocess.run(command, env=environment | place, cwd=client.folder, capture_output=True, timeout=240, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (daemon.root / "homeless").read_bytes() == kData
    (daemon.root / "homeless").unlink()
    assert not any(client.folder.iterdir()) and not Path("/nonexistent/home").exists()
