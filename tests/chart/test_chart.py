"""The Helm chart, rendered by the real helm with the values that people use: least privilege, Pod Security, one CRD.

Needs `hack/setup cluster` (helm) or a helm on the PATH, and is skipped without. What only an API server can tell is in
test_server.py and in the e2e tests.
"""
import os
import pathlib
import re
import secrets
import shutil
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/weir"
CACHE = pathlib.Path(os.environ.get("WEIR_CACHE", pathlib.Path.home() / ".cache/weir"))
BUILT = CACHE / "bin/helm"
HELM = str(BUILT) if BUILT.exists() else shutil.which("helm")
pytestmark = pytest.mark.skipif(not HELM, reason="no helm: run hack/setup cluster")
WATCHED = ["watchNamespaces={etl,reports}"]
POLICIES = "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"  # an API that a cluster may have
VARIANTS = {
    "default": [],
    "namespaces": WATCHED,
    "no-election": ["leaderElection.enabled=false"],
    "two": ["replicas=2", "podDisruptionBudget.enabled=true"],
    "all-on": ["podDisruptionBudget.enabled=true", "networkPolicy.enabled=true", "podMonitor.enabled=true",
               "podMonitor.labels.team=data", "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.name=monitoring",
               "nodeSelector.disk=ssd", "tolerations[0].operator=Exists", "extraArgs={--report-address=10.0.0.1:443}",
               "extraEnv[0].name=HTTPS_PROXY", "extraEnv[0].value=http://proxy:3128", "imagePullSecrets[0].name=pull",
               "podLabels.team=data", "podAnnotations.note=x", "serviceAccount.annotations.role=x",
               "topologySpreadConstraints[0].maxSkew=1", "affinity.nodeAffinity.x=y", "priorityClassName=high",
               "ttlSecondsAfterFinished=3600"],
    "bare": ["rbac.create=false", "rbac.aggregate=false", "crds.install=false", "serviceAccount.create=false",
             "serviceAccount.name=mine"],
}


def helm(*arguments):
    return subprocess.run([HELM, *arguments], capture_output=True, text=True, timeout=60)


def template(sets=(), release="weir", namespace="weir-system", apis=(POLICIES,), chart=CHART):
    options = [word for item in sets for word in ("--set", item)] + [word for api in apis for word in ("--api-versions", api)]
    return helm("template", release, str(chart), "-n", namespace, *options)


def is_hook(document):
    return "helm.sh/hook" in document["metadata"].get("annotations", {})


def render(sets=(), hooks=False, **where):
    """What is installed; with `hooks` what comes and goes around that."""
    result = template(sets, **where)
    assert result.returncode == 0, result.stderr
    return [document for document in yaml.safe_load_all(result.stdout) if document and is_hook(document) == hooks]


def of_kind(documents, kind):
    return [document for document in documents if document["kind"] == kind]


def only(documents, kind):
    found = of_kind(documents, kind)
    assert len(found) == 1, f"{len(found)} of kind {kind}"
    return found[0]


def rules(documents, kinds=("Role", "ClusterRole")):
    """(role, rule) of the operator's own roles; those for people are told by their aggregation label."""
    for document in documents:
        labels = document["metadata"].get("labels", {})
        if document["kind"] in kinds and not any("aggregate-to" in label for label in labels):
            for rule in document["rules"]:
                yield document, rule


@pytest.fixture(params=VARIANTS, scope="module")
def variant(request):
    return request.param, render(VARIANTS[request.param])


def container(documents):
    return only(documents, "Deployment")["spec"]["template"]["spec"]["containers"][0]


def test_a_pod_knows_its_name_and_uid():
    """Its identity in the Lease: the same after its container was restarted."""
    env = {entry["name"]: entry["valueFrom"]["fieldRef"]["fieldPath"] for entry in container(render())["env"]}
    assert (env["POD_NAME"], env["POD_UID"]) == ("metadata.name", "metadata.uid")


def test_lint_is_clean():
    result = helm("lint", "--strict", str(CHART))
    assert result.returncode == 0, result.stdout + result.stderr


# What every variant keeps

CLUSTER_WIDE = ("ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "ValidatingAdmissionPolicy",
                "ValidatingAdmissionPolicyBinding")


