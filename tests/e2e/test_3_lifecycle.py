"""Deleting, suspending, restarting: nothing is lost, doubled or left behind."""

import cluster
from cluster import get, kubectl, metrics, wait_for
from conftest import shell


def gone(pipeline):
    return pipeline.get() is None and pipeline.pods() == []


def test_delete_while_running_on_yarn(hadoop, hadoop_defaults):
    """The remote application ends with its Pipeline, and no pod stays."""
    run = hadoop.pipeline("killed", {"defaults": hadoop_defaults, "tasks": [
        {"name": "input", "command": {"command": ["bash", "-euc", "echo words | hdfs dfs -put -f - /slow.txt"]}},
        {"name": "job", "dependsOn": ["input"], "hadoopStreaming": {
            "jar": "/opt/hadoop/share/hadoop-streaming.jar", "mapper": "sleep 600", "reducer": "cat",
            "input": ["/slow.txt"], "output": "/killed", "conf": {"mapreduce.job.maps": "1"}}}]})
    run.wait_task("job", "Running", timeout=180)
    application = wait_for("application id", lambda: run.task("job").get("applicationID"), 90)
    wait_for("the application to run", lambda: application in [a["id"] for a in hadoop.yarn.applications(states="RUNNING")], 90)
    run.delete(wait=False)
    wait_for("Pipeline and pods to be gone", lambda: gone(run), 120)
    end = {a["id"]: a["state"] for a in hadoop.yarn.applications()}
    assert end[application] == "KILLED", end


def test_timeout_kills_the_spark_application(hadoop, hadoop_defaults):
    hadoop.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "sleeper"}, "data": {
        "sleep.py": "import time\nfrom pyspark.sql import SparkSession\nSparkSession.builder.getOrCreate()\ntime.sleep(600)\n"}})
    defaults = {**hadoop_defaults,
                "volumes": hadoop_defaults["volumes"] + [{"name": "sleeper", "configMap": {"name": "sleeper"}}],
                "volumeMounts": hadoop_defaults["volumeMounts"] + [{"name": "sleeper", "mountPath": "/job"}]}
    run = hadoop.pipeline("sleeper", {"defaults": defaults, "tasks": [
        {"name": "spark", "timeout": "40s", "sparkSubmit": {
            "master": "yarn", "deployMode": "cluster", "application": "/job/sleep.py",
            "driver": {"memory": "512m"}, "executor": {"instances": 1, "memory": "512m"},
            "conf": {"spark.yarn.maxAppAttempts": "1"}}}]})
    run.wait_phase("Failed", timeout=180)
    task = run.task("spark")
    assert task["reason"] == "Timeout" and task["applicationID"]
    assert hadoop.yarn.unfinished() == []
    run.delete()


def test_suspend_and_resume(namespace):
    spec = {"suspend": True, "tasks": [{"name": "only", **shell("true")}]}
    run = namespace.pipeline("held", spec)
    run.wait_phase("Suspended")
    assert run.condition("Suspended")["status"] == "True" and run.pods() == []
    namespace.pipeline("held", {**spec, "suspend": False})
    run.wait_phase("Succeeded")


def ended(pod):
    states = [c.get("state", {}) for c in pod["status"].get("containerStatuses", []) if c["name"] == "main"]
    return pod["status"].get("phase") in ("Succeeded", "Failed") or any("terminated" in state for state in states)


def test_parallelism(namespace):
    run = namespace.pipeline("narrow", {"parallelism": 2, "podRetention": "Always", "tasks": [
        {"name": f"t{i}", **shell("sleep 2")} for i in range(5)]})
    most = 0
    while run.phase() not in ("Succeeded", "Failed"):
        most = max(most, sum(not ended(pod) for pod in run.pods()))
    assert run.phase() == "Succeeded" and most <= 2
    assert len(run.pods()) == 5, "podRetention: Always"


def test_ttl_and_retention(namespace):
    run = namespace.pipeline("short", {"ttlSecondsAfterFinished": 8, "tasks": [{"name": "a", **shell("true")}]})
    run.wait_phase("Succeeded")
    wait_for("Pipeline to be removed", lambda: gone(run), 60)


