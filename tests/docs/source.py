"""What the C source and the CRD say, for tests of the texts around them: tables of X macros, metrics, events, fields."""
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPERATOR = ROOT / "operator"
CRD = ROOT / "crd/weir.dev_pipelines.yaml"


def read(path):
    return (OPERATOR / path).read_text(encoding="utf-8")


def macro(path, name):
    """The lines of `#define NAME(X) X(…) X(…)`, each a list of its arguments: words as they are, texts without quotes."""
    text = re.search(rf"^#define {name}\(X\)((?:.*\\\n)*.*)$", read(path), re.M)
    assert text, f"no {name} in {path}"
    rows = re.findall(r"\bX\(((?:[^()\"]|\"(?:[^\"\\]|\\.)*\")*)\)", text.group(1).replace("\\\n", "\n"))
    assert rows, f"{name} in {path} is empty"
    return [[part[1:-1].replace('\\"', '"') if part[0] == '"' else part
             for part in re.findall(r'"(?:[^"\\]|\\.)*"|[^\s,]+', row)] for row in rows]


def task_reasons():
    """{name: (end, by, patience, sentence)}"""
    return {row[0]: tuple(row[1:4]) + ("".join(row[4:]),) for row in macro("pipeline/reasons.h", "TASK_REASONS")}


def run_reasons():
    return {name: sentence for name, sentence in macro("pipeline/reasons.h", "RUN_REASONS")}


def run_phases():
    return dict(macro("pipeline/status.h", "RUN_PHASES"))


def task_phases():
    return dict(macro("pipeline/status.h", "TASK_PHASES"))


def cleanup_phases():
    return dict(macro("pipeline/status.h", "CLEANUP_PHASES"))


def condition_types():
    return [name for _, name in macro("pipeline/status.h", "CONDITIONS")]


def sources():
    return sorted(OPERATOR.glob("*/*.[ch]"))


def metrics():
    """{name: what /metrics says of it}, of what weir-operator has."""
    found = {}
    for path in sources():
        text = path.read_text(encoding="utf-8")
        for name, help_text in re.findall(r'\bname = "((?:weir|process)_\w+)",\s*\.help =\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', text):
            found[name] = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', help_text))
    return found


def crd_schema():
    return yaml.safe_load(CRD.read_text(encoding="utf-8"))["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def at(schema, path):
    """The schema of `a.b.c`, through lists; None when there is no such field."""
    for name in path.split("."):
        while schema is not None and "items" in schema:
            schema = schema["items"]
        schema = (schema or {}).get("properties", {}).get(name)
    return schema