def test_names_are_unique_and_namespaces_are_explicit(variant):
    name, documents = variant
    seen = set()
    for document in documents:
        metadata = document["metadata"]
        key = (document["kind"], metadata.get("namespace"), metadata["name"])
        assert key not in seen
        seen.add(key)
        cluster_wide = document["kind"] in CLUSTER_WIDE
        assert ("namespace" in metadata) != cluster_wide, f"{name}: {key}"
        assert metadata["labels"]["app.kubernetes.io/instance"] == "weir"
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "Helm"


def test_rights_have_no_wildcard_and_read_no_secret_but_its_own(variant):
    _, documents = variant
    for role, rule in rules(documents):
        texts = rule["apiGroups"] + rule["resources"] + rule["verbs"]
        assert "*" not in texts, rule
        assert not {"escalate", "bind", "impersonate", "deletecollection"} & set(rule["verbs"])
        assert not {"pods/exec", "pods/attach", "configmaps", "nodes", "serviceaccounts/token"} & set(rule["resources"])
        if "secrets" in rule["resources"]:
            assert role["kind"] == "Role" and role["metadata"]["namespace"] == "weir-system"
            assert rule["verbs"] == ["create"] or rule["resourceNames"] == ["weir-report"]
            assert not {"list", "watch", "delete"} & set(rule["verbs"])


def assert_restricted(spec):
    assert spec["securityContext"]["runAsNonRoot"] is True and spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert all(set(volume) == {"name", "emptyDir"} for volume in spec.get("volumes", []))
    assert [main["securityContext"] for main in spec["containers"]] == [
        {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}]


def test_operator_pod_passes_restricted(variant):
    _, documents = variant
    assert_restricted(only(documents, "Deployment")["spec"]["template"]["spec"])


def test_the_file_of_a_crash_outlives_the_process_and_not_the_pod(variant):
    _, documents = variant
    spec = only(documents, "Deployment")["spec"]["template"]["spec"]
    path = next(a for a in container(documents)["args"] if a.startswith("--guard-file=")).partition("=")[2]
    mount, = container(documents)["volumeMounts"]
    assert path.startswith(mount["mountPath"] + "/")
    assert [volume["name"] for volume in spec["volumes"]] == [mount["name"]]


def test_the_operator_knows_which_pod_it_is(variant):
    _, documents = variant
    fields = {entry["name"]: entry.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath") for entry in container(documents)["env"]}
    assert {"POD_NAME": "metadata.name", "POD_UID": "metadata.uid", "POD_NAMESPACE": "metadata.namespace"}.items() <= fields.items()


def test_bindings_lead_to_existing_roles_and_the_pods_account(variant):
    _, documents = variant
    account = only(documents, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"]
    roles = {(d["kind"], d["metadata"].get("namespace"), d["metadata"]["name"]) for d in documents}
    for binding in of_kind(documents, "RoleBinding") + of_kind(documents, "ClusterRoleBinding"):
        role = binding["roleRef"]
        namespace = binding["metadata"].get("namespace") if role["kind"] == "Role" else None
        assert (role["kind"], namespace, role["name"]) in roles
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "weir-system"}]


