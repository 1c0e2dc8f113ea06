"""A real operator before a real API server, and a network namespace from which crowds call on it. Skips loudly where that cannot be."""

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SKIPPED = 77


def need():
    if not os.environ.get("WEIR_TEST_KUBECONFIG"):
        skip("WEIR_TEST_KUBECONFIG names no API server")
    if os.geteuid() != 0:
        skip("only root can make a network namespace")
    name = f"weir-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], stderr=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        skip(f"ip netns add: {made.stderr.strip()}")
    subprocess.run(["ip", "netns", "del", name], check=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))  # by way of what cleans up


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def wait_for(holds, what, seconds=60):
    end = time.monotonic() + seconds
    while not (result := holds()):
        assert time.monotonic() < end, f"did not happen in {seconds} s: {what}"
        time.sleep(0.05)
    return result


class Api:
    """The API server as the kubeconfig's user, over one connection."""

    def __init__(self, path):
        with open(path) as file:
            config = yaml.safe_load(file)
        import base64
        cluster = config["clusters"][0]["cluster"]
        self.token = config["users"][0]["user"]["token"]
        self.place = re.sub("^https://", "", cluster["server"])
        authority = cluster.get("certificate-authority-data")
        self.tls = ssl.create_default_context(cadata=base64.b64decode(authority).decode()) if authority else \
            ssl.create_default_context(cafile=cluster["certificate-authority"])
        self.connection = None

    def ask(self, method, path, body=None, accept=(200, 201, 202)):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(self.place, context=self.tls, timeout=30)
            self.connection.connect()
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.request(method, path, body and json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status in accept, f"{method} {path}: {answer.status} {text[:300]}"
        return json.loads(text)

    def install_crd(self):
        with open(f"{ROOT}/crd/weir.dev_pipelines.yaml") as file:
            crd = yaml.safe_load(file)
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        self.ask("POST", path, crd, accept=(201, 409))

        def established():
            status = self.ask("GET", f"{path}/{crd['metadata']['name']}").get("status", {})
            return any(c["type"] == "Established" and c["status"] == "True" for c in status.get("conditions") or [])
        wait_for(established, "the CRD")

    def token_for(self, namespace, pod, audience, bound=True):
        reference = {"apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
        spec = {"audiences": [audience], "expirationSeconds": 7200, "boundObjectRef": reference if bound else None}
        answer = self.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/spark/token",
                          {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec})
        return answer["status"]["token"]


class Rig:
    """Namespace of objects, network namespace with many addresses, operator. Use as a context."""

    def __init__(self, operator, addresses=120):
        self.operator, self.process, self.crowds = operator, None, 0
        self.name = f"weir-flood-{os.getpid()}"
        self.net = f"weir{os.getpid()}"
        self.third = os.getpid() % 250
        self.address = f"198.18.{self.third}.1"
        self.sources = [f"198.18.{self.third}.{i + 2}" for i in range(addresses)]
        self.api = Api(os.environ["WEIR_TEST_KUBECONFIG"])
        self.directory = tempfile.TemporaryDirectory(prefix="weir-flood-")
        with socket.create_server(("127.0.0.1", 0)) as a, socket.create_server(("127.0.0.1", 0)) as b:
            self.http_port, self.report_port = a.getsockname()[1], b.getsockname()[1]

    def __enter__(self):
        try:
            self.make_net()
            self.api.install_crd()
            self.api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": self.name}})
            self.api.ask("POST", f"/api/v1/namespaces/{self.name}/serviceaccounts", {"metadata": {"name": "spark"}})
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        subprocess.run(["ip", "netns", "del", self.net], stderr=subprocess.DEVNULL, check=False)
        self.release()
        self.directory.cleanup()

    def release(self):
        """What the next test on this API server shall not see."""
        subprocess.run([self.operator, "--release-pods", "--kubeconfig", os.environ["WEIR_TEST_KUBECONFIG"], "--namespaces",
                        self.name, "--launcher-image", "none"], stderr=subprocess.DEVNULL, check=False, timeout=300)
        for path in (f"/apis/weir.dev/v1alpha1/namespaces/{self.name}/pipelines",
                     f"/api/v1/namespaces/{self.name}/pods?gracePeriodSeconds=0"):
            try:
                self.api.ask("DELETE", path, accept=(200, 404))
            except (OSError, http.client.HTTPException):
                self.api.connection = None

    def make_net(self):
        inside = ["ip", "-n", self.net]
        host, peer = f"wf{os.getpid()}"[:15], f"wp{os.getpid()}"[:15]
        for command in (["ip", "netns", "add", self.net],
                        ["ip", "link", "add", host, "type", "veth", "peer", "name", peer, "netns", self.net],
                        ["ip", "addr", "add", f"{self.address}/24", "dev", host], ["ip", "link", "set", host, "up"],
                        *(inside + ["addr", "add", f"{source}/24", "dev", peer] for source in self.sources),
                        inside + ["link", "set", peer, "up"], inside + ["link", "set", "lo", "up"]):
            subprocess.run(command, check=True)

    def start(self):
        self.log = open(f"{self.directory.name}/operator.log", "a")
        self.process = subprocess.Popen(
            [self.operator, "--kubeconfig", os.environ["WEIR_TEST_KUBECONFIG"], "--namespace", self.name, "--namespaces",
             self.name, "--http-port", str(self.http_port), "--report-port", str(self.report_port), "--report-address",
             f"{self.address}:{self.report_port}", "--launcher-image", "none", "--leader-elect=false"],
            stderr=self.log)
        wait_for(self.ready, "the operator is ready")

    def stop(self, kill=False):
        if self.process is None:
            return
        if kill:
            self.process.kill()
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            self.process.kill()
            self.process.wait()
            self.process = None
            self.log.close()

    def ready(self):
        assert self.process.poll() is None, self.tail()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/readyz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def tail(self):
        with open(f"{self.directory.name}/operator.log") as file:
            return "".join(file.readlines()[-10:])

    def metric(self, name):
        """The sum of its lines, whatever their labels; a label's value may follow the name."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if re.match(name + r"[{ ]", line))

    def submit(self, name, tasks):
        task = [{"name": f"t{i}", "command": {"command": ["true"]}} for i in range(tasks)]
        self.api.ask("POST", f"/apis/weir.dev/v1alpha1/namespaces/{self.name}/pipelines",
                     {"apiVersion": "weir.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": name},
                      "spec": {"defaults": {"image": "none", "serviceAccountName": "spark"}, "tasks": task}})

    def pods(self, pipeline):
        return self.api.ask("GET", f"/api/v1/namespaces/{self.name}/pods?labelSelector=weir.dev/pipeline%3D{pipeline}")["items"]

    def make_pods(self, name, tasks, seconds=120):
        """Submits, and waits; the pods, and how long it took."""
        began = time.monotonic()
        self.submit(name, tasks)
        pods = wait_for(lambda: len(found := self.pods(name)) >= tasks and found, f"{tasks} pods of {name}", seconds)
        return pods, time.monotonic() - began

    def where(self, pod):
        """What a launcher is told."""
        text = json.dumps(pod["spec"])
        host = re.search(r"https://([^/:\"]+)", text)[1]
        ca = next(e["value"] for c in pod["spec"]["containers"] for e in c.get("env", []) if e["name"] == "WEIR_REPORT_CA")
        return {"address": self.address, "port": self.report_port, "host": host, "ca": ca}

    def crowd(self, where, behind=False, **plan):
        """Starts one; its outcome by outcome(). `behind`: it gets a processor when nobody else wants it."""
        self.crowds += 1
        path = f"{self.directory.name}/crowd{self.crowds}.json"
        with open(path, "w") as file:
            json.dump({**where, "sources": self.sources, "outcome": path + ".outcome", **plan}, file)
        nice = ["nice", "-n", "15"] if behind else []
        return subprocess.Popen([*nice, "ip", "netns", "exec", self.net, sys.executable, "-B", f"{HERE}/crowd.py", path])


def outcome(crowd, seconds=120):
    assert crowd.wait(seconds) == 0, "a crowd failed"
    with open(crowd.args[-1] + ".outcome") as file:
        return json.load(file)


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]
