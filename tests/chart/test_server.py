"""What the chart's roles and policy allow and refuse, by a real API server: $WEIR_TEST_KUBECONFIG, skipped without one.

The operator of a namespaced install may patch pods everywhere; the policy leaves of that what it is for. Asked as the
service account, by impersonation. Makes objects with names of its own and removes them.
"""
import base64
import json
import os
import secrets
import ssl
import time
import urllib.error
import urllib.request

import pytest
import yaml

from test_chart import HELM, of_kind, render

KUBECONFIG = os.environ.get("WEIR_TEST_KUBECONFIG")
pytestmark = pytest.mark.skipif(not (KUBECONFIG and HELM), reason="WEIR_TEST_KUBECONFIG names no API server, or no helm")

MARK = secrets.token_hex(3)
SYSTEM, WATCHED, ELSEWHERE = (f"chart-{MARK}-{name}" for name in ("system", "watched", "elsewhere"))
RESULT, OTHERS = "weir.dev/result", "example.com/keep"
RBAC, ADMISSION = "/apis/rbac.authorization.k8s.io/v1", "/apis/admissionregistration.k8s.io/v1"
COLLECTIONS = {
    "ClusterRole": f"{RBAC}/clusterroles", "ClusterRoleBinding": f"{RBAC}/clusterrolebindings",
    "Role": RBAC + "/namespaces/{}/roles", "RoleBinding": RBAC + "/namespaces/{}/rolebindings",
    "ValidatingAdmissionPolicy": f"{ADMISSION}/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": f"{ADMISSION}/validatingadmissionpolicybindings",
}


class Server:
    """Requests to the API server as its administrator, or as somebody else."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            config = yaml.safe_load(file)
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.url, self.token = cluster["server"], user["token"]
        self.context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())

    def __call__(self, method, path, body=None, kind="application/json", user=None, groups=()):
        """(HTTP status, answer)"""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        request = urllib.request.Request(self.url + path, method=method, headers=headers,
                                         data=None if body is None else json.dumps(body).encode())
        if user:
            request.add_header("Impersonate-User", user)
            for group in groups:  # add_header keeps only the last of a name
                request.add_header("Impersonate-Group", group)
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def must(self, *what, **options):
        status, answer = self(*what, **options)
        assert status < 300, f"{what[:2]}: {status} {answer.get('message')}"
        return answer


def account(namespace, name):
    return f"system:serviceaccount:{namespace}:{name}"


OPERATOR, UNINSTALL = account(SYSTEM, "weir"), account(SYSTEM, "weir-uninstall")


def pods(namespace, name=""):
    return f"/api/v1/namespaces/{namespace}/pods{'/' + name if name else ''}"


def create_pod(server, namespace, metadata):
    """One that no scheduler takes. A new namespace has no service account for a moment."""
    body = {"metadata": metadata,
            "spec": {"schedulingGates": [{"name": "example.com/never"}], "automountServiceAccountToken": False,
                     "containers": [{"name": "main", "image": "none:1"}]}}
    end = time.monotonic() + 30
    while True:
        status, answer = server("POST", pods(namespace), body)
        if status != 403 or time.monotonic() > end:
            assert status == 201, answer
            return answer
        time.sleep(0.1)


@pytest.fixture(scope="module")
def server():
    api = Server(KUBECONFIG)
    values = [f"watchNamespaces={{{WATCHED}}}"]
    documents = render(values, namespace=SYSTEM) + render(values, hooks=True, namespace=SYSTEM)
    made = []
    for name in (SYSTEM, WATCHED, ELSEWHERE):
        api.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        made.append(f"/api/v1/namespaces/{name}")
    try:
        for kind, collection in COLLECTIONS.items():
            for document in of_kind(documents, kind):
                path = collection.format(document["metadata"].get("namespace"))
                api.must("POST", path, document)
                made.append(f"{path}/{document['metadata']['name']}")
        yield api
    finally:
        for path in reversed(made):
            api("DELETE", path)


@pytest.fixture
def pod(server):
    """Makes a pod that looks like a task's, and removes it in the end."""
    made = []

    def make(namespace, **metadata):
        owner = server.must("GET", f"/api/v1/namespaces/{namespace}")
        made.append(create_pod(server, namespace, {
            "generateName": "task-", "finalizers": [OTHERS, RESULT], "annotations": {"note": "x"},
            "labels": {"app.kubernetes.io/managed-by": "weir", "team": "data"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "Namespace", "name": namespace, "uid": owner["metadata"]["uid"]}],
            **metadata}))
        return made[-1]
    yield make
    for done in made:
        path = pods(done["metadata"]["namespace"], done["metadata"]["name"])
        server("PATCH", path, {"metadata": {"finalizers": None}}, kind="application/merge-patch+json")
        server("DELETE", path, {"gracePeriodSeconds": 0})


