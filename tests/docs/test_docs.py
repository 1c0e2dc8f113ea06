"""README, CONTRIBUTING and docs/ say what the source says: generated parts are fresh, links lead somewhere, names exist.

    python3 tests/docs/test_docs.py --write     puts the generated parts in anew
"""
import pathlib
import re
import sys

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import source  # noqa: E402
from source import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
each_page = pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
GENERATED = re.compile(r"(<!-- generated: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.S)


def table(head, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [head, *rows]]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines) + "\n"


# What is generated

def ends(reason, kinds, patient=None):
    end, _, patience, _ = reason
    return end in kinds and (patient is None or (patience == "WAITS_FOREVER") != patient)


REASON_GROUPS = {  # every reason is in one of them
    "reasons-failure": lambda reason: ends(reason, ["END_TASK"], patient=False),
    "reasons-start": lambda reason: ends(reason, ["END_TASK"], patient=True),
    "reasons-loss": lambda reason: ends(reason, ["END_INFRA"]),
    "reasons-stop": lambda reason: ends(reason, ["END_CANCEL", "END_OMIT"]),
    "reasons-wait": lambda reason: ends(reason, ["END_NONE", "END_AGAIN"]),
}


def reason_rows(group):
    for name, reason in source.task_reasons().items():
        if REASON_GROUPS[group](reason):
            at_once = " (at once)" if reason[2] == "WAITS_NOT" else ""
            yield f"`{name}`", reason[3] + at_once


def field_rows(schema):
    required = schema.get("required", [])
    for name, field in schema["properties"].items():
        words = field["description"].replace("|", "\\|")
        yield f"`{name}`" + (" (required)" if name in required else ""), kind_of(field), words


def kind_of(field):
    if "items" in field:
        return "list of " + kind_of(field["items"]).replace("text", "texts").replace("object", "objects")
    if field.get("enum"):
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "pattern" in field and "ms|s|m|h" in field["pattern"]:
        return "duration"
    return {"string": "text", "integer": "number", "number": "number", "boolean": "true or false"}.get(field.get("type"), "object")


def fields(path, leave_out=()):
    schema = source.at(source.crd_schema(), path)
    while "items" in schema:
        schema = schema["items"]
    kept = {name: field for name, field in schema["properties"].items() if name not in leave_out}
    return table(("field", "type", "meaning"), field_rows({**schema, "properties": kept}))


KINDS = ("sparkSubmit", "hadoopJar", "hadoopStreaming", "command")
BLOCKS = {
    "run-phases": lambda: table(("phase", "meaning"), ((f"`{name}`", text) for name, text in source.run_phases().items())),
    "task-phases": lambda: table(("phase of a task", "meaning"), ((f"`{name}`", text) for name, text in source.task_phases().items())),
    "cleanup-phases": lambda: table(("phase of `cleanup`", "meaning"), ((f"`{name}`", text) for name, text in source.cleanup_phases().items())),
    "run-reasons": lambda: table(("reason of a condition", "meaning"), ((f"`{name}`", text) for name, text in source.run_reasons().items())),
    **{group: (lambda group=group: table(("reason", "meaning"), reason_rows(group))) for group in REASON_GROUPS},
    "metrics": lambda: table(("metric", "what it is"), ((f"`{name}`", text) for name, text in sorted(source.metrics().items()))),
    "fields-spec": lambda: fields("spec"),
    "fields-task": lambda: fields("spec.tasks"),
    "fields-retry": lambda: fields("spec.tasks.retry") + "\n`backoff` has:\n\n" + fields("spec.tasks.retry.backoff"),
    "fields-kerberos": lambda: fields("spec.tasks.kerberos"),
    "fields-driver": lambda: fields("spec.tasks.sparkSubmit.driver"),
    "fields-executor": lambda: fields("spec.tasks.sparkSubmit.executor"),
    **{f"fields-{kind}": (lambda kind=kind: fields(f"spec.tasks.{kind}")) for kind in KINDS},
}


def fresh(text):
    return GENERATED.sub(lambda part: part[1] + BLOCKS[part[2]]() + part[4], text)


@each_page
def test_generated_parts_are_fresh(page):
    text = page.read_text(encoding="utf-8")
    assert text == fresh(text), "python3 tests/docs/test_docs.py --write"


def test_everything_that_is_generated_is_shown_once():
    shown = [part[1] for page in PAGES for part in GENERATED.findall(page.read_text(encoding="utf-8"))]
    assert sorted(shown) == sorted(BLOCKS)


