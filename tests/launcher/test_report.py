"""Reports to the operator: what, when, to whom; the operator slow, silly, away or somebody else."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

from support import LAUNCHER, SANITIZED, LauncherTest, Operator, status_kb

APPLICATION = "application_1700000000000_0042"
URL = "http://rm.example:8088/proxy/%s/" % APPLICATION
SUBMITTED = "echo 'INFO impl.YarnClientImpl: Submitted application %s' >&2; echo 'INFO mapreduce.Job: The url to track the job: " \
            "%s' >&2" % (APPLICATION, URL)


class ReportTest(LauncherTest):
    def setUp(self):
        super().setUp()
        self.operator = Operator(self.directory)
        self.addCleanup(lambda: self.operator.close())
        self.token = self.write("token", "first-token\n")

    def environment(self):
        return {"WEIR_REPORT_CA": self.operator.ca, "WEIR_POD_IP": "10.1.2.3"}

    def reporting(self, *options, host=None):
        return ["--token-file", self.token, *self.operator.options(host), *options]

    def launch(self, script, *options, host=None):
        return self.run_launcher(["sh", "-c", script], *self.reporting(*options, host=host), env=self.environment())


class Normal(ReportTest):
    def test_from_start_to_final(self):
        returned, _, _ = self.launch(SUBMITTED + "; sleep 0.5; exit 3", "--kind", "hadoopJar")
        self.assertEqual(returned, 3)
        last = self.operator.reports[-1]
        self.assertEqual(last, self.record())
        self.assertEqual(last["final"]["exitCode"], 3)
        self.assertEqual(last["trackingURL"], URL)
        self.assertEqual(last["applicationID"], APPLICATION)
        self.assertEqual(set(self.operator.tokens), {"Bearer first-token"})
        numbers = [report["seq"] for report in self.operator.reports]
        self.assertEqual(numbers, sorted(numbers))
        self.assertLess(len(numbers), 8)

    def test_url_within_a_second(self):
        process = self.start(["sh", "-c", "trap 'sleep 0.7; exit 143' TERM; sleep 0.7; %s; echo printed; sleep 5" % SUBMITTED], "--grace", "5s",
                             *self.reporting("--kind", "hadoopJar"), env=self.environment())
        process.stdout.readline()
        printed = time.monotonic()
        self.wait_for(lambda: any(report.get("trackingURL") == URL for report in self.operator.reports))
        self.assertLess(time.monotonic() - printed, 0.9)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(self.operator.reports[-1]["final"]["reason"], "Stopped")
        self.assertIn("Stopping", [report["phase"] for report in self.operator.reports])

    def test_progress_waits_for_the_interval(self):
        script = "for i in 10 20 30 40 50 60 70 80 90; do echo \"INFO mapreduce.Job:  map $i% reduce 0%\" >&2; sleep 0.2; done"
        self.operator.respond = lambda handler, report: handler.answer(200, '{"intervalSeconds":2}')
        self.launch(script, "--kind", "hadoopJar")
        running = [report for report in self.operator.reports if "final" not in report]
        self.assertLessEqual(len(running), 3)
        self.assertEqual(self.operator.reports[-1]["progress"], {"percent": 100})

    def test_output_that_is_all_news(self):
        script = "i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo \"Running job: job_1700000000000_$i\" >&2; sleep 0.01; done"
        begin = time.monotonic()
        self.launch(script, "--kind", "hadoopJar")
        self.assertLessEqual(len(self.operator.reports), 2.5 * (time.monotonic() - begin) + 2)

    def test_heartbeat_at_the_interval(self):
        self.launch("sleep 3.5")
        self.assertGreaterEqual(len(self.operator.reports), 4)

    def test_renewed_token_is_used(self):
        process = self.start(["sleep", "4"], *self.reporting(), env=self.environment())
        self.wait_for(lambda: self.operator.tokens)
        self.write("token", "second-token")
        process.wait(timeout=20)
        self.assertEqual(self.operator.tokens[-1], "Bearer second-token")

    def test_memory(self):
        process = self.start(["sleep", "3"], *self.reporting(), env=self.environment())
        self.wait_for(lambda: len(self.operator.reports) >= 2)
        if not SANITIZED:
            print("RSS with TLS %d kB" % status_kb(process.pid, "VmHWM"), file=sys.stderr)
            self.assertLess(status_kb(process.pid, "VmHWM"), 16 * 1024)
        process.wait(timeout=20)


class Trouble(ReportTest):
    def check_job_is_not_harmed(self, limit=3.0, host=None):
        begin = time.monotonic()
        returned, out, _ = self.launch("echo out; exit 5", host=host)
        self.assertEqual((returned, out), (5, b"out\n"))
        self.assertEqual(self.final()["exitCode"], 5)
        self.assertLess(time.monotonic() - begin, limit)

    def test_away(self):
        self.operator.close()
        self.check_job_is_not_harmed(1.9)

    def test_silent(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        self.operator.port, port = silent.getsockname()[1], self.operator.port
        self.check_job_is_not_harmed(4.5)
        self.operator.port = port

    def test_slow(self):
        def slowly(handler, report):
            time.sleep(20)

        self.operator.respond = slowly
        self.check_job_is_not_harmed(4.5)

    def test_garbage(self):
        answers = [b"\x00\xff garbage", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
                   b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100000 + b"\r\n\r\n",
                   b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b""]
        for answer in answers:
            def reply(handler, report, answer=answer):
                handler.wfile.write(answer)

            self.operator.respond = reply
            self.check_job_is_not_harmed(4.5)

    def test_another_host(self):
        self.check_job_is_not_harmed(4.5, host="somebody-else.weir.svc")
        self.assertEqual(self.operator.reports, [])

    def test_another_ca(self):
        self.operator.ca = Operator(self.directory_for("other")).ca
        self.check_job_is_not_harmed(4.5)
        self.assertEqual(self.operator.reports, [])

    def directory_for(self, name):
        self.write(name + "/mark", "")
        return self.path(name)

    def test_no_token(self):
        self.token = self.path("nowhere")
        self.check_job_is_not_harmed(3)
        self.assertEqual(self.operator.reports, [])

    def test_refused_then_caught_up(self):
        def refuse(handler, report):
            handler.answer(503, '{"leader":"other"}')

        self.operator.respond = refuse
        process = self.start(["sh", "-c", SUBMITTED + "; sleep 6"], *self.reporting("--kind", "hadoopJar"),
                             env=self.environment())
        self.wait_for(lambda: self.operator.reports)
        time.sleep(1)
        self.assertLess(len(self.operator.reports), 7)  # it backs off
        self.operator.respond = lambda handler, report: handler.answer(200, "{}")
        self.wait_for(lambda: self.operator.reports[-1].get("trackingURL") == URL, 5)
        process.wait(timeout=20)
        self.assertIn("final", self.operator.reports[-1])

    def test_a_replica_that_stands_by(self):
        """Some calls reach a replica that does not lead: the next ones follow at once."""
        def every_third(handler, report):
            handler.answer(200 if len(self.operator.reports) % 3 == 0 else 503, "{}")

        self.operator.respond = every_third
        process = self.start(["sh", "-c", SUBMITTED + "; sleep 3"], *self.reporting("--kind", "hadoopJar"),
                             env=self.environment())
        self.wait_for(lambda: len(self.operator.reports) >= 3 and self.operator.reports[2].get("trackingURL") == URL, 2)
        process.wait(timeout=20)

    def test_a_standby_says_so(self):
        def every_third(handler, report):
            handler.answer(200 if len(self.operator.reports) % 3 == 0 else 421, "{}")

        self.operator.respond = every_third
        process = self.start(["sh", "-c", SUBMITTED + "; sleep 3"], *self.reporting("--kind", "hadoopJar"),
                             env=self.environment())
        self.wait_for(lambda: len(self.operator.reports) >= 3 and self.operator.reports[2].get("trackingURL") == URL, 2)
        process.wait(timeout=20)

    def test_retry_after_is_heeded(self):
        def overloaded(handler, report):
            handler.answer(429, "{}", [("Retry-After", "3")])

        self.operator.respond = overloaded
        process = self.start(["sh", "-c", SUBMITTED + "; sleep 8"], *self.reporting("--kind", "hadoopJar"),
                             env=self.environment())
        self.wait_for(lambda: self.operator.reports)
        self.operator.respond = lambda handler, report: handler.answer(200, "{}")
        self.wait_for(lambda: len(self.operator.reports) >= 2)
        self.assertGreater(self.operator.times[1] - self.operator.times[0], 2.6)
        process.wait(timeout=20)

    def test_address_that_does_not_answer(self):
        """Then the name is asked: the address may be one of a Service that was made anew."""
        with socket.create_server(("127.0.0.1", 0)) as unused:
            dead = unused.getsockname()[1]
        url = "https://localhost:%d/v1/report" % self.operator.port
        process = self.start(["sleep", "4"], "--report", url, "--report-address", "127.0.0.1:%d" % dead, "--token-file",
                             self.token, env=self.environment())
        self.wait_for(lambda: self.operator.reports, 5)
        process.wait(timeout=20)
        self.assertIn("final", self.operator.reports[-1])

    def test_stop_while_reporting(self):
        def slowly(handler, report):
            time.sleep(20)

        self.operator.respond = slowly
        process = self.start(["sleep", "60"], *self.reporting(), env=self.environment())
        self.wait_for(lambda: self.operator.reports)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 143)
        self.assertLess(time.monotonic() - begin, 4.5)

    def test_blocked_output_does_not_hold_up_reports(self):
        process = self.start(["sh", "-c", "yes | head -c 1000000; exit 0"], *self.reporting(), env=self.environment())
        self.wait_for(lambda: len(self.operator.reports) >= 3, 8)
        self.assertEqual(len(process.stdout.read()), 1000000)
        self.assertEqual(process.wait(timeout=20), 0)


class NameServer:
    """Answers every question for an A record with 127.0.0.1, on port 53 of a loopback address."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.asked = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(512)
            except OSError:
                return
            end = query.index(b"\0", 12) + 5
            self.asked.append(query[12:end])
            is_a = query[end - 4:end - 2] == b"\0\1"
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1" if is_a else b""
            head = query[:2] + b"\x81\x80\0\1\0" + bytes([is_a]) + b"\0\0\0\0"
            self.socket.sendto(head + query[12:end] + answer, peer)