def patch(server, target, change, user=OPERATOR, **options):
    """As the operator does: a strategic merge, with the UID as precondition."""
    metadata = {"uid": target["metadata"]["uid"], **change.get("metadata", {})}
    return server("PATCH", pods(target["metadata"]["namespace"], target["metadata"]["name"]), {**change, "metadata": metadata},
                  kind="application/strategic-merge-patch+json", user=user, **options)


DROP = {"$deleteFromPrimitiveList/finalizers": [RESULT]}


@pytest.fixture(scope="module")
def enforced(server):
    """A new policy is not enforced at once."""
    target = create_pod(server, ELSEWHERE, {"name": "probe"})
    end = time.monotonic() + 60
    while patch(server, target, {"metadata": {"labels": {"probe": secrets.token_hex(4)}}})[0] != 422:
        assert time.monotonic() < end, "the policy is not enforced"
        time.sleep(0.1)
    server("DELETE", pods(ELSEWHERE, "probe"), {"gracePeriodSeconds": 0})
    return server


@pytest.mark.parametrize("namespace", [WATCHED, ELSEWHERE])
@pytest.mark.parametrize("metadata", [DROP, {**DROP, "labels": {"weir.dev/done": "true"}}, {"labels": {"weir.dev/done": "true"}}])
def test_its_finalizer_goes_anywhere_and_done_may_be_added(enforced, pod, namespace, metadata):
    target = pod(namespace)
    status, answer = patch(enforced, target, {"metadata": metadata})
    assert status == 200, answer
    assert answer["metadata"]["finalizers"] == ([OTHERS] if DROP.items() <= metadata.items() else [OTHERS, RESULT])
    assert answer["metadata"]["labels"].get("weir.dev/done") == metadata.get("labels", {}).get("weir.dev/done")


def test_also_when_it_has_nothing_else(enforced, pod):
    status, answer = patch(enforced, pod(ELSEWHERE, finalizers=[RESULT], labels=None, annotations=None, ownerReferences=None),
                           {"metadata": DROP})
    assert status == 200 and "finalizers" not in answer["metadata"], answer
    assert patch(enforced, pod(ELSEWHERE, finalizers=None), {"metadata": DROP})[0] == 200, "nothing to do is nothing wrong"


def test_also_in_a_namespace_that_is_being_deleted(enforced, pod):
    name = f"chart-{MARK}-leaving"
    enforced.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    target = pod(name, finalizers=[RESULT])
    enforced.must("DELETE", f"/api/v1/namespaces/{name}")
    assert patch(enforced, target, {"metadata": DROP})[0] == 200


CHANGES = {
    "a label": {"metadata": {"labels": {"team": "other"}}},
    "a label taken away": {"metadata": {"labels": {"team": None}}},
    "a label of its own taken away": {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}},
    "a new label": {"metadata": {"labels": {"new": "x"}}},
    "an annotation": {"metadata": {"annotations": {"note": "y"}}},
    "a new annotation": {"metadata": {"annotations": {"new": "y"}}},
    "the image": {"spec": {"containers": [{"name": "main", "image": "other:1"}]}},
    "a deadline": {"spec": {"activeDeadlineSeconds": 60}},
    "a gate": {"spec": {"schedulingGates": None}},
    "the owner": {"metadata": {"ownerReferences": None}},
    "another's finalizer": {"metadata": {"$deleteFromPrimitiveList/finalizers": [OTHERS]}},
    "both finalizers": {"metadata": {"$deleteFromPrimitiveList/finalizers": [OTHERS, RESULT]}},
    "a new finalizer": {"metadata": {"finalizers": ["example.com/new"]}},
    "its own and something else": {"metadata": {**DROP, "labels": {"new": "x"}}},
}


