"""hack/base with a registry that asks for a token, as Docker Hub does: what it pins, and when it leaves the Dockerfile alone."""
import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import threading
import urllib.parse

import pytest

BASE = pathlib.Path(__file__).resolve().parents[2] / "hack/base"
LIST = json.dumps({"schemaVersion": 2, "manifests": [{"platform": {"architecture": "amd64"}}]}).encode()
OLD = "sha256:" + "0" * 64
NEW = "sha256:" + hashlib.sha256(LIST).hexdigest()
DOCKERFILE = "# of sha256:1\nARG BASE=debian:trixie-slim@%s\nFROM ${BASE} AS build\nRUN echo sha256:2\n"


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        if url.path == "/token":
            asked = urllib.parse.parse_qs(url.query)
            right = asked == {"service": ["the registry"], "scope": ["repository:library/debian:pull"]}
            return self.answer(200 if right else 400, b'{"token": "secret", "expires_in": 300}')
        if self.headers["Authorization"] != "Bearer secret":
            realm = f"http://127.0.0.1:{self.server.server_port}/token"
            return self.answer(401, b"{}", ("WWW-Authenticate", f'Bearer realm="{realm}",service="the registry"'))
        if url.path != "/v2/library/debian/manifests/trixie-slim":
            return self.answer(404, b"{}")
        if "application/vnd.oci.image.index.v1+json" not in self.headers["Accept"]:
            return self.answer(406, b"{}")
        return self.answer(200, self.server.manifest, ("Docker-Content-Digest", OLD))

    def answer(self, status, body, *headers):
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def base(tmp_path):
    """(exit code, what it said, the Dockerfile)"""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    path = tmp_path / "Dockerfile"

    def run(content, *options, manifest=LIST, port=None):
        server.manifest = manifest
        path.write_text(content)
        environment = {**os.environ, "WEIR_DOCKERFILE": str(path), "no_proxy": "*",
                       "WEIR_REGISTRY": f"http://127.0.0.1:{port or server.server_port}"}
        done = subprocess.run([BASE, *options], env=environment, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr, path.read_text()
    yield run
    server.shutdown()
    server.server_close()


def test_pins_what_the_tag_is_now_and_nothing_else(base):
    code, output, content = base(DOCKERFILE % OLD)
    assert code == 0 and NEW in output
    assert content == DOCKERFILE % NEW, "the digest is of the bytes, not what a header says"
    code, output, content = base(DOCKERFILE % NEW)
    assert code == 0 and "is still" in output and content == DOCKERFILE % NEW


def test_check_changes_nothing(base):
    assert base(DOCKERFILE % OLD, "--check")[::2] == (3, DOCKERFILE % OLD)
    assert base(DOCKERFILE % NEW, "--check")[0] == 0


def test_what_is_no_answer_is_not_pinned(base):
    one_architecture = b'{"schemaVersion": 2, "config": {}}'
    for content, more, said in ((DOCKERFILE % OLD, {"manifest": one_architecture}, "no list of architectures"),
                                ((DOCKERFILE % OLD).replace("trixie", "forky"), {}, "answers 404"),
                                (DOCKERFILE % OLD, {"port": 1}, "does not answer"),
                                ("FROM debian\n", {}, "no line ARG BASE")):
        code, output, after = base(content, **more)
        assert code == 3 and said in output and after == content


def test_the_dockerfile_is_pinned():
    real = (BASE.parents[1] / "Dockerfile").read_text()
    assert real.count("\nARG BASE=debian:trixie-slim@sha256:") == 1 and "\nFROM ${BASE} AS build\n" in real
    assert [line for line in real.splitlines() if line.startswith("FROM ")] == ["FROM ${BASE} AS build", "FROM scratch"]
