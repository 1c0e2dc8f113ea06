"""Who may report: the launcher of a pod, for its own pod, and nobody else."""

import base64
import http.client
import json
import socket
import ssl

import pytest

import cluster
from cluster import get, kubectl
from conftest import shell

RECORD = {"version": 1, "seq": 1000000, "phase": "Running", "trackingURL": "http://forged.example/"}


def post(token, body=RECORD):
    """Status of a report sent to the Service, with the certificate verified by name as launchers do."""
    secret = get("secret", "weir-report", cluster.SYSTEM)["data"]
    trust = ssl.create_default_context(cadata=base64.b64decode(secret["ca.crt"]).decode())
    address = get("service", "weir", cluster.SYSTEM)["spec"]["clusterIP"]
    with socket.create_connection((address, 8443), timeout=10) as plain:
        with trust.wrap_socket(plain, server_hostname=f"weir.{cluster.SYSTEM}.svc") as tls:
            connection = http.client.HTTPConnection("weir")
            connection.sock = tls
            headers = {"Content-Type": "application/json"}
            if token:
                headers["Authorization"] = f"Bearer {token}"
            connection.request("POST", "/v1/report", json.dumps(body), headers)
            return connection.getresponse().status


def token_of(pod, namespace, audience="weir-report"):
    return kubectl("create", "token", "default", "-n", namespace, "--audience", audience,
                   "--bound-object-kind", "Pod", "--bound-object-name", pod).stdout.strip()


@pytest.fixture
def running(weir, namespace):
    run = namespace.pipeline("talks", {"tasks": [{"name": "work", **shell("sleep 1000")}]})
    run.wait_task("work", "Running")
    return run


def test_only_a_launcher_for_itself(running, namespace):
    pod = running.task("work")["pod"]
    foreign = {"apiVersion": "v1", "kind": "Pod", "metadata": {
        "name": "foreign", "labels": {"app.kubernetes.io/managed-by": "weir", "weir.dev/pipeline": "talks"}},
        "spec": running.pods()[0]["spec"]}
    for field in ("nodeName", "tolerations", "priority"):
        foreign["spec"].pop(field, None)
    namespace.apply(foreign)
    assert post(None) == 401
    assert post("nonsense") == 401
    assert post(token_of(pod, namespace.name, "https://kubernetes.default.svc")) == 401, "another audience"
    assert post(kubectl("create", "token", "default", "-n", namespace.name, "--audience", "weir-report").stdout.strip()) == 401, \
        "a token that is bound to no pod"
    assert post(token_of("foreign", namespace.name)) == 403, "a pod that no Pipeline owns"
    assert running.task("work").get("trackingURL") is None
    assert post(token_of(pod, namespace.name)) == 200
    cluster.wait_for("the report in status", lambda: running.task("work").get("trackingURL") == RECORD["trackingURL"], 5)


def test_what_is_no_record_is_refused(running, namespace):
    token = token_of(running.task("work")["pod"], namespace.name)
    assert post(token, {"version": 99}) == 400
    assert post(token, {**RECORD, "message": "x" * 20000}) == 413
    assert post(token, {**RECORD, "seq": 2000000, "trackingURL": "javascript:alert(1)"}) == 200
    assert not running.task("work").get("trackingURL", "").startswith("javascript")
