"""hack/follow with a kubectl that shows one state of a Pipeline after the other: what it believes, and when it ends."""
import json
import os
import pathlib
import subprocess

import pytest

FOLLOW = pathlib.Path(__file__).resolve().parents[2] / "hack/follow"
PLAYER = """#!/bin/bash
cd "$(dirname "$0")" && echo "$*" >>calls
case "$*" in *" -w "*) cat states ;; *) echo pipeline.weir.dev/x ;; esac
"""
PROBLEM = "spec.tasks[0].image: is required"


@pytest.fixture
def follow(tmp_path):
    """(exit code, output, the calls of kubectl)"""
    player = tmp_path / "kubectl"
    player.write_text(PLAYER)
    player.chmod(0o755)

    def run(states, *options):
        (tmp_path / "states").write_text("".join(json.dumps(state, indent=1) + "\n" for state in states))
        done = subprocess.run([FOLLOW, "x", "--timeout", "3", *options], env={**os.environ, "KUBECTL": str(player)},
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr, (tmp_path / "calls").read_text().splitlines()
    return run


def state(phase, generation=1, observed=None, stalled=None, reconciling=False, tasks=()):
    """A Pipeline as the operator leaves it; stalled: the problem of a spec that cannot be run."""
    seen = {"observedGeneration": generation if observed is None else observed}
    conditions = [{"type": "Reconciling", "status": str(reconciling), **seen, "reason": "Running" if reconciling else "InvalidSpec"}]
    if stalled:
        conditions.append({"type": "Stalled", "status": "True", **seen, "reason": "InvalidSpec", "message": stalled})
    return {"metadata": {"generation": generation}, "status": {
        **seen, "phase": phase, "conditions": conditions, "tasks": [{"name": name, "phase": now} for name, now in tasks]}}


def test_ends_with_the_run(follow):
    code, output, _ = follow([{"metadata": {"generation": 1}}, state("Running", reconciling=True, tasks=[("a", "Running")]),
                              state("Succeeded", tasks=[("a", "Succeeded")])])
    assert code == 0 and "x is Running" in output and "TASK" in output
    assert follow([state("Failed", tasks=[("a", "Failed")])])[0] == 1


def test_a_spec_that_cannot_run_ends_it(follow):
    code, output, _ = follow([state("Pending", stalled=PROBLEM)])
    assert code == 1 and output == f"x cannot run: {PROBLEM}\n"


def test_what_is_said_of_the_spec_before_is_not_believed(follow):
    """Right after a mended manifest was applied, the status is still that of the one before."""
    code, output, _ = follow([state("Pending", 2, observed=1, stalled=PROBLEM), state("Succeeded", 2)])
    assert code == 0 and PROBLEM not in output
    code, output, _ = follow([state("Failed", 2, observed=1), state("Running", 2, reconciling=True), state("Succeeded", 2)])
    assert code == 0 and "x is Failed" not in output


def test_a_problem_while_tasks_run_is_told_once_and_followed_on(follow):
    broken = state("Running", 2, stalled=PROBLEM, reconciling=True, tasks=[("a", "Running")])
    code, output, _ = follow([state("Running", 1, reconciling=True, tasks=[("a", "Running")]), broken, broken,
                              state("Running", 3, reconciling=True, tasks=[("a", "Running")]), state("Succeeded", 3)])
    assert code == 0 and output.count(PROBLEM) == 1
    code, output, _ = follow([broken, state("Running", 2, stalled=PROBLEM, tasks=[("a", "Succeeded")])])
    assert code == 1 and output.endswith(f"x cannot run: {PROBLEM}\n"), "nothing runs any more"


def test_the_namespace_is_kubectls_unless_said(follow):
    calls = follow([state("Succeeded")])[2]
    assert calls and not any(" -n" in call for call in calls)
    calls = follow([state("Succeeded")], "-n", "etl")[2]
    assert calls and all(" -n etl" in call for call in calls[1:])


def test_it_does_not_wait_for_ever(follow):
    code, output, _ = follow([state("Running", reconciling=True)])
    assert code == 2 and "still Running after 3 s" in output
