"""The operator killed with SIGKILL at ten random moments of the example: no pod twice, the same end."""

import os
import pathlib
import random
import signal
import subprocess
import time

import pytest

import cluster
from cluster import Pipeline, kubectl, wait_for

HOST = "198.18.0.1"  # this machine, as the test cluster's pods see it
TASKS = {"put", "streaming", "jar", "compare-client", "compare-cluster"}


class HostOperator:
    """weir-operator as a process of this machine, so that it can be killed and is back at once."""

    def __init__(self, log):
        self.binary = cluster.ROOT / "build/asan/operator/cmd/weir-operator" # sanitizers watch it
        self.log = open(log, "ab")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [self.binary, "--kubeconfig", cluster.kubeconfig(), "--namespace", cluster.SYSTEM, "--leader-elect=false",
             "--report-port", "18443", "--http-port", "18080", "--report-address", f"{HOST}:18443",
             "--launcher-image", "weir:dev"], stderr=self.log)

    def kill(self, number=signal.SIGKILL):
        assert self.process.poll() is None, f"it ended by itself: {pathlib.Path(self.log.name).read_text()[-5000:]}"
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@pytest.fixture
def operator(weir, tmp_path):
    kubectl("scale", "deployment/weir", "-n", cluster.SYSTEM, "--replicas=0")
    wait_for("the chart's operator to end",
             lambda: not cluster.get("pods", namespace=cluster.SYSTEM, selector="app.kubernetes.io/name=weir"), 60)
    host = HostOperator(tmp_path / "operator.log")
    host.start()
    yield host
    code = host.kill(signal.SIGTERM)
    kubectl("scale", "deployment/weir", "-n", cluster.SYSTEM, "--replicas=1")
    kubectl("rollout", "status", "deployment/weir", "-n", cluster.SYSTEM, "--timeout=120s")
    assert code == 0, pathlib.Path(host.log.name).read_text()[-5000:]


def test_ten_kills(hadoop, operator, tmp_path):
    seed = int(os.environ.get("WEIR_SEED", time.time()))
    print(f"WEIR_SEED={seed}")
    chance = random.Random(seed)
    kubectl("delete", "pipeline", "wordcount", "-n", hadoop.name, "--ignore-not-found")
    wait_for("the pods of an earlier run to be gone", lambda: not Pipeline(hadoop, "wordcount").pods(), 120)
    seen = tmp_path / "pods"
    with open(seen, "wb") as out:
        watch = subprocess.Popen(
            [cluster.ROOT / "hack/cluster", "kubectl", "get", "pods", "-n", hadoop.name, "-l", "weir.dev/pipeline=wordcount",
             "--watch", "--no-headers", "-o", "custom-columns=U:.metadata.uid,T:.metadata.labels.weir\\.dev/task"],
            stdout=out)
    try:
        kubectl("apply", "-n", hadoop.name, "-f", cluster.ROOT / "examples/wordcount.yaml")
        pipeline = Pipeline(hadoop, "wordcount")
        kills = 0
        while kills < 10 and pipeline.phase() not in ("Succeeded", "Failed"):
            time.sleep(chance.uniform(0.05, 6))
            operator.kill()
            operator.start()
            kills += 1
        status = pipeline.wait_phase("Succeeded", "Failed", timeout=600)
    finally:
        watch.terminate()
        watch.wait()
    assert status["phase"] == "Succeeded", pipeline.explain()
    assert kills >= 8, "the run ended before it could be killed often enough"
    pods = {tuple(line.split()) for line in seen.read_text().splitlines() if len(line.split()) == 2}
    assert {task for _, task in pods} == TASKS
    assert len(pods) == len(TASKS), f"a task had more than one pod: {sorted(pods, key=lambda p: p[1])}"
    assert all(task["attempt"] == 1 for task in status["tasks"])
    assert hadoop.yarn.unfinished() == []