def test_probes_and_ports_meet(variant):
    _, documents = variant
    main = container(documents)
    ports = {port["name"]: port["containerPort"] for port in main["ports"]}
    assert ports == {"report": 8443, "http": 8080}
    assert main["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert main["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    service = only(documents, "Service")["spec"]
    assert {port["targetPort"] for port in service["ports"]} == set(ports)
    labels = only(documents, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()


# What differs

def test_cluster_wide_by_default():
    documents = render()
    work = {resource for role, rule in rules(documents, ("ClusterRole",)) for resource in rule["resources"]}
    assert work == {"tokenreviews", "pipelines", "pipelines/status", "pipelines/finalizers", "pods", "events"}
    assert not any(argument.startswith("--namespaces") for argument in container(documents)["args"])


def verbs(documents, resource, namespace=None):
    """Of the operator, in a namespace or cluster-wide."""
    return {verb for role, rule in rules(documents) for verb in rule["verbs"]
            if role["metadata"].get("namespace") == namespace and resource in rule["resources"]}


@pytest.mark.parametrize("sets, where", [([], None), (WATCHED, "etl"), (WATCHED, "reports")])
def test_the_work_needs_these_verbs(sets, where):
    documents = render(sets)
    assert verbs(documents, "pipelines", where) == {"get", "list", "watch", "patch", "delete"}
    assert verbs(documents, "pipelines/status", where) == {"update", "patch"}
    assert verbs(documents, "pipelines/finalizers", where) == {"update"}
    assert verbs(documents, "pods", where) == {"get", "list", "watch", "create", "delete", "patch"}
    assert verbs(documents, "events", where) == {"create", "patch"}


def test_in_its_own_namespace_it_may_speak_of_its_pod_and_no_more(variant):
    _, documents = variant
    if of_kind(documents, "Role"):
        assert verbs(documents, "events", "weir-system") == {"create", "patch"}
        assert verbs(documents, "pods", "weir-system") == set()


def test_listed_namespaces_need_no_cluster_wide_work():
    documents = render(WATCHED, apis=())
    assert [rule["resources"] for _, rule in rules(documents, ("ClusterRole",))] == [["tokenreviews"], ["namespaces"]]
    looks, = [rule for _, rule in rules(documents) if "namespaces" in rule["resources"]]
    assert looks["verbs"] == ["get"] and looks["resourceNames"] == ["etl", "reports"]
    work = [role for role in of_kind(documents, "Role") if role["metadata"]["namespace"] != "weir-system"]
    assert [role["metadata"]["namespace"] for role in work] == ["etl", "reports"]
    assert all({"pods", "pipelines"} <= {r for rule in role["rules"] for r in rule["resources"]} for role in work)
    assert "--namespaces=etl,reports" in container(documents)["args"]


@pytest.mark.parametrize("one, other", [
    (("weir-system", "weir"), ("weir-test", "weir")), (("team", "a-weir"), ("team-a", "weir")), (("weir", "weir"), ("w", "weir"))])
def test_two_releases_do_not_share_cluster_wide_names(one, other):
    """Nor those of Roles in a namespace that both watch."""
    def names(namespace, release):
        values, where = ["crds.install=false", *WATCHED], {"namespace": namespace, "release": release}
        return {(d["kind"], d["metadata"]["name"]) for d in render(values, **where) + render(values, hooks=True, **where)
                if d["kind"] in CLUSTER_WIDE or d["metadata"]["namespace"] == "etl"}
    assert len(names(*one)) == 10 and not names(*one) & names(*other)
    assert all(re.fullmatch(r"[a-z0-9-]+\.[a-z0-9-]+", name) for _, name in names(*one)), "a namespace cannot hold a dot"


def test_the_right_to_patch_pods_everywhere_comes_with_its_policy_or_not_at_all():
    """What the policy allows is tried on an API server: test_server.py."""
    documents = render(WATCHED)
    policy = only(documents, "ValidatingAdmissionPolicy")
    binding = only(documents, "ValidatingAdmissionPolicyBinding")
    assert verbs(documents, "pods") == {"patch"}
    assert binding["spec"] == {"policyName": policy["metadata"]["name"], "validationActions": ["Deny"]}
    assert policy["spec"]["failurePolicy"] == "Fail"
    condition, = policy["spec"]["matchConditions"]
    assert condition["expression"] == 'request.userInfo.username == "system:serviceaccount:weir-system:weir"'
    for without in (render(WATCHED, apis=()), render([*WATCHED, "rbac.leavingNamespaces=false"]), render(VARIANTS["bare"])):
        assert verbs(without, "pods") == set() and not of_kind(without, "ValidatingAdmissionPolicy")
    assert not of_kind(render(), "ValidatingAdmissionPolicy"), "with all namespaces no RoleBinding can go"


def test_finished_pipelines_stay_unless_told_otherwise():
    assert not any("ttl" in argument for argument in container(render())["args"])
    assert "--ttl-seconds-after-finished=0" in container(render(["ttlSecondsAfterFinished=0"]))["args"]
    large = container(render(["ttlSecondsAfterFinished=31536000"]))["args"]
    assert "--ttl-seconds-after-finished=31536000" in large


@pytest.mark.parametrize("newer", ["uninstall", "uninstall.releasePods", "rbac.leavingNamespaces", "ttlSecondsAfterFinished"])
def test_a_value_that_a_release_did_not_have_is_the_default(newer):
    """helm upgrade --reuse-values: what is newer than the release is missing."""
    for hooks in (False, True):
        assert render([*WATCHED, f"{newer}=null"], hooks) == render(WATCHED, hooks)


# What it tells people

def notes(tmp_path, sets=(), **where):
    """NOTES.txt, which helm template leaves out, by way of a template of its own."""
    chart = tmp_path / f"chart-{secrets.token_hex(3)}"
    shutil.copytree(CHART, chart)
    (chart / "templates/NOTES.txt").rename(chart / "notes")
    (chart / "templates/notes.yaml").write_text('{kind: Notes, metadata: {}, text: {{ tpl (.Files.Get "notes") . | toJson }}}')
    return only(render(sets, chart=chart, **where), "Notes")["text"]


def test_notes_say_how_to_remove_what_is_this_releases(tmp_path):
    everywhere = notes(tmp_path)
    assert "kubectl get pipelines -A -w" in everywhere
    assert "kubectl delete pipelines.weir.dev --all --cascade=foreground -A " in everywhere
    listed = notes(tmp_path, WATCHED)
    assert all(f"--cascade=foreground -n {name} " in listed for name in ("etl", "reports")) and "foreground -A" not in listed


def test_notes_do_not_have_others_pipelines_removed(tmp_path):
    """With the CRD go all Pipelines, also those of a release that came later or before."""
    line, = [line for line in notes(tmp_path).splitlines() if "kubectl delete crd" in line]
    assert "when no other release uses it" in line
    assert "delete crd" not in notes(tmp_path, ["crds.install=false"])


# The end: a Job that lets the pods go

def test_uninstall_lets_pods_go_and_leaves_nothing():
    documents = render(["image.repository=reg.example/weir", "imagePullSecrets[0].name=pull"], hooks=True)
    assert [d["kind"] for d in documents] == ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Job"]
    for document in documents:
        annotations = document["metadata"]["annotations"]
        assert annotations["helm.sh/hook"] == "post-delete"
        assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
    weights = [int(d["metadata"]["annotations"]["helm.sh/hook-weight"]) for d in documents]
    assert weights[-1] > max(weights[:-1]), "the Job needs what stands before it"
    job = documents[-1]["spec"]
    spec = job["template"]["spec"]
    assert_restricted(spec)
    assert job["backoffLimit"] <= 3 and job["activeDeadlineSeconds"] < 300
    assert spec["restartPolicy"] == "Never" and spec["imagePullSecrets"] == [{"name": "pull"}]
    assert spec["containers"][0]["image"] == "reg.example/weir:0.1.0"
    assert spec["containers"][0]["args"] == ["--release-pods"]
    selector = only(render(), "Deployment")["spec"]["selector"]["matchLabels"]
    assert not selector.items() <= job["template"]["metadata"]["labels"].items(), "must not look like the operator"


def test_uninstall_has_rights_of_its_own_and_few():
    account, role, binding, job = render(hooks=True)
    operators = {d["metadata"]["name"] for d in render() if d["kind"] in ("ServiceAccount", "ClusterRole")}
    assert not {account["metadata"]["name"], role["metadata"]["name"]} & operators
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "patch"]}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account["metadata"]["name"], "namespace": "weir-system"}]
    assert job["spec"]["template"]["spec"]["serviceAccountName"] == account["metadata"]["name"]


