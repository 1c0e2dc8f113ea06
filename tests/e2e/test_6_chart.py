"""The chart's life: installed (by the fixture), upgraded, uninstalled; Pipelines outlive all of it."""

import secrets

import pytest

import cluster
from cluster import get, helm, kubectl, metrics, service_url, wait_for
from conftest import fresh_namespace, install, shell


def test_upgrade_while_a_task_runs(weir, namespace):
    run = namespace.pipeline("upgraded", {"tasks": [
        {"name": "first", **shell("sleep 20")}, {"name": "second", "dependsOn": ["first"], **shell("true")}]})
    run.wait_task("first", "Running")
    install("--set", "replicas=2,logLevel=debug")
    run.wait_phase("Succeeded")
    assert all(task["attempt"] == 1 for task in run.status()["tasks"])
    install()


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


HELD = "weir.dev/result"


def uninstall():
    helm("uninstall", "weir", "-n", cluster.SYSTEM, "--wait", timeout=400)


def test_uninstall_keeps_pipelines_and_install_goes_on(weir, namespace):
    run = namespace.pipeline("kept", {"tasks": [
        {"name": "first", **shell("sleep 15")}, {"name": "second", "dependsOn": ["first"], **shell("true")}]})
    run.wait_task("first", "Running")
    assert HELD in run.pods()[0]["metadata"]["finalizers"]
    uninstall()
    assert get("crd", "pipelines.weir.dev") is not None
    assert run.task("first")["phase"] == "Running"
    assert run.pods()[0]["metadata"].get("finalizers", []) == [], "nobody is there to take it off"
    assert get("jobs", namespace=cluster.SYSTEM) == [] and get("clusterroles", "weir-system.weir-uninstall") is None
    install()
    run.wait_phase("Succeeded")
    assert all(task["attempt"] == 1 for task in run.status()["tasks"]), "the job was not run again"


@pytest.fixture
def listed(weir):
    """An install for two namespaces instead of all, in place of the other one."""
    uninstall()
    spaces = [fresh_namespace(f"t-listed-{letter}-{secrets.token_hex(2)}") for letter in "ab"]
    install("--set", f"watchNamespaces={{{','.join(space.name for space in spaces)}}}")
    yield spaces
    uninstall()
    for space in spaces:
        kubectl("delete", "namespace", space.name, "--wait=false", "--ignore-not-found")
    install()


def test_one_namespace_does_not_stop_another(listed):
    good, bad = listed
    grant = get("rolebindings", namespace=bad.name)[0]
    kubectl("delete", "rolebinding", grant["metadata"]["name"], "-n", bad.name)
    kubectl("rollout", "restart", "deployment/weir", "-n", cluster.SYSTEM)
    kubectl("rollout", "status", "deployment/weir", "-n", cluster.SYSTEM, "--timeout=60s") # readyz says yes
    blocked = bad.pipeline("blocked", {"tasks": [{"name": "a", **shell("true")}]})
    run = good.pipeline("runs", {"tasks": [{"name": "a", **shell("true")}]})
    run.wait_phase("Succeeded")
    assert blocked.phase() is None
    assert metrics(service_url("weir", 8080))[f'weir_namespace_unreadable{{namespace="{bad.name}"}}'] == 1
    wait_for("an event that says so", lambda: [
        e for e in get("events.events.k8s.io", namespace=cluster.SYSTEM)
        if e["reason"] == "NamespaceUnreadable" and bad.name in e["note"]], 60)
    kubectl("create", "-f", "-", stdin=cluster.json.dumps({**grant, "metadata": {
        "name": grant["metadata"]["name"], "namespace": bad.name, "labels": grant["metadata"].get("labels", {})}}))
    blocked.wait_phase("Succeeded")


def test_a_listed_namespace_can_be_deleted_while_jobs_run(listed):
    """Its RoleBinding may go first; its pods go all the same, and so does the namespace."""
    leaving, other = listed
    runs = [leaving.pipeline(f"r{i}", {"tasks": [{"name": "a", **shell("sleep 1000")}]}) for i in range(3)]
    for run in runs:
        run.wait_task("a", "Running")
    for grant in get("rolebindings", namespace=leaving.name):
        kubectl("delete", "rolebinding", grant["metadata"]["name"], "-n", leaving.name)
    leaving.delete()
    wait_for("the namespace to be gone", lambda: get("namespaces", leaving.name) is None, 300)
    run = other.pipeline("runs", {"tasks": [{"name": "a", **shell("true")}]})
    run.wait_phase("Succeeded")
