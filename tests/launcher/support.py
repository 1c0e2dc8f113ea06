"""Drives the launcher as a process: runs it, reads its final record, and plays the operator and YARN's ResourceManager."""

import http.server
import json
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

LAUNCHER = os.environ["WEIR_TEST_LAUNCHER"]
SANITIZED = bool(os.environ.get("WEIR_TEST_SANITIZED"))


class LauncherTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="weir-launcher-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.termination_log = self.path("termination-log")

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def kinit(self, script='echo "ticket of $*" >"${cache#FILE:}"'):
        """A stand-in, found first in PATH; $cache is what it is told to write to."""
        words = 'all="$*"; while [ $# -gt 1 ]; do [ "$1" = -c ] && cache=$2; shift; done; set -- $all'
        self.write("bin/kinit", "#!/bin/sh\n%s\n%s\n" % (words, script), 0o755)
        return self.path("bin") + ":/usr/bin:/bin"

    def start(self, command, *options, env=None, **popen):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("WEIR_", "HADOOP_", "YARN_"))}
        environment.update(env or {})
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", subprocess.PIPE)
        popen.setdefault("stdin", subprocess.DEVNULL)
        arguments = [LAUNCHER, "run", "--termination-log", self.termination_log, *options, "--", *command]
        process = subprocess.Popen(arguments, env=environment, **popen)

        def end():
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()

        self.addCleanup(end)
        return process

    def run_launcher(self, command, *options, env=None, timeout=60, **popen):
        process = self.start(command, *options, env=env, **popen)
        out, err = process.communicate(timeout=timeout)
        return process.returncode, out, err

    def record(self):
        """As it is now: it is written anew with each thing that a person waits for."""
        try:
            with open(self.termination_log) as file:
                return json.loads(file.read() or "{}")
        except FileNotFoundError:
            return {}

    def final(self):
        return self.record()["final"]

    def wait_for(self, what, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = what()
            if value:
                return value
            time.sleep(0.02)
        self.fail("waited %g s in vain" % seconds)


def status_kb(pid, name):
    with open("/proc/%d/status" % pid) as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    return 0


class Server(http.server.ThreadingHTTPServer):
    """An HTTP server on 127.0.0.1 whose `handle(handler)` is told by the test."""

    daemon_threads = True

    def __init__(self, port=0):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body="", headers=()):
                data = body.encode() if isinstance(body, str) else body
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def any_method(self):
                length = int(self.headers.get("Content-Length") or 0)
                self.body = self.rfile.read(length)
                self.close_connection = True
                server.handle(self)

            do_GET = do_POST = do_PUT = any_method

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", port), Handler)
        self.port = self.server_address[1]
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def handle_error(self, request, client_address):
        pass  # the launcher may hang up whenever it likes

    def close(self):
        self.shutdown()
        self.server_close()


def make_certificate(directory, name):
    """A CA and a certificate for `name` signed by it: paths of ca, certificate, key."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=directory, capture_output=True)

    with open(os.path.join(directory, "ext"), "w") as file:
        file.write("subjectAltName=DNS:%s,DNS:localhost\n" % name)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=test ca", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ignored",
            "-keyout", "server.key", "-out", "server.csr")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "ext", "-out", "server.pem")
    return [os.path.join(directory, one) for one in ("ca.pem", "server.pem", "server.key")]


class Operator(Server):
    """The operator's report endpoint: keeps what it is sent, answers as `respond` says."""

    NAME = "weir-operator.weir.svc"

    def __init__(self, directory, port=0):
        self.reports, self.tokens, self.times = [], [], []
        self.respond = lambda handler, report: handler.answer(200, '{"intervalSeconds":1}')
        super().__init__(port)
        ca, certificate, key = make_certificate(directory, self.NAME)
        with open(ca) as file:
            self.ca = file.read()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle(self, handler):
        report = json.loads(handler.body)
        self.reports.append(report)
        self.tokens.append(handler.headers["Authorization"])
        self.times.append(time.monotonic())
        self.respond(handler, report)

    def options(self, host=None):
        return ["--report", "https://%s:%d/v1/report" % (host or self.NAME, self.port), "--report-address",
                "127.0.0.1:%d" % self.port]


