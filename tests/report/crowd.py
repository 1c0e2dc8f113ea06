"""Those who call on the report endpoint, many at once: honest launchers, and others. Runs in the network namespace of a test.

usage: crowd.py FILE    a JSON object: where (address, port, host, ca), who (kind, sources, tokens), how much (count, rate, seconds),
and `outcome`, a file that is written at the end: what came of it.
"""

import asyncio
import collections
import json
import os
import random
import re
import resource
import ssl
import sys
import time

BACKOFF_MIN_S, BACKOFF_MAX_S, PATIENCE_S = 1, 30, 15


class Crowd:
    def __init__(self, plan):
        self.plan = plan
        self.random = random.Random(plan.get("seed", 1))
        self.until = time.monotonic() + plan["seconds"]
        self.answers = collections.Counter()
        self.took = []  # s, of each report until it was taken
        self.waits = []  # what Retry-After said
        self.first = []  # s, of each launcher's first report until it was taken
        self.tls = ssl.create_default_context(cadata=plan["ca"])

    def source(self, number):
        return self.plan["sources"][number % len(self.plan["sources"])]

    async def connect(self, number, tls=True):
        options = {"ssl": self.tls, "server_hostname": self.plan["host"]} if tls else {}
        address = (self.source(number), 0)
        return await asyncio.open_connection(self.plan["address"], self.plan["port"], local_addr=address, **options)

    @staticmethod
    def request(token, body, length=None):
        return (f"POST /v1/report HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
                f"Authorization: Bearer {token}\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n{body}").encode()

    async def post(self, number, token, body):
        """Status and Retry-After; status 0: the connection was lost."""
        writer = None
        try:
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await self.connect(number)
                writer.write(self.request(token, body))
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                again = re.search(r"retry-after: (\d+)", head)
                return int(head.split()[1]), int(again[1]) if again else None
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            return 0, None
        finally:
            if writer:
                writer.transport.abort()

    # ---- launchers ----

    async def report(self, number, token, sequence):
        """Until it is taken, as the launcher does: it honours Retry-After, else it backs off. The time it took, or None."""
        body = json.dumps({"version": 1, "seq": sequence, "phase": "Running"})
        began, backoff = time.monotonic(), 0
        while time.monotonic() < self.until:
            status, again = await self.post(number, token, body)
            self.answers[status] += 1
            if status == 200:
                return time.monotonic() - began
            backoff = min(max(2 * backoff, BACKOFF_MIN_S), BACKOFF_MAX_S)
            if again is not None:
                self.waits.append(again)
            await asyncio.sleep((again or backoff) * self.random.uniform(0.95, 1.1))
        return None

    async def launcher(self, number):
        await asyncio.sleep(self.random.uniform(0, self.plan.get("spread", 0)))
        sequence = 1
        while time.monotonic() < self.until:
            took = await self.report(number, self.plan["tokens"][number], sequence)
            if took is not None:
                self.took.append(took)
                if sequence == 1:
                    self.first.append(took)
            if self.plan.get("once"):
                return
            sequence += 1
            await asyncio.sleep(self.plan.get("interval", 1))

    # ---- others ----

    async def half_open(self, number):
        reader, writer = await self.connect(number, tls=False)
        await reader.read(1)
        self.answers["closed"] += 1
        writer.transport.abort()

    async def slow(self, number, text):
        reader, writer = await self.connect(number)
        for byte in text:
            writer.write(bytes([byte]))
            await writer.drain()
            if reader.at_eof():
                break
            await asyncio.sleep(0.3)
        self.answers["closed"] += 1
        writer.transport.abort()

    async def slow_headers(self, number):
        await self.slow(number, self.request("x" * 200, "{}"))

    async def slow_body(self, number):
        reader, writer = await self.connect(number)
        writer.write(self.request(self.random.choice(self.plan["tokens"]), "{", 4000))
        await asyncio.sleep(0.1)
        await self.slow_rest(reader, writer)

    async def slow_rest(self, reader, writer):
        while not reader.at_eof():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.3)
        self.answers["closed"] += 1
        writer.transport.abort()

    async def junk(self, number):
        status, _ = await self.post(number, f"a{number}.{os.urandom(24).hex()}.{os.urandom(16).hex()}", "{}")
        self.answers[status] += 1

    async def foreign(self, number):
        status, _ = await self.post(number, self.random.choice(self.plan["tokens"]), "{}")
        self.answers[status] += 1

    async def forged(self, number):
        """What it says of itself is right, and each has another signature."""
        token = self.random.choice(self.plan["tokens"])
        status, _ = await self.post(number, token.rsplit(".", 1)[0] + "." + os.urandom(48).hex(),
                                    '{"version":1,"seq":1,"phase":"Stopping"}')
        self.answers[status] += 1

    async def one(self, visit, number):
        try:
            async with asyncio.timeout(self.plan["seconds"]):
                await visit(number)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            self.answers[type(error).__name__] += 1

    async def attack(self, visit):
        began, tasks = time.monotonic(), set()
        number = 0
        while time.monotonic() < self.until:
            due = (time.monotonic() - began) * self.plan["rate"]
            while number < due and len(tasks) < self.plan["count"]:
                task = asyncio.ensure_future(self.one(visit, number))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                number += 1
            began = max(began, time.monotonic() - (number + 1) / self.plan["rate"])  # what was held up is not caught up
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def run(self):
        kind = self.plan["kind"]
        if kind == "launcher":
            await asyncio.gather(*(self.launcher(number) for number in range(len(self.plan["tokens"]))))
        else:
            await self.attack(getattr(self, kind))
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {"kind": kind, "answers": {str(key): count for key, count in sorted(self.answers.items(), key=str)},
                "took": self.took, "first": self.first, "waits": self.waits, "cpu": usage.ru_utime + usage.ru_stime}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with open(sys.argv[1]) as file:
        plan = json.load(file)
    came_of_it = asyncio.run(Crowd(plan).run())
    with open(plan["outcome"], "w") as file:
        json.dump(came_of_it, file)
