"""The chart's life: installed (by the fixture), upgraded, uninstalled; Pipelines outlive all of it."""

import cluster
from cluster import get, helm, kubectl, wait_for
from conftest import shell

CHART = cluster.ROOT / "charts/weir"


def upgrade(*values):
    helm("upgrade", "--install", "weir", CHART, "-n", cluster.SYSTEM, "--reuse-values", *values, "--wait", "--timeout=180s")


def test_upgrade_while_a_task_runs(weir, namespace):
    run = namespace.pipeline("upgraded", {"tasks": [
        {"name": "first", **shell("sleep 20")}, {"name": "second", "dependsOn": ["first"], **shell("true")}]})
    run.wait_task("first", "Running")
    upgrade("--set", "replicas=2,logLevel=debug")
    run.wait_phase("Succeeded")
    assert all(task["attempt"] == 1 for task in run.status()["tasks"])
    upgrade("--set", "replicas=1,logLevel=info")


def test_leader_hands_over(weir, namespace):
    """The leader's pod is deleted: the lease is released, and the next one works on at once."""
    holder = lambda: get("lease", "weir", cluster.SYSTEM)["spec"].get("holderIdentity", "")
    before = wait_for("a leader", holder, 30)
    leader = before.split("_")[0]
    kubectl("delete", "pod", leader, "-n", cluster.SYSTEM, "--wait=false")
    run = namespace.pipeline("handed", {"tasks": [{"name": "a", **shell("true")}]})
    run.wait_phase("Succeeded", timeout=60)
    after = wait_for("another leader", lambda: (lambda h: h if h not in ("", before) else None)(holder()), 30)
    assert after != before


def test_uninstall_keeps_pipelines_and_install_goes_on(weir, namespace):
    run = namespace.pipeline("kept", {"tasks": [
        {"name": "first", **shell("sleep 15")}, {"name": "second", "dependsOn": ["first"], **shell("true")}]})
    run.wait_task("first", "Running")
    helm("uninstall", "weir", "-n", cluster.SYSTEM, "--wait")
    assert get("crd", "pipelines.weir.dev") is not None
    assert run.task("first")["phase"] == "Running"
    helm("upgrade", "--install", "weir", CHART, "-n", cluster.SYSTEM, "--wait", "--timeout=180s",
         "--set", "image.repository=weir,image.tag=dev,image.pullPolicy=IfNotPresent")
    run.wait_phase("Succeeded")
    assert all(task["attempt"] == 1 for task in run.status()["tasks"]), "the job was not run again"