def test_every_reason_is_in_one_group():
    grouped = [name for group in REASON_GROUPS for name, _ in reason_rows(group)]
    assert sorted(grouped) == sorted(f"`{name}`" for name in source.task_reasons())


# What is written by hand

def prose(page):
    """The text without blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)


def spans(page):
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose(page))


def anchors(page):
    """Of its headings, as the usual renderers make them."""
    heads = re.findall(r"^#+ (.*)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@each_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target}: there is no {path}"
        assert not anchor or anchor in anchors(file), f"{target}: there is no such heading"


def test_every_page_of_docs_is_linked_from_the_readme():
    links = set(re.findall(r"\]\((docs/[^)#]+)", prose(ROOT / "README.md")))
    assert links >= {str(page.relative_to(ROOT)) for page in PAGES if page.parent.name == "docs"}


def events():
    """What the operator gives events as a reason: such words in the two folders that tell events."""
    folders = [path for path in source.sources() if path.parent.name in ("plan", "controller")]
    return {word for path in folders for word in re.findall(r'"((?:[A-Z][a-z]+)+)"', path.read_text(encoding="utf-8"))}


def enums(schema):
    found = set(schema.get("enum", []))
    for inner in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
        found |= enums(inner)
    return found


# Words of Kubernetes and others that look like ours
OTHERS = {"Pipeline", "Pod", "Lease", "Secret", "ConfigMap", "Role", "RoleBinding", "ClusterRole", "Job"}


@each_page
def test_words_that_look_like_a_reason_are_known(page):
    known = {*source.task_reasons(), *source.run_reasons(), *source.run_phases(), *source.task_phases(), *source.condition_types(),
             *enums(source.crd_schema()), *events(), *OTHERS}
    words = {word for word in spans(page) if re.fullmatch(r"(?:[A-Z][a-z]+)+[A-Z]*[a-z]*|[A-Z]{2,}[A-Z][a-z]\w*", word)}
    assert words <= known, f"nothing is called {words - known}"


def rows_under(page, head):
    """First cells of the tables whose first head is that."""
    inside = False
    for line in prose(page).splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not cells:
            inside = False
        elif inside:
            yield cells[0]
        elif cells[0] == head:
            inside = True


@each_page
def test_values_of_the_chart_are_there(page):
    values = yaml.safe_load((ROOT / "charts/weir/values.yaml").read_text(encoding="utf-8"))
    named = {name for cell in rows_under(page, "value") for name in re.findall(r"`([\w.]+)`", cell)}
    named |= {word.partition("=")[0] for word in spans(page) if re.match(r"(image|rbac|crds|uninstall|podMonitor)\.\w", word)}
    for name in named:
        value = values
        for part in name.split("."):
            assert part in value, f"the chart has no value {name}"
            value = value[part]


@each_page
def test_fields_are_there(page):
    """`spec.x.y` and `status.x` anywhere, and first cells of tables of a status."""
    named = {word.replace("[]", "") for word in spans(page) if re.fullmatch(r"(spec|status)(\.\w+(\[\])?)+", word)}
    named |= {f"status.tasks.{name}" for cell in rows_under(page, "field") if page.name == "status.md"
              for name in re.findall(r"`(\w+)`", cell)}
    assert not [name for name in sorted(named) if source.at(source.crd_schema(), name) is None]


@each_page
def test_metrics_and_scripts_are_there(page):
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"\b(weir_[a-z_]+)", text)) <= set(source.metrics())
    for path in re.findall(r"(?<![\w/.-])((?:hack|tests|operator|charts|examples|crd|docs)/[\w./-]*\w)", text):
        path = re.sub(r"/[A-Z]+$", "", path)  # a word for any of them
        assert (ROOT / path).exists(), f"there is no {path}"


@pytest.mark.parametrize("path", [*(page.relative_to(ROOT) for page in PAGES), "hack/demo", "examples/wordcount.yaml"], ids=str)
def test_logs_by_label_are_whole(path):
    """kubectl shows ten lines of each pod that it finds by a label, unless told otherwise."""
    for line in (ROOT / path).read_text(encoding="utf-8").splitlines():
        assert not re.search(r"\blogs\b.* -l ", line) or "--tail=-1" in line, line


@each_page
def test_nothing_is_told_of_the_making(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(?i)\bsession [0-9a-f]|/work/|/root/|(^|\s)#\d+\b|\bTODO\b", text)


def main():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        page.write_text(fresh(text), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    main()
