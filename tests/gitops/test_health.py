"""What tools that wait for objects make of a Pipeline: Argo CD by our health script, Flux and others by kstatus' rules.

Both over the same objects, tests/gitops/cases.yaml, which are checked against the CRD and the tables of reasons first.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "docs"))
import source  # noqa: E402  tests/docs/source.py

HERE = pathlib.Path(__file__).parent
SCRIPT = source.ROOT / "charts/weir/argocd-health.lua"
CASES = yaml.safe_load((HERE / "cases.yaml").read_text(encoding="utf-8"))
each_case = pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])


# The cases are what the operator writes

def complaints(value, schema, path):
    """What of the value the schema does not take: of OpenAPI as much as the CRD uses."""
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
    if "type" not in schema:
        return
    if not isinstance(value, kinds[schema["type"]]):
        yield f"{path}: is no {schema['type']}"
    elif isinstance(value, dict):
        yield from (f"{path}.{name}: is missing" for name in schema.get("required", []) if name not in value)
        for name, member in value.items():
            if name in schema.get("properties", {}):
                yield from complaints(member, schema["properties"][name], f"{path}.{name}")
            elif "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
                yield f"{path}.{name}: is no field"
    elif isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            yield f"{path}: is too long"
        for i, item in enumerate(value):
            yield from complaints(item, schema["items"], f"{path}[{i}]")
    elif isinstance(value, str):
        if value not in schema.get("enum", [value]) or len(value) > schema.get("maxLength", len(value)):
            yield f"{path}: cannot be {value!r}"
        if not re.search(schema.get("pattern", ""), value):
            yield f"{path}: does not match {schema['pattern']}"


@each_case
def test_the_case_is_possible(case):
    schema = source.crd_schema()["properties"]
    for part in ("spec", "status"):
        assert list(complaints(case["object"].get(part, {}), schema[part], part)) == (
            [] if part in case["object"] or part == "status" else ["spec: is missing"])
    status = case["object"].get("status", {})
    order = source.condition_types()
    types = [condition["type"] for condition in status.get("conditions", [])]
    assert types == sorted(types, key=order.index), "they are written in this order, and kstatus goes by it"
    assert {condition["reason"] for condition in status.get("conditions", [])} <= set(source.run_reasons())
    tasks = status.get("tasks", [])
    assert {task.get("reason", "ExitCode") for task in tasks} <= set(source.task_reasons())
    phases = [task["phase"].lower() for task in tasks]
    if "counts" in status:
        counts = {phase: phases.count(phase) for phase in phases}
        counts["pending"] = len(case["object"]["spec"]["tasks"]) - len(tasks)
        assert "tasks" not in status or status["counts"] == {k: v for k, v in counts.items() if v}


def test_every_phase_that_there_is_has_a_case():
    seen = {case["object"].get("status", {}).get("phase") for case in CASES}
    assert set(source.run_phases()) - seen == {"Cancelled"}, "nothing cancels a run yet"


# Argo CD

LUA = shutil.which("lua5.1")


def lua_value(value):
    if isinstance(value, dict):
        return "{" + ",".join(f"[{lua_value(name)}]={lua_value(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ",".join(map(lua_value, value)) + "}"
    return "nil" if value is None else json.dumps(value, ensure_ascii=False)


def argo_health(obj):
    """(status, message), by the script as Argo CD runs it: `obj` is a global, and of libraries there are few."""
    program = (f"obj = {lua_value(obj)}\nlocal write = io.write\nstring, os, io, math, debug, package, require = nil\n"
               f"local function health()\n{SCRIPT.read_text(encoding='utf-8')}\nend\n"
               "local hs = health()\nwrite(hs.status, '\\n', hs.message)")
    done = subprocess.run([LUA, "-"], input=program, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(done.stdout.split("\n", 1))


@each_case
def test_argo_cd(case):
    assert LUA, "no lua5.1: run hack/setup build"
    status, message = argo_health(case["object"])
    assert status == case["argo"] and case["says"] in message, (status, message)


def test_argo_cd_takes_what_it_does_not_know():
    """An older or newer operator, or a person, may leave out anything."""
    plain = {"metadata": {"generation": 1}, "status": {"observedGeneration": 1}}
    assert argo_health(plain) == ("Progressing", "Pending")
    assert argo_health({**plain, "status": {"observedGeneration": 1, "phase": "Failed"}}) == ("Degraded", "Failed")
    assert argo_health({**plain, "status": {"observedGeneration": 1, "phase": "Succeeded", "conditions": []}}) == ("Healthy", "")
    bare = [{"type": "Stalled", "status": "True"}]
    assert argo_health({**plain, "status": {"observedGeneration": 1, "conditions": bare}})[0] == "Degraded"


# kstatus: the rules of sigs.k8s.io/cli-utils/pkg/kstatus for a kind that it has no rules of its own for

def kstatus(obj):
    metadata, status = obj["metadata"], obj.get("status", {})
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    generations = [metadata.get("generation"), status.get("observedGeneration")]
    if None not in generations and generations[0] != generations[1]:
        return "InProgress"
    for condition in status.get("conditions", []):
        if condition["status"] == "True" and condition["type"] in ("Reconciling", "Stalled"):
            return "InProgress" if condition["type"] == "Reconciling" else "Failed"
    ready = [condition["status"] for condition in status.get("conditions", []) if condition["type"] == "Ready"]
    return "Current" if not ready or ready[0] == "True" else "InProgress"


@each_case
def test_kstatus(case):
    assert kstatus(case["object"]) == case["kstatus"]


@each_case
def test_both_agree_on_the_end(case):
    if case["object"].get("status", {}).get("finishedAt") and case["kstatus"] != "InProgress":
        assert (case["argo"], case["kstatus"]) in (("Healthy", "Current"), ("Degraded", "Failed"))