class ResourceManager(Server):
    """YARN's cluster REST interface, as far as it is used; `apps` is the truth."""

    def __init__(self):
        self.apps, self.requests, self.put_status, self.standby_of, self.broken = {}, [], 202, None, False
        self.get_status, self.ha_state, self.started_on = 200, "ACTIVE", 1700000000000
        self.kill_delay = 0
        self.lock = threading.Lock()
        super().__init__()

    def add(self, number, tag="", state="RUNNING", **more):
        app = {"id": "application_1700000000000_%04d" % number, "state": state, "finalStatus": "UNDEFINED",
               "progress": 5.0, "applicationTags": tag, "diagnostics": "", "startedTime": int(time.time() * 1000),
               "trackingUrl": "http://127.0.0.1:%d/proxy/application_1700000000000_%04d/" % (self.port, number)}
        app.update(more)
        with self.lock:
            self.apps[app["id"]] = app
        return app

    def end(self, app, final, state="FINISHED", diagnostics=""):
        with self.lock:
            app.update(state=state, finalStatus=final, diagnostics=diagnostics, progress=100.0)

    def handle(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        query = urllib.parse.parse_qs(url.query)
        self.requests.append((handler.command, handler.path))
        if self.broken:
            handler.answer(500, "no")
        elif self.standby_of:
            location = "http://127.0.0.1:%d%s" % (self.standby_of.port, handler.path)
            handler.answer(307, "This is standby RM.", [("Location", location)])
        elif self.get_status != 200 and handler.command == "GET":
            handler.answer(self.get_status, "refused")
        elif url.path == "/ws/v1/cluster/info":
            handler.answer(200, json.dumps({"clusterInfo": {"id": self.started_on, "state": "STARTED", "haState": self.ha_state}}))
        elif url.path == "/ws/v1/cluster/apps":
            self.list(handler, query)
        else:
            match = re.fullmatch(r"/ws/v1/cluster/apps/(application_\d+_\d+)(/state)?", url.path)
            app = match and self.apps.get(match.group(1))
            if not app:
                handler.answer(404, '{"RemoteException":{"exception":"NotFoundException","message":"app not found"}}')
            elif match.group(2):
                self.kill(handler, app)
            else:
                with self.lock:
                    body = json.dumps({"app": app})
                handler.answer(200, body)

    def list(self, handler, query):
        tag = query.get("applicationTags", [""])[0].lower()
        states = query.get("states", [None])[0]
        limit = int(query.get("limit", ["10000"])[0])
        with self.lock:
            found = [app for app in self.apps.values() if tag in app["applicationTags"].lower().split(",")
                     and (not states or app["state"] in states.split(","))][:limit]
            body = json.dumps({"apps": {"app": found} if found else None})
            body = body.replace('"apps": null', '"apps": {}')
        handler.answer(200, body)

    def kill(self, handler, app):
        if handler.command != "PUT" or json.loads(handler.body) != {"state": "KILLED"}:
            handler.answer(400, "bad")
        elif self.put_status not in (200, 202):
            handler.answer(self.put_status, "refused")
        else:
            threading.Timer(self.kill_delay, self.end, (app, "KILLED", "KILLED", "killed by user dr.who")).start()
            # as RMWebServices.killApp does: accepted, and where to look
            handler.answer(202, '{"state":"RUNNING"}', [("Location", "http://127.0.0.1:%d%s" % (self.port, handler.path))])


def yarn_site(test, *rms):
    """A HADOOP_CONF_DIR that names these ResourceManagers."""
    def entry(name, value):
        return "<property><name>%s</name><value>%s</value></property>" % (name, value)

    if len(rms) == 1:
        text = entry("yarn.resourcemanager.webapp.address", "127.0.0.1:%d" % rms[0].port)
    else:
        text = entry("yarn.resourcemanager.ha.rm-ids", ",".join("rm%d" % i for i in range(len(rms))))
        for i, rm in enumerate(rms):
            text += entry("yarn.resourcemanager.webapp.address.rm%d" % i, "127.0.0.1:%d" % rm.port)
    test.write("conf/yarn-site.xml", '<?xml version="1.0"?>\n<configuration>%s</configuration>' % text)
    return {"HADOOP_CONF_DIR": test.path("conf")}


if SANITIZED:  # what a sanitizer says must not be lost among exit codes
    os.environ.setdefault("ASAN_OPTIONS", "exitcode=99:detect_leaks=0")
    os.environ.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
