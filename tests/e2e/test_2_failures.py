"""What goes wrong is said: reason, exit code, a message for a person; and what depends on it does not start."""

import re

import pytest

from cluster import kubectl, wait_for
from conftest import shell


def test_failing_task_omits_its_dependants(namespace):
    run = namespace.pipeline("fails", {"tasks": [
        {"name": "bad", **shell("echo 'ValueError: bad input' >&2; exit 3")},
        {"name": "after", "dependsOn": ["bad"], **shell("true")},
        {"name": "later", "dependsOn": ["after"], **shell("true")}]})
    status = run.wait_phase("Failed")
    bad = run.task("bad")
    assert (bad["phase"], bad["reason"], bad["exitCode"]) == ("Failed", "ExitCode", 3)
    assert "bad input" in bad["message"]
    assert [run.task(t)["phase"] for t in ("after", "later")] == ["Omitted", "Omitted"]
    assert run.task("after")["reason"] == "DependencyFailed"
    assert run.condition("Succeeded")["status"] == "False"
    assert "bad" in run.condition("Succeeded")["message"]
    assert len(run.pods()) == 1, "nothing but the failed task had a pod"
    assert status["counts"]["failed"] == 1


def test_failing_spark_job(namespace):
    script = "from pyspark.sql import SparkSession\\nSparkSession.builder.getOrCreate()\\nraise ValueError('no such table')"
    run = namespace.pipeline("spark-fails", {"tasks": [{
        "name": "spark", "image": "weir-example:dev",
        "sparkSubmit": {"master": "local[1]", "application": "/tmp/job/fail.py"},
        "volumes": [{"name": "job", "configMap": {"name": "job"}}],
        "volumeMounts": [{"name": "job", "mountPath": "/tmp/job"}]}]})
    namespace.apply('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"job"},"data":{"fail.py":"%s"}}' % script)
    run.wait_phase("Failed", timeout=240)
    task = run.task("spark")
    assert (task["reason"], task["exitCode"]) == ("ExitCode", 1)
    assert "ValueError: no such table" in task["message"]
    assert task["trackingURL"].startswith("http://"), "the UI's address was found while it ran"


def test_failing_streaming_job(hadoop, hadoop_defaults):
    run = hadoop.pipeline("streaming-fails", {"defaults": hadoop_defaults, "tasks": [
        {"name": "input", "command": {"command": ["bash", "-euc", "echo words | hdfs dfs -put -f - /words.txt"]}},
        {"name": "job", "dependsOn": ["input"], "hadoopStreaming": {
            "jar": "/opt/hadoop/share/hadoop-streaming.jar", "mapper": "false", "reducer": "cat",
            "input": ["/words.txt"], "output": "/never",
            "conf": {"mapreduce.map.maxattempts": "1", "mapreduce.job.maps": "1"}}},
        {"name": "after", "dependsOn": ["job"], "command": {"command": ["true"]}}]})
    run.wait_phase("Failed", timeout=300)
    job = run.task("job")
    assert job["phase"] == "Failed" and job["exitCode"] == 1, job
    assert job["applicationID"] and job["message"]
    assert run.task("after")["phase"] == "Omitted"
    assert hadoop.yarn.unfinished() == []
    run.delete()


def test_retry_succeeds_the_second_time(namespace):
    # the attempt's number is in the pod's name: <pipeline>-<task>-<attempt>-<hash>
    run = namespace.pipeline("again", {"tasks": [
        {"name": "flaky", "retry": {"limit": 2, "backoff": {"initial": "1s"}},
         **shell('case $HOSTNAME in again-flaky-1-*) exit 9;; esac')},
        {"name": "after", "dependsOn": ["flaky"], **shell("true")}]})
    run.wait_phase("Succeeded")
    task = run.task("flaky")
    assert task["attempt"] == 2 and task["exitCode"] == 0
    assert [a["exitCode"] for a in task["attempts"]] == [9], "attempts holds the earlier ones"


def test_timeout(namespace):
    run = namespace.pipeline("slow", {"tasks": [{"name": "sleep", "timeout": "3s", **shell("sleep 1000")}]})
    run.wait_phase("Failed")
    assert run.task("sleep")["reason"] == "Timeout"


def test_image_that_does_not_exist(namespace):
    run = namespace.pipeline("no-image", {"tasks": [
        {"name": "nope", "image": "127.0.0.1:1/no/such:image", "startTimeout": "40s", "command": {"command": ["true"]}}]})
    # containerd itself tries for a quarter of a minute before it says so
    wait_for("the reason while it waits", lambda: run.task("nope").get("reason") == "ImagePullBackOff", 38)
    run.wait_phase("Failed")
    task = run.task("nope")
    assert task["reason"] == "ImagePullBackOff", task
    assert "127.0.0.1:1" in task["message"]
    assert "exitCode" not in task


def test_command_that_does_not_exist(namespace):
    run = namespace.pipeline("no-command", {"tasks": [
        {"name": "nope", "image": "weir-example:dev", "command": {"command": ["no-such-program"]}}]})
    run.wait_phase("Failed")
    assert run.task("nope")["exitCode"] == 127
    assert "no-such-program" in run.task("nope")["message"]


