"""What must not be believed, and what must not be lost: hints of the output, answers that say little, an end in doubt."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest

from support import LAUNCHER, SANITIZED, Operator, ResourceManager, Server, status_kb, yarn_site
from test_remote import TAG, YarnTest

FOLLOW = ("--kind", "sparkSubmit", "--verdict", "remote")
ELSEWHERE = "application_1999999999999_0001"  # newer than all, by its number


class Hints(YarnTest):
    """An id in the output says where to look, and nothing else."""

    def says(self, *ids):
        return "".join("echo 'INFO YarnClientImpl: Submitted application %s' >&2; " % one for one in ids)

    def test_an_id_of_nowhere_does_not_hide_the_job(self):
        process = self.begin("echo on; sleep 0.3; %s exit 0" % self.says(ELSEWHERE), *FOLLOW)
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        threading.Timer(2.5, self.rm.end, (app, "SUCCEEDED")).start()
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.record()["applicationID"], app["id"])

    def test_somebody_elses_end_is_not_ours(self):
        other = self.rm.add(9, "somebody-elses")
        process = self.begin("echo on; sleep 0.3; %s exit 0" % self.says(other["id"]), *FOLLOW)
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        self.rm.end(other, "SUCCEEDED")
        threading.Timer(2.5, self.rm.end, (app, "FAILED", "FINISHED", "boom")).start()
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 1)
        self.assertEqual(self.final()["reason"], "YarnFailed")
        self.assertIn(app["id"], self.final()["message"])

    def test_many_ids_do_not_push_the_job_out(self):
        flood = self.says(*["application_1999999999999_%04d" % i for i in range(40)])
        process = self.begin("echo on; sleep 0.3; %s sleep 2; %s exit 0" % (self.submitted(1), flood), *FOLLOW)
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        self.wait_for(lambda: self.record().get("trackingURL"))
        threading.Timer(3.5, self.rm.end, (app, "SUCCEEDED")).start()
        process.communicate(timeout=25)
        self.assertEqual(process.returncode, 0)

    def test_ids_of_nowhere_are_not_asked_about_for_ever(self):
        process = self.begin("echo on; sleep 0.3; %s exit 0" % (self.submitted(1) + self.says(ELSEWHERE)), *FOLLOW)
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        self.wait_for(lambda: any(ELSEWHERE in path for _, path in self.rm.requests))

        def newest():
            return [path for method, path in self.rm.requests[-6:]]

        self.wait_for(lambda: len(self.rm.requests) > 6 and all(app["id"] in path for path in newest()), 30)
        self.rm.end(app, "SUCCEEDED")
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)

    def test_an_earlier_id_of_nowhere_does_not_make_this_attempts_job_an_earlier_one(self):
        process = self.begin("echo on; sleep 0.5; exit 0", *FOLLOW, "--attempt", "2", "--earlier", ELSEWHERE)
        process.stdout.readline()
        self.rm.end(self.rm.add(1, TAG), "SUCCEEDED")
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.record()["applicationID"], "application_1700000000000_0001")


class Lists(YarnTest):
    def test_an_entry_that_cannot_be_read_is_not_nothing(self):
        self.rm.add(1, TAG, state="Running")
        returned, _, _ = self.launch("touch %s" % self.path("started"), "--kind", "hadoopJar", "--attempt", "2",
                                     "--look-timeout", "2s")
        self.assertEqual(returned, 1)
        self.assertEqual(self.final()["reason"], "RemoteUnknown")
        self.assertFalse(os.path.exists(self.path("started")))

    def test_one_that_is_slow_to_end_does_not_hold_up_the_others(self):
        slow, *others = [self.rm.add(number, TAG) for number in (1, 2, 3)]
        kill = self.rm.kill

        def at_its_pace(handler, app):
            self.rm.kill_delay = 600 if app is slow else 0
            kill(handler, app)

        self.rm.kill = at_its_pace
        process = self.begin("echo on; exec sleep 60", "--kind", "hadoopJar", "--grace", "3s")
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual({app["state"] for app in others}, {"KILLED"})
        self.assertIn(slow["id"], self.final()["remains"])
        self.assertNotIn("stands by", self.final()["remains"])


class Remains(YarnTest):
    """An empty `remains` is the word that nothing is left: only who has looked may give it."""

    def no_ticket(self):
        self.write("kerberos/principal", "etl@EXAMPLE.ORG\n")
        self.write("kerberos/keytab", "k")
        self.env["PATH"] = self.kinit("echo 'kinit: Client not found in Kerberos database'; exit 1")
        return ["--kerberos", self.path("kerberos")]

    def test_an_attempt_that_cannot_start_has_not_looked(self):
        self.rm.add(1, TAG)
        returned, _, _ = self.launch("exit 0", "--kind", "hadoopJar", "--attempt", "2", *self.no_ticket())
        self.assertEqual(returned, 1)
        self.assertEqual(self.final()["reason"], "StartFailed")
        self.assertIn(TAG, self.final()["remains"])

    def test_a_first_attempt_that_cannot_start_leaves_nothing(self):
        self.launch("exit 0", "--kind", "hadoopJar", *self.no_ticket())
        self.assertEqual(self.final()["reason"], "StartFailed")
        self.assertNotIn("remains", self.final())

    def test_one_that_has_looked_and_cannot_start_leaves_nothing(self):
        returned, _, _ = self.run_launcher(["/nowhere"], "--remote", "yarn", "--tag", TAG, "--attempt", "2", env=self.env)
        self.assertEqual(returned, 127)
        self.assertNotIn("remains", self.final())

    def test_a_cleaner_without_a_ticket_has_failed(self):
        arguments = [LAUNCHER, "stop", "--remote", "yarn", "--tag", TAG, "--termination-log", self.termination_log,
                     *self.no_ticket()]
        done = subprocess.run(arguments, env={**os.environ, **self.env}, capture_output=True, timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.final()["reason"], "CleanupFailed")
        self.assertIn("Client not found", self.final()["message"])
        self.assertIn(TAG, self.final()["remains"])

    def test_a_client_that_fails_while_nobody_can_be_asked(self):
        self.rm.close()
        returned, _, _ = self.launch("exit 3", "--kind", "hadoopJar")
        self.assertEqual(returned, 3)
        self.assertEqual(self.final()["reason"], "ExitCode")
        self.assertIn(TAG, self.final()["remains"])

    def test_a_client_that_fails_where_there_is_no_cluster(self):
        self.write("conf/yarn-site.xml", "<configuration/>")
        self.launch("exit 3", "--kind", "hadoopJar")
        self.assertNotIn("remains", self.final())


class SecondWay(YarnTest):
    """YARN's own client, with a stand-in for java."""

    def stand_in(self, script):
        self.write("bin/java", "#!/bin/sh\necho \"$@\" >> %s\n%s\n" % (self.path("asked"), script), 0o755)
        self.write("hadoop/lib/hadoop-yarn-client-3.4.2.jar", "")
        self.env.update(PATH=self.path("bin") + ":/usr/bin:/bin", HADOOP_HOME=self.path("hadoop"), JAVA_HOME="")
        self.rm.get_status = 401

    def asked(self):
        with open(self.path("asked")) as file:
            return file.read()

    def test_it_knows_the_realm_of_the_secret(self):
        self.stand_in("echo 'Total number of applications (application-types: [], states: [] and tags: [x]):0'")
        self.write("kerberos/principal", "etl@EXAMPLE.ORG\n")
        self.write("kerberos/keytab", "k")
        conf = self.write("kerberos/krb5.conf", "[libdefaults]\n")
        self.kinit()
        returned, _, _ = self.launch("exit 0", "--kind", "hadoopJar", "--attempt", "2", "--kerberos", self.path("kerberos"))
        self.assertEqual(returned, 0)
        self.assertIn("-Djava.security.krb5.conf=" + conf, self.asked())

    def test_without_a_ticket_for_ever(self):
        """Refused by REST, and by RPC too: nobody can be asked, and that is an answer."""
        self.stand_in("echo 'Exception in thread \"main\" org.apache.hadoop.security.AccessControlException: SIMPLE "
                      "authentication is not enabled.  Available:[TOKEN, KERBEROS]'; exit 255")
        returned, _, _ = self.launch(self.submitted(1) + "exit 0", *FOLLOW, timeout=40)
        self.assertEqual(returned, 1)
        self.assertEqual(self.final()["reason"], "RemoteUnknown")
        self.assertIn("SIMPLE authentication is not enabled", self.final()["message"])
        self.assertIn("application_1700000000000_0001", self.final()["remains"])