def test_uninstall_stays_in_the_namespaces_that_were_watched_and_can_be_turned_off():
    job = render(WATCHED, hooks=True)[-1]
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["--release-pods", "--namespaces=etl,reports"]
    assert render(["uninstall.releasePods=false"], hooks=True) == []
    assert render(VARIANTS["bare"], hooks=True) == [], "without rights it could do nothing"


def test_without_election_two_operators_never_overlap():
    documents = render(VARIANTS["no-election"])
    assert only(documents, "Deployment")["spec"]["strategy"] == {"type": "Recreate"}
    assert "--leader-elect=false" in container(documents)["args"]
    assert not any("leases" in rule["resources"] for _, rule in rules(documents))


def test_launcher_image_follows_the_operators():
    args = container(render(["image.repository=reg.example/weir", "image.tag=1.2"]))["args"]
    assert "--launcher-image=reg.example/weir:1.2" in args
    digest = "sha256:" + "a" * 64
    main = container(render(["image.digest=" + digest, "launcher.image=other:1", "launcher.pullPolicy=Never"]))
    assert main["image"] == "weir@" + digest
    assert {"--launcher-image=other:1", "--launcher-pull-policy=Never"} <= set(main["args"])


def test_optional_objects_come_only_when_asked_for():
    optional = {"PodDisruptionBudget", "NetworkPolicy", "PodMonitor"}
    assert not optional & {document["kind"] for document in render()}
    documents = render(VARIANTS["all-on"])
    assert optional <= {document["kind"] for document in documents}
    reports, http = only(documents, "NetworkPolicy")["spec"]["ingress"]
    assert reports["from"] == [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app.kubernetes.io/managed-by": "weir"}}}]
    assert http["from"] == [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]
    assert {"--report-address=10.0.0.1:443"} <= set(container(documents)["args"])


def test_people_get_pipelines_through_the_clusters_own_roles():
    people = {}
    for role in of_kind(render(), "ClusterRole"):
        for label in role["metadata"]["labels"]:
            if "aggregate-to" in label:
                people[label.split("/")[1]] = {(r, v) for rule in role["rules"] for r in rule["resources"] for v in rule["verbs"]}
    assert set(people) == {"aggregate-to-view", "aggregate-to-edit"}
    assert {verb for _, verb in people["aggregate-to-view"]} == {"get", "list", "watch"}
    assert ("pipelines", "create") in people["aggregate-to-edit"]
    assert not any(resource == "pipelines/status" for resource, _ in people["aggregate-to-edit"])


# The CRD: one text, upgraded with the chart, kept when it goes

def test_crd_is_the_repositorys_own():
    generated = {path.name: path.read_bytes() for path in (ROOT / "crd").glob("*.yaml")}
    assert generated, "crd/ is empty"
    assert {path.name: path.read_bytes() for path in (CHART / "files").glob("*.yaml")} == generated, \
        "charts/weir/files is stale: cp crd/*.yaml charts/weir/files/"


def test_crd_is_rendered_whole_and_kept():
    rendered = only(render(), "CustomResourceDefinition")
    source = yaml.safe_load((CHART / "files/weir.dev_pipelines.yaml").read_text())
    assert rendered["spec"] == source["spec"]
    assert rendered["metadata"]["name"] == source["metadata"]["name"]
    assert rendered["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert not of_kind(render(VARIANTS["bare"]), "CustomResourceDefinition")


# The schema refuses what would only fail later

@pytest.mark.parametrize("value, complaint", [
    ("replica=2", "'replica' not allowed"),
    ("replicas=2,leaderElection.enabled=false", "/leaderElection/enabled"),
    ("replicas=-1", "/replicas"),
    ("watchNamespaces={A_b}", "/watchNamespaces/0"),
    ("watchNamespaces=etl", "/watchNamespaces"),
    ("logLevel=chatty", "/logLevel"),
    ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
    ("image.tag=a:b", "/image/tag"),
    ("image.digest=abc", "/image/digest"),
    ("image.repository=", "/image/repository"),
    ("extraArgs={http-port=1}", "/extraArgs/0"),
    ("podMonitor.interval=often", "/podMonitor/interval"),
    ("rbac.aggregate=perhaps", "/rbac/aggregate"),
    ("rbac.leavingNamespaces=1", "/rbac/leavingNamespaces"),
    ("uninstall.releasePods=later", "/uninstall/releasePods"),
    ("ttlSecondsAfterFinished=-1", "/ttlSecondsAfterFinished"),
    ("ttlSecondsAfterFinished=1h", "/ttlSecondsAfterFinished"),
    ("podDisruptionBudget.maxUnavailable=half", "/podDisruptionBudget/maxUnavailable"),
    ("serviceAccount.create=false", "serviceAccount.name is needed"),
])
def test_nonsense_is_refused(value, complaint):
    result = template([value])
    assert result.returncode != 0, "taken"
    assert complaint in result.stderr, result.stderr


def test_options_that_the_chart_sets_are_not_for_extra_args():
    """The later one would win, and ports, rights or names would not fit it. What remains is taken: variant all-on."""
    own = {argument.partition("=")[0] for argument in container(render([*VARIANTS["all-on"], *WATCHED, "extraArgs=null"]))["args"]}
    assert len(own) == 9
    for option in sorted(own | {"--http-port", "--report-port", "--namespace", "--release-pods", "--log-l"}):
        result = template([f"extraArgs={{{option}=1}}"])
        assert result.returncode != 0, f"{option}: taken"
        assert f"extraArgs: {option} " in result.stderr, result.stderr
    assert "set logLevel" in template(["extraArgs={--log-level=debug}"]).stderr


def test_every_value_is_in_the_schema():
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert set(values) == set(schema["properties"]) - {"global"}
    for name, value in values.items():
        known = schema["properties"][name].get("properties")
        if known is not None and isinstance(value, dict) and name != "resources":
            assert set(value) == set(known), name
