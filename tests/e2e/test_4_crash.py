"""The operator killed and stopped at random moments of the example: no pod twice, the same end."""

import json
import os
import pathlib
import random
import signal
import subprocess
import time
from datetime import datetime

import pytest

import cluster
from cluster import Pipeline, get, kubectl, wait_for
from conftest import install

HOST = "198.18.0.1"  # this machine, as the test cluster's pods see it
TASKS = {"put", "streaming", "jar", "compare-client", "compare-cluster"}


class Trial:
    """The example, and every pod that there ever was of it."""

    def __init__(self, hadoop, directory):
        self.hadoop, self.seen = hadoop, directory / "pods"
        self.pipeline = Pipeline(hadoop, "wordcount")
        seed = int(os.environ.get("WEIR_SEED", time.time()))
        print(f"WEIR_SEED={seed}")
        self.chance = random.Random(seed)

    def __enter__(self):
        name = self.hadoop.name
        kubectl("delete", "pipeline", "wordcount", "-n", name, "--ignore-not-found")
        wait_for("the pods of an earlier run to be gone", lambda: not self.pipeline.pods(), 120)
        with open(self.seen, "wb") as out:
            self.watch = subprocess.Popen(
                [cluster.ROOT / "hack/cluster", "kubectl", "get", "pods", "-n", name, "-l", "weir.dev/pipeline=wordcount",
                 "--watch", "--no-headers", "-o", "custom-columns=U:.metadata.uid,T:.metadata.labels.weir\\.dev/task"],
                stdout=out)
        kubectl("apply", "-n", name, "-f", cluster.ROOT / "examples/wordcount.yaml")
        return self

    def __exit__(self, *_):
        self.watch.terminate()
        self.watch.wait()

    def goes_on(self):
        return self.pipeline.phase() not in ("Succeeded", "Failed")

    def check(self):
        status = self.pipeline.wait_phase("Succeeded", "Failed", timeout=600)
        assert status["phase"] == "Succeeded", self.pipeline.explain()
        pods = {tuple(line.split()) for line in self.seen.read_text().splitlines() if len(line.split()) == 2}
        assert {task for _, task in pods} == TASKS
        assert len(pods) == len(TASKS), f"a task had more than one pod: {sorted(pods, key=lambda p: p[1])}"
        assert all(task["attempt"] == 1 for task in status["tasks"])
        assert self.hadoop.yarn.unfinished() == []


class HostOperator:
    """weir-operator as a process of this machine, as one pod whose container is restarted."""

    def __init__(self, log):
        self.binary = cluster.ROOT / "build/asan/operator/cmd/weir-operator" # sanitizers watch it
        self.log = open(log, "ab")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [self.binary, "--kubeconfig", cluster.kubeconfig(), "--namespace", cluster.SYSTEM, "--lease-name", "host",
             "--report-port", "18443", "--http-port", "18080", "--report-address", f"{HOST}:18443",
             "--launcher-image", "weir:dev"], stderr=self.log,
            env={**os.environ, "POD_NAME": "host", "POD_UID": "00000000-0000-4000-8000-000000000000"})

    def kill(self, number=signal.SIGKILL):
        assert self.process.poll() is None, f"it ended by itself: {pathlib.Path(self.log.name).read_text()[-5000:]}"
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


def scale(replicas):
    kubectl("scale", "deployment/weir", "-n", cluster.SYSTEM, f"--replicas={replicas}")


@pytest.fixture
def operator(weir, tmp_path):
    scale(0)
    wait_for("the chart's operator to end", lambda: not operators(), 60)
    host = HostOperator(tmp_path / "operator.log")
    host.start()
    yield host
    code = host.kill(signal.SIGTERM)
    scale(1)
    kubectl("rollout", "status", "deployment/weir", "-n", cluster.SYSTEM, "--timeout=120s")
    assert code == 0, pathlib.Path(host.log.name).read_text()[-5000:]


def test_ten_kills(hadoop, operator, tmp_path):
    lease = lambda: (get("lease", "host", cluster.SYSTEM) or {}).get("spec", {})
    wait_for("it to lead", lambda: lease().get("holderIdentity"), 60)
    transitions = lease()["leaseTransitions"]
    with Trial(hadoop, tmp_path) as trial:
        kills = 0
        while kills < 10 and trial.goes_on():
            time.sleep(trial.chance.uniform(0.05, 6))
            operator.kill()
            operator.start()
            kills += 1
        trial.check()
    assert kills >= 8, "the run ended before it could be killed often enough"
    assert lease()["leaseTransitions"] == transitions, "it is the same pod all the time"


def operators():
    return get("pods", namespace=cluster.SYSTEM, selector="app.kubernetes.io/name=weir")


def holder():
    return get("lease", "weir", cluster.SYSTEM)["spec"].get("holderIdentity", "")


def process_of(pod):
    """The operator's process in a pod; the node is this machine."""
    for directory in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            program = (directory / "cmdline").read_bytes().split(b"\0")[0]
            environ = (directory / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if program.endswith(b"weir-operator") and f"POD_NAME={pod}".encode() in environ:
            return int(directory.name)
    raise AssertionError(f"no process of {pod}")


@pytest.fixture
def two_operators(weir):
    install("--set", "replicas=2")
    yield
    install("--set", "replicas=1")


def test_the_leader_is_killed_and_stopped(hadoop, two_operators, tmp_path):
    """Each time the other one leads; one that was stopped finds itself replaced, and does no harm."""
    with Trial(hadoop, tmp_path) as trial:
        number = 0
        while number < 6 and trial.goes_on():
            wait_for("two that can lead", lambda: len(operators()) == 2 and holder(), 60)
            time.sleep(trial.chance.uniform(0.05, 6))
            before = holder()
            pod = before.split("_")[0]
            process = process_of(pod)
            os.kill(process, signal.SIGKILL if number % 2 == 0 else signal.SIGSTOP)
            if number % 2 == 0: # another pod comes; the container itself would lead again
                kubectl("delete", "pod", pod, "-n", cluster.SYSTEM, "--force", "--grace-period=0")
            wait_for("another leader", lambda: holder() not in ("", before), 60)
            if number % 2 == 1:
                os.kill(process, signal.SIGCONT)
            number += 1
        trial.check()
    assert number >= 3, "the run ended before it could be disturbed often enough"


def test_a_crashed_container_leads_again(weir):
    """The same pod: its lease is its own, so it need not wait for it to run out."""
    wait_for("one operator", lambda: len(operators()) == 1 and holder(), 120)
    before = get("lease", "weir", cluster.SYSTEM)["spec"]
    pod = before["holderIdentity"].split("_")[0]
    os.kill(process_of(pod), signal.SIGKILL)
    wait_for("the container to be started again", lambda: [
        p for p in operators() if any(c["restartCount"] > 0 and c["ready"] for c in p["status"]["containerStatuses"])], 60)
    lines = lambda: [json.loads(line) for line in kubectl("logs", pod, "-n", cluster.SYSTEM).stdout.splitlines()]
    said = lambda text: next((datetime.fromisoformat(l["ts"].replace("Z", "+00:00")) for l in lines() if l["msg"] == text), None)
    leading = wait_for("it to lead", lambda: said("leading"), 60)
    print(f"leads {(leading - said('starting')).total_seconds():.2f} s after its start")
    after = get("lease", "weir", cluster.SYSTEM)["spec"]
    assert (after["holderIdentity"], after["leaseTransitions"]) == (before["holderIdentity"], before["leaseTransitions"])