@unittest.skipIf(SANITIZED or os.geteuid() != 0, "needs a static launcher and root for chroot and port 53")
class BareImage(ReportTest):
    """An image without a C library, whose nsswitch.conf names plug-ins that are not there."""

    def test_names_are_resolved(self):
        names = NameServer("127.42.0.53")
        self.addCleanup(names.socket.close)
        root = self.path("root")
        self.write("root/etc/resolv.conf", "nameserver 127.42.0.53\n")
        self.write("root/etc/nsswitch.conf", "hosts: foo mymachines [NOTFOUND=return] dns\n")
        self.write("root/token", "t")
        shutil.copy(LAUNCHER, self.path("root/weir-launcher"))
        url = "https://%s:%d/v1/report" % (self.operator.NAME, self.operator.port)
        process = subprocess.run(["/weir-launcher", "run", "--report", url, "--token-file", "/token", "--termination-log", "/log",
                                  "--", "/weir-launcher", "--version"], env=self.environment(), capture_output=True, timeout=30,
                                 preexec_fn=lambda: (os.chroot(root), os.chdir("/")))
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertIn(b"weir-launcher", process.stdout)
        self.assertTrue(names.asked)
        self.assertEqual(self.operator.reports[-1]["final"]["exitCode"], 0)


class SparkDriver(ReportTest):
    """A driver in the pod: the UI's address, and progress from its REST API (with a stand-in for the driver)."""

    def test_url_id_and_progress(self):
        from support import Server

        class Driver(Server):
            def handle(self, handler):
                if handler.path == "/api/v1/applications":
                    handler.answer(200, '[{"id":"local-1795169491161","name":"wc"}]')
                elif handler.path == "/api/v1/applications/local-1795169491161/jobs?status=running":
                    handler.answer(200, '[{"status":"RUNNING","numTasks":8,"numCompletedTasks":6,"stageIds":[0,1],'
                                        '"numCompletedStages":1}]')
                else:
                    handler.answer(404)

        driver = Driver()
        self.addCleanup(driver.close)
        process = self.start(["sh", "-c", "echo \"INFO Utils: Successfully started service 'SparkUI' on port %d.\" >&2; sleep 30"
                              % driver.port], *self.reporting("--kind", "sparkSubmit"), env=self.environment())
        self.wait_for(lambda: self.operator.reports and self.operator.reports[-1].get("progress"), 10)
        report = self.operator.reports[-1]
        self.assertEqual(report["trackingURL"], "http://10.1.2.3:%d" % driver.port)
        self.assertEqual(report["applicationID"], "local-1795169491161")
        self.assertEqual(report["progress"], {"percent": 75, "text": "stage 2/2, 6/8 tasks"})
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


if __name__ == "__main__":
    unittest.main()
