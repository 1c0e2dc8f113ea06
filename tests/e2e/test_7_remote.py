"""Kills at every moment of a remote job: whoever dies, nothing is left running and nothing runs twice.

One (phase, victim) each here; WEIR_TEST_ROUNDS=3 (hack/test long) does all of them three times and prints the table."""

import os
import pathlib
import random
import signal
import threading
import time
import urllib.error

import pytest

from cluster import get, kubectl, wait_for

ROUNDS = int(os.environ.get("WEIR_TEST_ROUNDS", "0"))
JOB = """import time
from pyspark.sql import SparkSession
SparkSession.builder.getOrCreate()
time.sleep(%d)
"""
PHASES = ("submitting", "running", "settling")
VICTIMS = ("launcher", "launcher's pod", "ResourceManager", "operator")
CASES = ([(phase, victim) for victim in VICTIMS for phase in PHASES] * ROUNDS if ROUNDS
         else [("settling", "launcher"), ("running", "launcher's pod"), ("settling", "ResourceManager"), ("submitting", "operator")])


def processes(word, *more):
    """Of the whole node, which is this machine, by their command lines."""
    found = []
    for directory in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            arguments = (directory / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if arguments[0].endswith(word.encode()) and all(any(one.encode() in a for a in arguments) for one in more):
            found.append(int(directory.name))
    return found


class Watch(threading.Thread):
    """What YARN says of the task's applications, all the while."""

    def __init__(self, yarn, tag):
        super().__init__(daemon=True)
        self.yarn, self.tag, self.over = yarn, tag, False
        self.most, self.seen = 0, set()
        self.start()

    def alive(self):
        found = self.yarn.applications(applicationTags=self.tag, states="NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING")
        return [one["id"] for one in found]

    def run(self):
        while not self.over:
            try:
                alive = self.alive()
            except (OSError, urllib.error.URLError, ValueError):
                alive = []  # it is just being started
            self.most = max(self.most, len(alive))
            self.seen.update(alive)
            time.sleep(0.2)


class Job:
    def __init__(self, hadoop, defaults, name, seconds=15, infra=6, spec=None):
        hadoop.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"job.py": JOB % seconds}})
        mounts = {"volumes": defaults["volumes"] + [{"name": "job", "configMap": {"name": name}}],
                  "volumeMounts": defaults["volumeMounts"] + [{"name": "job", "mountPath": "/job"}]}
        self.pipeline = hadoop.pipeline(name, {**(spec or {}), "defaults": {**defaults, **mounts}, "tasks": [{
            "name": "job", "retry": {"infraLimit": infra}, "sparkSubmit": {
                "master": "yarn", "deployMode": "cluster", "application": "/job/job.py",
                "driver": {"memory": "512m"}, "executor": {"instances": 1, "memory": "512m"},
                "conf": {"spark.yarn.maxAppAttempts": "1", "spark.yarn.submit.waitAppCompletion": "false"}}}]})
        self.uid = self.pipeline.get()["metadata"]["uid"]
        self.tag = f"weir-{self.uid}-job"
        self.yarn, self.namespace = hadoop.yarn, hadoop
        self.watch = Watch(hadoop.yarn, self.tag)

    def launcher(self):
        return processes("weir-launcher", self.tag)

    def pod(self):
        return next((p for p in self.pipeline.pods("job") if p["status"]["phase"] == "Running"), None)

    def reach(self, phase):
        wait_for("the launcher", self.launcher, 120)
        if phase == "submitting":
            time.sleep(random.uniform(0, 6))
            return
        wait_for("the application to run", lambda: self.yarn.applications(applicationTags=self.tag, states="RUNNING"), 180)
        if phase == "settling":
            wait_for("the client to be done", lambda: not processes("java", self.tag), 60)

    def check(self, most=1):
        status = self.pipeline.wait_phase("Succeeded", timeout=420)
        self.watch.over = True
        assert self.watch.most <= most, f"{self.watch.most} applications at once: {self.watch.seen}"
        assert self.watch.alive() == [], "something is left running"
        return status


def strike(victim, job):
    if victim == "launcher":
        for pid in job.launcher():
            os.kill(pid, signal.SIGKILL)
    elif victim == "launcher's pod":
        pod = job.pod()
        if pod:
            kubectl("delete", "pod", pod["metadata"]["name"], "-n", job.namespace.name, "--force", "--grace-period=0")
    elif victim == "ResourceManager":
        restart_masters(job.namespace.name)
    else:
        for pid in processes("weir-operator"):
            os.kill(pid, signal.SIGKILL)


def restart_masters(namespace):
    """NameNode and ResourceManager are one process here; its container is started again."""
    def count():
        pod = get("pods", namespace=namespace, selector="app=hadoop")[0]
        return next(c["restartCount"] for c in pod["status"]["containerStatuses"] if c["name"] == "masters")

    before = count()
    for pid in processes("java", "AllInOne"):
        os.kill(pid, signal.SIGKILL)
    wait_for("the masters to be started again", lambda: count() > before, 60)


@pytest.mark.parametrize("number, phase, victim", [(n, *case) for n, case in enumerate(CASES)])
def test_kill(hadoop, hadoop_defaults, number, phase, victim):
    job = Job(hadoop, hadoop_defaults, f"kill-{number}")
    job.reach(phase)
    strike(victim, job)
    job.check()
    print(f"{victim} killed while {phase}: {len(job.watch.seen)} applications, {job.watch.most} at once, "
          f"attempt {job.pipeline.task('job')['attempt']}")
    if phase != "submitting":
        assert len(job.watch.seen) == 1, "what ran was followed, not run again"
    job.pipeline.delete()


def test_drained_is_left_and_adopted(hadoop, hadoop_defaults):
    """kubectl delete pod, as a drain does: the application goes on, and the next attempt follows it."""
    job = Job(hadoop, hadoop_defaults, "drained", seconds=40)
    job.reach("settling")
    kubectl("delete", "pod", job.pod()["metadata"]["name"], "-n", hadoop.name, timeout=90)
    job.check()
    task = job.pipeline.task("job")
    assert task["attempt"] == 2 and len(job.watch.seen) == 1, task
    job.pipeline.delete()


def test_a_cleaner_ends_what_a_dead_launcher_left(hadoop, hadoop_defaults):
    """No attempt follows: somebody must end the application, and the status says so."""
    job = Job(hadoop, hadoop_defaults, "orphaned", seconds=600, infra=0)
    job.reach("settling")
    strike("launcher's pod", job)
    job.pipeline.wait_phase("Failed", timeout=120)
    task = wait_for("its word", lambda: (lambda t: t if t.get("cleanup", {}).get("phase") == "Done" else None)(
        job.pipeline.task("job")), 120)
    assert "was killed" in task["cleanup"]["message"], task
    assert job.watch.alive() == []
    job.watch.over = True
    job.pipeline.delete()


def test_deleting_the_pipeline_of_a_dead_launcher(hadoop, hadoop_defaults):
    """The Pipeline goes, and with it the pod's owner: the cleaner is made all the same."""
    job = Job(hadoop, hadoop_defaults, "deleted", seconds=600)
    job.reach("settling")
    for pid in processes("weir-operator"):
        os.kill(pid, signal.SIGKILL)
    strike("launcher", job)
    job.pipeline.delete(wait=False)
    wait_for("nothing to be left on YARN", lambda: job.watch.alive() == [], 180)
    wait_for("its pods to go", lambda: job.pipeline.pods() == [], 120)
    job.watch.over = True