@pytest.mark.parametrize("namespace", [WATCHED, ELSEWHERE])
@pytest.mark.parametrize("what", CHANGES)
def test_nothing_else_may_be_changed(enforced, pod, namespace, what):
    target = pod(namespace)
    status, answer = patch(enforced, target, CHANGES[what])
    assert status == 422 and "denied request: weir " in answer["message"], (status, answer.get("message"))
    now = enforced.must("GET", pods(namespace, target["metadata"]["name"]))
    for field in ("labels", "annotations", "finalizers", "ownerReferences"):
        assert now["metadata"][field] == target["metadata"][field]
    assert now["spec"] == target["spec"]


def test_done_once_said_stays(enforced, pod):
    target = pod(ELSEWHERE, labels={"weir.dev/done": "true"})
    for value in (None, "false"):
        assert patch(enforced, target, {"metadata": {"labels": {"weir.dev/done": value}}})[0] == 422


def test_others_are_not_held_to_it(enforced, pod):
    target = pod(ELSEWHERE)
    for user in (None, account(ELSEWHERE, "weir"), account(SYSTEM, "weir-2")):
        status, answer = patch(enforced, target, {"metadata": {"labels": {"team": secrets.token_hex(2)}}}, user=user,
                               groups=["system:masters"])
        assert status == 200, answer


def allowed(server, user, verb, resource, namespace=None, group="", name=None):
    """The authorizer's own word; nothing is done."""
    attributes = {"verb": verb, "group": group, "resource": resource.partition("/")[0], "subresource": resource.partition("/")[2],
                  "namespace": namespace or "", "name": name or ""}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
              "spec": {"user": user, "groups": ["system:serviceaccounts", "system:authenticated"], "resourceAttributes": attributes}}
    return server.must("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)["status"]["allowed"]


def test_rights_of_the_operator(server):
    def may(*what, **more):
        return allowed(server, OPERATOR, *what, **more)
    for verb in ("get", "list", "watch", "create", "delete", "patch"):
        assert may(verb, "pods", WATCHED), verb
        assert may(verb, "pods", ELSEWHERE) == (verb == "patch"), verb
        assert may(verb, "pods", SYSTEM) == (verb == "patch"), verb
        assert may(verb, "namespaces", WATCHED, name=WATCHED) == (verb == "get"), verb
        assert not may(verb, "namespaces", ELSEWHERE, name=ELSEWHERE), verb
        for resource in ("pods/status", "pods/ephemeralcontainers", "pods/resize", "pods/exec", "pods/log", "secrets", "configmaps"):
            assert not may(verb, resource, WATCHED), (verb, resource)
            assert not may(verb, resource, ELSEWHERE), (verb, resource)
    for verb in ("update", "patch"):
        assert may(verb, "pipelines/status", WATCHED, group="weir.dev")
    assert may("update", "pipelines/finalizers", WATCHED, group="weir.dev") and not may("create", "pipelines", WATCHED, group="weir.dev")
    for namespace in (SYSTEM, WATCHED, ELSEWHERE):
        for verb in ("create", "patch"):
            assert may(verb, "events", namespace, group="events.k8s.io") == (namespace != ELSEWHERE)


def test_rights_of_the_uninstall_job(server):
    for verb in ("get", "list", "watch", "create", "update", "delete", "patch"):
        assert allowed(server, UNINSTALL, verb, "pods", ELSEWHERE) == (verb in ("list", "patch")), verb
        assert not allowed(server, UNINSTALL, verb, "secrets", ELSEWHERE)
        assert not allowed(server, UNINSTALL, verb, "pipelines", ELSEWHERE, group="weir.dev")
