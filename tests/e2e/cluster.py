"""The test cluster as the end-to-end tests see it: kubectl, waiting for conditions, and pipelines by name."""

import json
import os
import pathlib
import subprocess
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SYSTEM = "weir-system"


def run(*argv, stdin=None, check=True, timeout=300):
    done = subprocess.run([str(a) for a in argv], input=stdin, capture_output=True, text=True, timeout=timeout)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, argv))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def kubectl(*argv, **options):
    return run(ROOT / "hack/cluster", "kubectl", *argv, **options)


def helm(*argv, **options):
    return run(ROOT / "hack/cluster", "helm", *argv, **options)


def get(kind, name=None, namespace=None, selector=None):
    """An object, or None when there is none; without a name the list of them."""
    argv = ["get", kind, "-o", "json", "--ignore-not-found"]
    argv += [name] if name else []
    argv += ["-n", namespace] if namespace else []
    argv += ["-l", selector] if selector else []
    text = kubectl(*argv).stdout
    found = json.loads(text) if text.strip() else None
    return found if name else (found or {}).get("items", [])


def wait_for(what, condition, timeout=120, interval=0.3):
    """Polls until the condition returns something true, and returns that."""
    end = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"no {what} within {timeout} s")
        time.sleep(interval)


class Namespace:
    """A namespace of a test's own, held to Pod Security restricted, with the manifests applied in it."""

    def __init__(self, name):
        self.name = name
        kubectl("create", "namespace", name)
        kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")

    def apply(self, manifest):
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        return kubectl("apply", "-n", self.name, "-f", "-", stdin=text)

    def pipeline(self, name, spec):
        self.apply({"apiVersion": "weir.dev/v1alpha1", "kind": "Pipeline", "metadata": {"name": name}, "spec": spec})
        return Pipeline(self, name)

    def pods(self, selector=None):
        return get("pods", namespace=self.name, selector=selector)

    def events(self, name):
        return [e for e in get("events.events.k8s.io", namespace=self.name) if e["regarding"].get("name") == name]

    def delete(self):
        kubectl("delete", "namespace", self.name, "--wait=false")


class Pipeline:
    def __init__(self, namespace, name):
        self.namespace, self.name = namespace, name

    def get(self):
        return get("pipelines.weir.dev", self.name, self.namespace.name)

    def status(self):
        return (self.get() or {}).get("status", {})

    def task(self, name):
        return next((t for t in self.status().get("tasks", []) if t["name"] == name), {})

    def phase(self):
        return self.status().get("phase")

    def condition(self, kind):
        return next((c for c in self.status().get("conditions", []) if c["type"] == kind), {})

    def wait_phase(self, *phases, timeout=180):
        try:
            wait_for(f"phase {'/'.join(phases)} of {self.name}", lambda: self.phase() in phases, timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.explain()}") from None
        return self.status()

    def wait_task(self, task, *phases, timeout=120):
        try:
            return wait_for(f"phase {'/'.join(phases)} of {self.name}/{task}",
                            lambda: (lambda t: t if t.get("phase") in phases else None)(self.task(task)), timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.explain()}") from None

    def pods(self, task=None):
        selector = f"weir.dev/pipeline={self.name}" + (f",weir.dev/task={task}" if task else "")
        return self.namespace.pods(selector)

    def delete(self, wait=True):
        kubectl("delete", "pipeline", self.name, "-n", self.namespace.name, f"--wait={str(wait).lower()}")

    def explain(self):
        """What a person would look at: status, pods, the ends of their logs."""
        parts = [json.dumps(self.status(), indent=1)]
        for pod in self.pods():
            name = pod["metadata"]["name"]
            parts.append(f"--- {name}: {json.dumps(pod.get('status', {}).get('containerStatuses'))}")
            parts.append(kubectl("logs", name, "-n", self.namespace.name, "-c", "main", "--tail=40", check=False).stdout)
        parts.append(kubectl("logs", "-n", SYSTEM, "-l", "app.kubernetes.io/name=weir", "--tail=40", check=False).stdout)
        return "\n".join(parts)


class Yarn:
    """The ResourceManager's own word, by its REST API; the pod network is reachable from this machine."""

    def __init__(self, namespace):
        address = get("pods", namespace=namespace, selector="app=hadoop")[0]["status"]["podIP"]
        self.url = f"http://{address}:8088/ws/v1/cluster/apps"

    def applications(self, **query):
        text = "&".join(f"{k}={v}" for k, v in query.items())
        with urllib.request.urlopen(f"{self.url}?{text}", timeout=20) as answer:
            return ((json.load(answer).get("apps") or {}).get("app")) or []

    def unfinished(self):
        return self.applications(states="NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING")


def service_url(name, port, namespace=SYSTEM):
    return f"http://{get('service', name, namespace)['spec']['clusterIP']}:{port}"


def metrics(url):
    """{'name{label="x"}': value} of a /metrics page."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line and line[0] != "#"}


def kubeconfig():
    return run(ROOT / "hack/cluster", "path").stdout.strip()


def environment(name, value):
    return os.environ.get(name, value)