def test_out_of_memory(namespace):
    run = namespace.pipeline("big", {"tasks": [
        {"name": "eat", "resources": {"limits": {"memory": "64Mi"}},
         **shell("python3 -c 'x = bytearray(500 * 1000 * 1000); x[::4096] = b\"1\" * len(x[::4096])'")}]})
    run.wait_phase("Failed")
    assert run.task("eat")["reason"] == "OOMKilled", run.task("eat")


def test_pod_that_admission_refuses(namespace):
    """A policy may change, so the task waits and says so; its startTimeout ends that."""
    run = namespace.pipeline("refused", {"tasks": [
        {"name": "root", "startTimeout": "15s", "pod": {"spec": {"hostNetwork": True}}, **shell("true")}]})
    waiting = wait_for("the reason while it waits", lambda: (lambda t: t if t.get("reason") else None)(run.task("root")))
    assert (waiting["phase"], waiting["reason"]) == ("Queued", "CreateFailed"), waiting
    assert "PodSecurity" in waiting["message"] and "hostNetwork" in waiting["message"]
    run.wait_phase("Failed")
    assert run.task("root")["reason"] == "StartTimeout" and "hostNetwork" in run.task("root")["message"]
    assert run.pods() == []
    assert len([e for e in namespace.events("refused") if e["reason"] == "CreateFailed"]) == 1


def test_quota_and_missing_account_are_waited_for(namespace):
    namespace.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
    full = namespace.pipeline("full", {"tasks": [{"name": "a", **shell("true")}]})
    robot = namespace.pipeline("robot", {"tasks": [
        {"name": "a", "pod": {"spec": {"serviceAccountName": "robot"}}, **shell("true")}]})
    wait_for("the quota as reason", lambda: full.task("a").get("reason") == "QuotaExceeded")
    assert "exceeded quota: none" in full.task("a")["message"]
    wait_for("the account as reason", lambda: robot.task("a").get("reason") == "CreateFailed")
    assert 'serviceaccount "robot" not found' in robot.task("a")["message"]
    kubectl("delete", "resourcequota", "none", "-n", namespace.name)
    kubectl("create", "serviceaccount", "robot", "-n", namespace.name)
    for run in (full, robot):
        run.wait_phase("Succeeded")
        assert run.task("a")["attempt"] == 1


def test_what_is_written_arrives_unchanged(namespace):
    """Neither weir nor the kubelet touches what is not theirs; $(VAR) of the manifest is Kubernetes' own."""
    run = namespace.pipeline("verbatim", {"params": [{"name": "text", "value": "$(HOME)"}, {"name": "pid", "value": "$$"}], "tasks": [
        {"name": "a", "env": [{"name": "WORD", "value": "word"}],
         **shell("echo pid=$$; echo 'text=$(params.text)'; echo 'two=$(params.pid)'; echo word=$(WORD)")}]})
    run.wait_phase("Succeeded")
    log = kubectl("logs", run.task("a")["pod"], "-n", namespace.name, "-c", "main").stdout
    assert re.search(r"^pid=\d+$", log, re.M), log
    assert all(line in log.splitlines() for line in ("text=$(HOME)", "two=$$", "word=word")), log


@pytest.mark.parametrize("tasks,problem", [
    ([{"name": "load", "dependsOn": ["extrct"]}, {"name": "extract"}], 'no task named "extrct" (did you mean "extract"?)'),
    ([{"name": "a", "dependsOn": ["b"]}, {"name": "b", "dependsOn": ["a"]}], "cycle"),
    ([{"name": "a", "env": [{"name": "X", "value": "$(params.nope)"}]}], "params.nope"),
])
def test_manifest_errors_stall(namespace, tasks, problem):
    run = namespace.pipeline("wrong", {"tasks": [{**shell("true"), **task} for task in tasks]})
    condition = wait_for("Stalled", lambda: (lambda c: c if c.get("status") == "True" else None)(run.condition("Stalled")))
    assert problem in condition["message"] and "spec.tasks[0]" in condition["message"]
    assert run.pods() == []
    assert wait_for("event", lambda: [e for e in namespace.events("wrong") if e["type"] == "Warning"])


def test_a_fan_of_errors_is_said_at_once_and_mended_by_an_edit(namespace):
    tasks = [{"name": f"t{i}", "dependsOn": [f"missing{i}"], **shell("true")} for i in range(5)]
    run = namespace.pipeline("many", {"tasks": tasks})
    condition = wait_for("Stalled", lambda: (lambda c: c if c.get("status") == "True" else None)(run.condition("Stalled")))
    assert all(f"missing{i}" in condition["message"] for i in range(5))
    namespace.pipeline("many", {"tasks": [{"name": "t0", **shell("true")}]})
    run.wait_phase("Succeeded")
    assert run.condition("Stalled").get("status") != "True"


@pytest.mark.parametrize("task,words", [
    ({"name": "two", "command": {"command": ["true"]}, "sparkSubmit": {"application": "a.py"}}, "exactly one"),
    ({"name": "none"}, "exactly one"),
    ({"name": "Upper", "command": {"command": ["true"]}}, "name"),
    ({"name": "both", "dependsOn": ["a"], "depends": "a", "command": {"command": ["true"]}}, "depends"),
])
def test_the_api_server_refuses(namespace, task, words):
    with pytest.raises(AssertionError, match=words):
        namespace.pipeline("refused", {"tasks": [{"image": "x", **task}]})
