"""Fixtures: weir installed by its chart, Hadoop as a pod, and a namespace for each test. hack/test makes the cluster."""

import re
import secrets

import pytest

import cluster
from cluster import Namespace, Yarn, helm, kubectl

IMAGE = "weir-example:dev"


def install(*values):
    helm("upgrade", "--install", "weir", cluster.ROOT / "charts/weir", "-n", cluster.SYSTEM, "--create-namespace",
         "--set", "image.repository=weir,image.tag=dev,image.pullPolicy=IfNotPresent", *values, "--wait", "--timeout=180s")


@pytest.fixture(scope="session")
def weir():
    kubectl("delete", "namespaces", "-l", "weir.dev/test", "--wait=true", check=False, timeout=300)
    install()
    # the image may be another one under the same tag
    kubectl("rollout", "restart", "deployment/weir", "-n", cluster.SYSTEM)
    kubectl("rollout", "status", "deployment/weir", "-n", cluster.SYSTEM, "--timeout=180s")
    return cluster.service_url("weir", 8080)


def fresh_namespace(name):
    space = Namespace(name)
    kubectl("label", "namespace", name, "weir.dev/test=true")
    return space


@pytest.fixture
def namespace(weir, request):
    plain = re.sub("[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40]
    space = fresh_namespace(f"t-{plain}-{secrets.token_hex(2)}")
    yield space
    space.delete()


@pytest.fixture(scope="session")
def hadoop(weir):
    """A namespace with HDFS and YARN in it."""
    space = fresh_namespace(f"t-hadoop-{secrets.token_hex(2)}")
    kubectl("apply", "-n", space.name, "-f", cluster.ROOT / "examples/hadoop.yaml")
    kubectl("rollout", "status", "deployment/hadoop", "-n", space.name, "--timeout=300s", timeout=310)
    space.yarn = Yarn(space.name)
    yield space
    space.delete()


def shell(script, **task):
    """A task that runs a bash script in the example image."""
    return {"image": IMAGE, "command": {"command": ["bash", "-euc", script]}, **task}


@pytest.fixture
def hadoop_defaults():
    """What a task needs to speak to the Hadoop of `hadoop`; the same as in examples/wordcount.yaml."""
    return {
        "image": IMAGE,
        "env": [{"name": "HADOOP_CONF_DIR", "value": "/etc/hadoop/conf"},
                {"name": "SPARK_LOCAL_HOSTNAME", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "volumes": [{"name": "hadoop-conf", "configMap": {"name": "hadoop-conf"}}],
        "volumeMounts": [{"name": "hadoop-conf", "mountPath": "/etc/hadoop/conf"}],
    }
