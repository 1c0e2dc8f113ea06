"""Servers that do exactly what a test says, byte by byte, and the program that asks them (fetch.c)."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

FETCH = os.environ["WEIR_TEST_FETCH"]
SANITIZED = bool(os.environ.get("WEIR_TEST_SANITIZED"))
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class RestTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="weir-rest-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def serve(self, script, **options):
        server = Server(script, **options)
        self.addCleanup(server.close)
        return server

    def start(self, *arguments, env=None, wrap=()):
        environment = {k: v for k, v in os.environ.items() if k.lower() not in PROXIES and not k.startswith("SSL_")}
        environment.update(env or {})
        process = subprocess.Popen([*wrap, FETCH, *map(str, arguments)], env=environment, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def fetch_all(self, *arguments, **options):
        """All that the program prints but its last line, and that line's number of turns."""
        process = self.start(*arguments, **options)
        out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        lines = [json.loads(line) for line in out.splitlines()]
        self.turns = lines[-1]["turns"]
        return lines[:-1]

    def fetch(self, *arguments, **options):
        lines = self.fetch_all(*arguments, **options)
        self.assertEqual(len(lines), 1, lines)
        return lines[0]

    def fails(self, *arguments, **options):
        """The text of the error that it ends with."""
        answer = self.fetch(*arguments, **options)
        self.assertIn("error", answer)
        return answer["error"]

    def wait_for(self, what, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = what()
            if value:
                return value
            time.sleep(0.02)
        self.fail("waited %g s in vain" % seconds)


class Request:
    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.method, self.target, _ = lines[0].split(" ", 2)
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self.body = body


class Server:
    """Reads requests and answers each by script(request, connection): bytes to send (the connection is kept), or None
    when the script has sent what it wants; the connection is then closed."""

    def __init__(self, script, host="127.0.0.1", port=0, tls=None, family=socket.AF_INET):
        self.script, self.tls, self.requests, self.connections, self.open = script, tls, [], 0, 0
        self.lock = threading.Lock()
        self.socket = socket.socket(family)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((host, port))
        self.socket.listen(16)
        self.port = self.socket.getsockname()[1]
        shown = "[%s]" % host if ":" in host else host
        self.name = "%s:%d" % (shown, self.port)
        self.url = "%s://%s" % ("https" if tls else "http", self.name)
        self.done = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open += 1
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        try:
            connection.settimeout(30)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            while self.answer(connection):
                pass
        except (OSError, ValueError):
            pass  # it may hang up whenever it likes
        finally:
            connection.close()
            with self.lock:
                self.open -= 1

    def answer(self, connection):
        request = read_request(connection)
        if request is None:
            return False
        with self.lock:
            self.requests.append(request)
        reply = self.script(request, connection)
        if reply is None:
            return False
        connection.sendall(reply)
        return True

    def close(self):
        self.done.set()
        self.socket.close()


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        got = connection.recv(65536)
        if not got:
            return None
        data += got
    head, _, body = data.partition(b"\r\n\r\n")
    request = Request(head, b"")
    length = int(request.headers.get("content-length", 0))
    while len(body) < length:
        body += connection.recv(65536)
    request.body = body.decode()
    return request


def reply(status=200, body="", *headers):
    body = body.encode() if isinstance(body, str) else body
    lines = ["HTTP/1.1 %d X" % status, "Content-Length: %d" % len(body), *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def always(answer):
    return lambda request, connection: answer


def unused_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Deaf:
    """An address where connecting neither succeeds nor fails: its backlog is full."""

    def __init__(self, host="127.0.0.1", port=0):
        self.socket = socket.socket()
        self.socket.bind((host, port))
        self.socket.listen(0)
        self.port = self.socket.getsockname()[1]
        self.fill = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex((host, self.port))
            self.fill.append(one)

    def close(self):
        for one in self.fill:
            one.close()
        self.socket.close()


def with_files(test, files):
    """A prefix that runs a command where these files ({path: text}) are so; skips where no namespace can be made."""
    binds = ["mount --bind '%s' '%s'" % (test.write(path.replace("/", "_"), text), path) for path, text in files.items()]
    for unshare in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        prefix = [*unshare, "sh", "-c", " && ".join([*binds, 'exec "$@"']), "sh"]
        if subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
            return prefix
    test.skipTest("no mount namespace can be made here")


class Authority:
    """A CA in `directory` that signs servers' certificates."""

    def __init__(self, directory, name="ca"):
        self.directory, self.name = directory, name
        self.ca = os.path.join(directory, name + ".pem")
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                 "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".pem")
        with open(os.path.join(directory, name + ".index"), "w"):
            pass
        with open(os.path.join(directory, name + ".conf"), "w") as file:
            file.write("[ca]\ndefault_ca=x\n[x]\ndatabase={0}.index\nnew_certs_dir=.\ncertificate={0}.pem\n"
                       "private_key={0}.key\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nunique_subject=no\n"
                       "[p]\ncommonName=supplied\n".format(name))

    def run(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=self.directory, capture_output=True)

    def context(self, names, start="20200101000000Z", end="20491231000000Z"):
        """For a server with a certificate of these names ("DNS:a,IP:127.0.0.1")."""
        with open(os.path.join(self.directory, "ext"), "w") as file:
            file.write("subjectAltName=%s\n" % names)
        self.run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=server",
                 "-keyout", "server.key", "-out", "server.csr")
        self.run("ca", "-batch", "-notext", "-config", self.name + ".conf", "-in", "server.csr", "-out", "server.pem",
                 "-extfile", "ext", "-startdate", start, "-enddate", end)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(self.directory, "server.pem"), os.path.join(self.directory, "server.key"))
        return context


def status_kb(pid, name):
    with open("/proc/%d/status" % pid) as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    return 0