class Refusals(YarnTest):
    def test_a_moments_refusal_is_not_for_ever(self):
        process = self.begin("echo on; sleep 0.3; %s exit 0" % self.submitted(1), *FOLLOW)
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        self.wait_for(lambda: self.record().get("trackingURL"))
        handle, left = self.rm.handle, [2]

        def refuse(handler):
            left[0] -= 1
            if left[0] >= 0:
                handler.answer(403, "not now")
            else:
                handle(handler)

        self.rm.handle = refuse
        self.wait_for(lambda: left[0] < 0, 25)
        self.rm.end(app, "SUCCEEDED")
        process.communicate(timeout=25)
        self.assertEqual(process.returncode, 0)


class Word(YarnTest):
    """The operator's word on a stop is asked for at once, whatever was under way."""

    def setUp(self):
        super().setUp()
        self.operator = Operator(self.directory)
        self.addCleanup(lambda: self.operator.close())
        self.write("token", "first-token\n")
        self.env["WEIR_REPORT_CA"] = self.operator.ca

    def stop_while(self, running):
        def respond(handler, report):
            if report["phase"] in ("Stopping", "Finished"):
                handler.answer(200, json.dumps({"decision": "stop"}))
            else:
                running(handler)

        self.operator.respond = respond
        process = self.begin("echo on; exec sleep 60", *FOLLOW, *self.operator.options(), "--token-file", self.path("token"),
                             "--grace", "8s")
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        self.wait_for(lambda: self.operator.reports)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(app["state"], "KILLED")
        self.assertNotIn("remains", self.final())

    def test_after_retry_later(self):
        self.stop_while(lambda handler: handler.answer(429, "{}", [("Retry-After", "60")]))

    def test_while_a_report_is_not_answered(self):
        self.stop_while(lambda handler: time.sleep(20))


class Following(YarnTest):
    def test_memory(self):
        process = self.begin("echo on; sleep 0.3; %s exit 0" % self.submitted(1), *FOLLOW)
        process.stdout.readline()
        app = self.rm.add(1, TAG, diagnostics="x" * 60000)
        for number in range(2, 200):
            self.rm.add(number, TAG + "-other", diagnostics="y" * 2000)
        self.wait_for(lambda: self.record().get("trackingURL"))
        asked = len(self.rm.requests)
        self.wait_for(lambda: len(self.rm.requests) > asked + 3)
        if not SANITIZED:
            print("RSS while following %d kB" % status_kb(process.pid, "VmRSS"), file=sys.stderr)
            self.assertLess(status_kb(process.pid, "VmRSS"), 8 * 1024)
        self.rm.end(app, "SUCCEEDED")
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