def test_pod_deleted_by_somebody_is_run_again(namespace):
    run = namespace.pipeline("robbed", {"tasks": [
        {"name": "work", **shell("case $HOSTNAME in robbed-work-1-*) sleep 600;; esac")}]})
    pod = run.wait_task("work", "Running")["pod"]
    kubectl("delete", "pod", pod, "-n", namespace.name, "--wait=false")
    run.wait_phase("Succeeded", timeout=120)
    task = run.task("work")
    assert task["attempt"] == 2 and task["attempts"][0]["infra"] is True, task


def test_delete_leaves_nothing_even_when_a_task_ignores_sigterm(namespace):
    run = namespace.pipeline("stubborn", {"tasks": [
        {"name": "deaf", "pod": {"spec": {"terminationGracePeriodSeconds": 10}}, **shell("trap '' TERM; sleep 1000 & wait; sleep 1000")}]})
    run.wait_task("deaf", "Running")
    run.delete(wait=False)
    wait_for("Pipeline and pods to be gone", lambda: gone(run), 60)


DEAF = {"pod": {"spec": {"terminationGracePeriodSeconds": 20}}, **shell("trap '' TERM; sleep 1000 & wait; sleep 1000")}


def test_a_new_run_waits_for_the_pods_of_the_former_one(namespace):
    former = namespace.pipeline("twice", {"tasks": [{"name": "deaf", **DEAF}]})
    pod = former.wait_task("deaf", "Running")["pod"]
    former.delete()
    run = namespace.pipeline("twice", {"tasks": [{"name": "deaf", **shell("true")}]})
    condition = wait_for("FormerRun", lambda: (lambda c: c if c.get("reason") == "FormerRun" else None)(run.condition("Reconciling")))
    assert run.phase() == "Pending" and pod in condition["message"] and "--force" in condition["message"]
    assert [p["metadata"]["name"] for p in run.pods()] == [pod], "nothing beside the old pod"
    run.wait_phase("Succeeded")


def test_foreground_deletion_waits_for_the_end(namespace):
    run = namespace.pipeline("waited", {"tasks": [{"name": "deaf", **DEAF}]})
    run.wait_task("deaf", "Running")
    kubectl("delete", "pipeline", "waited", "-n", namespace.name, "--cascade=foreground", "--wait=false")
    wait_for("Stopping", lambda: run.phase() == "Stopping" or gone(run))
    assert run.pods() != []
    wait_for("Pipeline and pods to be gone", lambda: gone(run), 60)


def test_pods_of_a_pipeline_deleted_as_orphans_are_stopped(namespace):
    run = namespace.pipeline("orphans", {"tasks": [{"name": "a", **shell("sleep 1000")}]})
    run.wait_task("a", "Running")
    kubectl("delete", "pipeline", "orphans", "-n", namespace.name, "--cascade=orphan")
    wait_for("its pods to be gone", lambda: gone(run), 90)


def test_nothing_is_written_at_rest(namespace, weir):
    """With a finished run and one that waits: no write for a minute but the lease's renewals."""
    done = namespace.pipeline("done", {"tasks": [{"name": "a", **shell("true")}]})
    waits = namespace.pipeline("waits", {"tasks": [{"name": "a", **shell("sleep 1000")}]})
    done.wait_phase("Succeeded")
    waits.wait_task("a", "Running")
    writes = lambda: {k: v for k, v in metrics(weir).items() if k.startswith("weir_api_requests_total")
                      and any(f'verb="{verb}"' in k for verb in ("create", "update", "patch", "delete"))
                      and 'resource="leases"' not in k and 'resource="tokenreviews"' not in k}
    wait_for("a quiet operator", lambda: (lambda a: cluster.time.sleep(10) or a == writes())(writes()), 60)
    before = writes()
    cluster.time.sleep(60)
    assert writes() == before


def test_operator_stays_up_and_small(weir):
    """After all of the above."""
    pod = get("pods", namespace=cluster.SYSTEM, selector="app.kubernetes.io/name=weir")[0]
    assert all(c["restartCount"] == 0 for c in pod["status"]["containerStatuses"])
    assert metrics(weir)["process_resident_memory_bytes"] < 40 * 1000 * 1000
