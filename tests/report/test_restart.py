"""Ten thousand launchers after a restart of the operator: nobody is known, and all report at once. They are taken within about a minute.

A long one: `hack/test long`. $WEIR_TEST_LAUNCHERS says how many instead of 10000."""

import collections
import os
import time

import rig

OPERATOR = os.environ["WEIR_TEST_OPERATOR"]
COUNT = int(os.environ.get("WEIR_TEST_LAUNCHERS", "10000"))
OF_A_PIPELINE = 500
REVIEWS_A_SECOND = 200
CROWDS = 4
SPREAD_S = 15  # of their first attempts: they back off up to 30 s while the operator is away
SLACK_S = 60  # for a machine that makes all the launchers too
RSS_MB = 400


def make(run):
    """Pods and their real tokens; of a launcher, where it reports to."""
    began, tokens, where = time.monotonic(), [], None
    for number in range((COUNT + OF_A_PIPELINE - 1) // OF_A_PIPELINE):
        pods, _ = run.make_pods(f"p{number}", min(OF_A_PIPELINE, COUNT - len(tokens)), seconds=300)
        where = where or run.where(pods[0])
        tokens += [run.api.token_for(run.name, pod, "weir-report") for pod in pods]
    print(f"{len(tokens)} pods and tokens made in {time.monotonic() - began:.0f} s", flush=True)
    return where, tokens


def watch(run, crowds, limit_s):
    """Until all have ended: reviews a second, by second; how long a new Pipeline waited for its pods; memory."""
    began, last, rates, edges, most = time.monotonic(), 0, [], [], 0
    while any(crowd.poll() is None for crowd in crowds):
        assert time.monotonic() - began < limit_s, "the launchers are not done"
        time.sleep(1)
        reviews = run.metric("weir_token_reviews_total") - run.metric('weir_token_reviews_total{result="later"}')
        rates.append(reviews - last)
        last = reviews
        most = max(most, run.metric("process_resident_memory_bytes") / 1e6)
        if len(rates) % 5 == 0:
            edges.append(run.make_pods(f"edge{len(rates)}", 5)[1])
    return rates, edges, most


def main():
    rig.need()
    with rig.Rig(OPERATOR) as run:
        where, tokens = make(run)
        run.stop(kill=True)
        run.start()
        limit_s = SPREAD_S + COUNT / REVIEWS_A_SECOND + SLACK_S
        crowds = [run.crowd(where, kind="launcher", tokens=tokens[part::CROWDS], once=True, spread=SPREAD_S, seed=part,
                            seconds=limit_s, sources=run.sources[part::CROWDS]) for part in range(CROWDS)]
        rates, edges, most = watch(run, crowds, limit_s + 30)
        outcomes = [rig.outcome(crowd) for crowd in crowds]
        took = sorted(t for outcome in outcomes for t in outcome["took"])
        waits = sorted(w for outcome in outcomes for w in outcome["waits"])
        answers = sum((collections.Counter(outcome["answers"]) for outcome in outcomes), collections.Counter())
        print(f"{len(took)} of {COUNT} reports taken: half in {rig.percentile(took, .5):.0f} s, 99 % in {rig.percentile(took, .99):.0f} s, "
              f"all in {took[-1]:.0f} s; answers {dict(answers)}")
        print(f"Retry-After: {len(waits)} times, half below {rig.percentile(waits, .5)} s, most {waits[-1]} s")
        print(f"reviews by second: {' '.join(f'{r:.0f}' for r in rates)}")
        print(f"5 pods made in {', '.join(f'{e:.2f}' for e in edges)} s meanwhile; at most {most:.0f} MB of memory")
        assert len(took) == COUNT
        assert took[-1] < COUNT / REVIEWS_A_SECOND + SLACK_S
        assert waits[-1] <= 60
        assert sum(rates) < COUNT * 1.1, "tokens are reviewed more than once"
        assert max(rates) < 2 * REVIEWS_A_SECOND
        assert sorted(edges)[len(edges) // 2] < 2
        assert most < RSS_MB


if __name__ == "__main__":
    main()
