"""The example as a user runs it: every task succeeds, and the status tells where and how."""

import re

import cluster
from cluster import Pipeline, kubectl, metrics

TASKS = ["put", "streaming", "jar", "compare-client", "compare-cluster"]


def test_example(hadoop, weir):
    kubectl("apply", "-n", hadoop.name, "-f", cluster.ROOT / "examples/wordcount.yaml")
    pipeline = Pipeline(hadoop, "wordcount")
    seen = pipeline.wait_task("streaming", "Running", timeout=180)
    url = cluster.wait_for("tracking URL while the job runs", lambda: pipeline.task("streaming").get("trackingURL"), 90)
    assert seen["phase"] == "Running" and "/proxy/application_" in url

    status = pipeline.wait_phase("Succeeded", "Failed", timeout=600)
    assert status["phase"] == "Succeeded", pipeline.explain()
    assert status["progress"] == "5/5"
    tasks = {task["name"]: task for task in status["tasks"]}
    assert sorted(tasks) == sorted(TASKS)
    for name, task in tasks.items():
        assert task["phase"] == "Succeeded" and task.get("exitCode") == 0 and task["attempt"] == 1, task
        if name != "put":
            assert re.fullmatch(r"application_\d+_\d+", task["applicationID"]), task
            assert task["trackingURL"].startswith("http://"), task
    ours = {task["applicationID"] for name, task in tasks.items() if name != "put"}
    # a client's process may end a moment before its application does
    cluster.wait_for("YARN to say the same", lambda: ours <= {
        a["id"] for a in hadoop.yarn.applications() if a["finalStatus"] == "SUCCEEDED"}, 30)
    for name in ("streaming", "jar"):
        assert tasks[name]["jobIDs"] == [tasks[name]["applicationID"].replace("application", "job")]


def test_the_figures_are_there(weir):
    """What hack/demo prints; how good they are is a matter of the machine, so it is not judged here."""
    seen = metrics(weir)
    assert seen["weir_edge_seconds_count"] >= 4
    print(f"next task: {seen['weir_edge_seconds_sum'] / seen['weir_edge_seconds_count'] * 1000:.0f} ms on average; "
          f"memory {seen['process_resident_memory_bytes'] / 1e6:.1f} MB")
