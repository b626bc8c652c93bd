"""Runs a program in a network of its own, whose only machine is a name server and a collector on loopback.

    network.py DIRECTORY HOST-NAME PROGRAM [ARGUMENT...]

To be started by `unshare --net --mount --uts`. The collector listens on port 4318, every name has the address 127.0.0.1.
What arrives is written to DIRECTORY, a file for each packet and request: `dns-0`, `http-0`, ...
"""

import fcntl
import http.server
import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading

directory, host_name, *command = sys.argv[1:]
directory = pathlib.Path(directory)
lock = threading.Lock()
counts = {"dns": 0, "http": 0}


def keep(kind, data):
    with lock:
        (directory / f"{kind}-{counts[kind]}").write_bytes(data)
        counts[kind] += 1


def raise_loopback():
    SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def answer_names(server):
    while True:
        query, sender = server.recvfrom(4096)
        keep("dns", query)
        end = query.index(b"\0", 12) + 5
        is_address = query[end - 4 : end - 2] == b"\0\1"
        head = query[:2] + b"\x81\x80" + query[4:6] + (b"\0\1" if is_address else b"\0\0") + b"\0\0\0\0"
        record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1" if is_address else b""
        server.sendto(head + query[12:end] + record, sender)


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        head = f"{self.requestline}\r\n{self.headers}"
        keep("http", head.encode("latin-1") + b"\r\n" + body)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


raise_loopback()
socket.sethostname(host_name)
names = directory / "resolv.conf"
names.write_text("nameserver 127.0.0.1\noptions attempts:1 timeout:1\n")
subprocess.run(["mount", "--bind", names, os.path.realpath("/etc/resolv.conf")], check=True)
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
threading.Thread(target=answer_names, args=(server,), daemon=True).start()
collector = http.server.ThreadingHTTPServer(("127.0.0.1", 4318), Collector)
threading.Thread(target=collector.serve_forever, daemon=True).start()
sys.exit(subprocess.run(command).returncode)
