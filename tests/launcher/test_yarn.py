"""YARN's side of a task: whose word counts, what is killed, and what happens when the ResourceManager is away."""

import signal
import subprocess
import sys
import threading
import time
import unittest

from support import LauncherTest, ResourceManager, yarn_site

TAG = "weir-0f0e-wordcount"


class YarnTest(LauncherTest):
    def setUp(self):
        super().setUp()
        self.rm = ResourceManager()
        self.addCleanup(lambda: self.rm.close())
        self.env = yarn_site(self, self.rm)

    def submitted(self, number):
        return "echo '26/11/20 INFO YarnClientImpl: Submitted application application_1700000000000_%04d' >&2; " % number

    def launch(self, script, *options, **more):
        return self.run_launcher(["sh", "-c", script], "--remote", "yarn", "--tag", TAG, *options, env=self.env, **more)

    def begin(self, script, *options):
        return self.start(["sh", "-c", script], "--remote", "yarn", "--tag", TAG, *options, env=self.env)

    def puts(self):
        return [path for method, path in self.rm.requests if method == "PUT"]


class Verdict(YarnTest):
    OPTIONS = ("--kind", "sparkSubmit", "--verdict", "remote")

    def follow(self, final, client=0, state="FINISHED", diagnostics="", seconds=1.5):
        process = self.begin("echo started; sleep 0.5; %s exit %d" % (self.submitted(1), client), *self.OPTIONS)
        process.stdout.readline()
        app = self.rm.add(1, TAG, "ACCEPTED")
        threading.Timer(seconds, self.rm.end, (app, final, state, diagnostics)).start()
        _, self.err = process.communicate(timeout=30)
        return process.returncode

    def test_client_leaves_at_accepted_and_it_succeeds(self):
        self.assertEqual(self.follow("SUCCEEDED"), 0)
        self.assertEqual(self.final().get("reason", ""), "")
        self.assertEqual(self.record()["applicationID"], "application_1700000000000_0001")
        self.assertIn("/proxy/application_1700000000000_0001/", self.record()["trackingURL"])
        self.assertIn("/cluster/app/application_1700000000000_0001", self.record()["historyURL"])

    def test_client_leaves_at_accepted_and_it_fails(self):
        self.assertEqual(self.follow("FAILED", diagnostics="User application exited with status 1"), 1)
        self.assertEqual(self.final()["reason"], "YarnFailed")
        self.assertEqual(self.final()["exitCode"], 1)
        self.assertIn("User application exited with status 1", self.final()["message"])

    def test_killed_by_somebody(self):
        self.assertEqual(self.follow("KILLED", 1, "KILLED", "Application x was killed by user root at 10.0.0.9"), 1)
        self.assertEqual(self.final()["reason"], "YarnKilled")
        self.assertIn("killed by user root", self.final()["message"])

    def test_client_dies_but_it_succeeds(self):
        self.assertEqual(self.follow("SUCCEEDED", client=137), 0)
        self.assertIn("SUCCEEDED", self.final()["message"])

    def test_client_fails_before_it_submits(self):
        returned, _, _ = self.launch("echo 'Error: Unrecognized option: --bogus' >&2; exit 1", *self.OPTIONS)
        self.assertEqual(returned, 1)
        self.assertEqual(self.final()["reason"], "ExitCode")
        self.assertIn("Unrecognized option: --bogus", self.final()["message"])

    def test_resource_manager_restarts_meanwhile(self):
        self.rm.broken = True
        threading.Timer(2.5, setattr, (self.rm, "broken", False)).start()
        self.assertEqual(self.follow("SUCCEEDED"), 0)
        self.assertEqual(self.final().get("reason", ""), "")

    def test_no_resource_manager_known(self):
        self.write("conf/yarn-site.xml", "<configuration/>")
        returned, _, _ = self.launch("exit 0", *self.OPTIONS)
        self.assertEqual(returned, 0)
        self.assertIn("verdict by exit code", self.final()["message"])

    def test_https_only_is_said(self):
        self.write("conf/yarn-site.xml", "<configuration><property><name>yarn.http.policy</name><value>HTTPS_ONLY</value>"
                                         "</property></configuration>")
        returned, _, err = self.launch("exit 1", *self.OPTIONS)
        self.assertEqual(returned, 1)
        self.assertIn(b"HTTPS_ONLY", err)

    def test_earlier_applications_do_not_count(self):
        self.rm.add(1, TAG, "FINISHED", finalStatus="FAILED", startedTime=int(time.time() * 1000) - 5000)
        process = self.begin("echo started; sleep 1", *self.OPTIONS)
        process.stdout.readline()
        app = self.rm.add(2, TAG)
        self.rm.end(app, "SUCCEEDED")
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.record()["applicationID"], "application_1700000000000_0002")

    def test_standby_redirects(self):
        standby = ResourceManager()
        self.addCleanup(standby.close)
        standby.standby_of = self.rm
        self.env = yarn_site(self, standby, self.rm)
        self.assertEqual(self.follow("SUCCEEDED"), 0)

    def test_the_other_of_a_pair(self):
        dead = ResourceManager()
        dead.close()
        self.env = yarn_site(self, dead, self.rm)
        self.assertEqual(self.follow("SUCCEEDED"), 0)

    def test_found_by_tag_without_any_log_line(self):
        process = self.begin("echo started; sleep 1; exit 0", *self.OPTIONS)
        process.stdout.readline()
        app = self.rm.add(7, "other," + TAG.upper())
        self.rm.add(8, "somebody-elses")
        threading.Timer(2, self.rm.end, (app, "FAILED", "FINISHED", "boom")).start()
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 1)
        self.assertEqual(self.record()["applicationID"], "application_1700000000000_0007")


class Adoption(YarnTest):
    def test_what_a_lost_attempt_left_is_killed_first(self):
        self.rm.kill_delay = 0.5
        old = self.rm.add(1, TAG, startedTime=1)
        other = self.rm.add(2, "somebody-elses")
        returned, _, _ = self.launch("exit 0", "--kind", "hadoopJar")
        self.assertEqual(returned, 0)
        self.assertEqual(old["state"], "KILLED")
        self.assertEqual(other["state"], "RUNNING")
        self.assertEqual(self.puts(), ["/ws/v1/cluster/apps/application_1700000000000_0001/state"] * len(self.puts()))

    def test_the_task_waits_until_it_has_ended(self):
        self.rm.kill_delay = 1
        old = self.rm.add(1, TAG, startedTime=1)
        process = self.begin("echo started; sleep 0.2", "--kind", "hadoopJar")
        process.stdout.readline()
        self.assertEqual(old["state"], "KILLED")
        _, err = process.communicate(timeout=20)
        self.assertIn(b"weir: ", err)
        self.assertIn(b"application_1700000000000_0001", err)

    def test_away_does_not_hold_up_the_task(self):
        self.rm.close()
        begin = time.monotonic()
        returned, _, err = self.launch("exit 0", "--kind", "hadoopJar")
        self.assertEqual(returned, 0)
        self.assertLess(time.monotonic() - begin, 8)
        self.assertIn(b"weir: cannot look for applications of an earlier attempt", err)


class Stop(YarnTest):
    def test_by_id(self):
        process = self.begin(self.submitted(1) + "echo on; exec sleep 60", "--kind", "hadoopStreaming")
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 143)
        self.assertEqual(app["state"], "KILLED")
        self.assertEqual(self.final()["reason"], "Stopped")

    def test_submission_under_way(self):
        process = self.begin("trap 'sleep 1; exit 143' TERM; echo on; while :; do sleep 0.1; done", "--kind", "hadoopStreaming",
                             "--grace", "10s")
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        time.sleep(0.9)
        app = self.rm.add(1, TAG, "ACCEPTED")  # the client got it through while it was dying
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 143)
        self.assertEqual(app["state"], "KILLED")

    def test_while_following(self):
        process = self.begin("echo on; sleep 0.3; %s exit 0" % self.submitted(1), "--kind", "sparkSubmit", "--verdict", "remote")
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        time.sleep(1.5)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 143)
        self.assertEqual(app["state"], "KILLED")
        self.assertIn("application_1700000000000_0001 was killed", self.final()["message"])

    def test_timeout_kills_it_too(self):
        process = self.begin("echo on; exec sleep 60", "--kind", "hadoopJar", "--timeout", "1500ms")
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 124)
        self.assertEqual(app["state"], "KILLED")

    def test_slow_to_die(self):
        self.rm.kill_delay = 2
        process = self.begin("echo on; exec sleep 60", "--kind", "hadoopJar")
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(app["state"], "KILLED")  # confirmed before we left

    def test_somebody_elses_application_in_the_log_is_left_alone(self):
        other = self.rm.add(1, "somebody-elses")
        process = self.begin(self.submitted(1) + "echo on; exec sleep 60", "--kind", "hadoopJar")
        process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 143)
        self.assertEqual(other["state"], "RUNNING")
        self.assertEqual(self.puts(), [])

    def test_refused_by_rest(self):
        mark = self.path("killed")
        self.write("bin/yarn", "#!/bin/sh\necho \"$@\" > %s\n" % mark, 0o755)
        self.env["PATH"] = self.path("bin") + ":/usr/bin:/bin"
        self.rm.put_status = 403
        process = self.begin(self.submitted(1) + "echo on; exec sleep 60", "--kind", "hadoopJar", "--grace", "5s")
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)

        def killed_by_cli():
            try:
                with open(mark) as file:
                    return file.read()
            except FileNotFoundError:
                return ""

        self.assertEqual(self.wait_for(killed_by_cli), "application -kill application_1700000000000_0001\n")
        self.rm.end(app, "KILLED", "KILLED")
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 143)

    def test_away_says_what_may_be_left(self):
        process = self.begin(self.submitted(1) + "echo on; exec sleep 60", "--kind", "hadoopJar", "--grace", "2s")
        process.stdout.readline()
        self.rm.add(1, TAG)
        time.sleep(0.3)
        self.rm.close()
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 143)
        self.assertLess(time.monotonic() - begin, 3.5)
        self.assertIn("application_1700000000000_0001 may still run", self.final()["message"])


class Failure(YarnTest):
    def test_diagnostics_explain(self):
        process = self.begin("echo on; sleep 0.3; %s exit 1" % self.submitted(1), "--kind", "hadoopStreaming")
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        self.rm.end(app, "FAILED", diagnostics="Task failed task_1_0001_m_000000\nJob failed as tasks failed. failedMaps:1")
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 1)
        self.assertEqual(self.final()["reason"], "ExitCode")
        self.assertIn("Task failed task_1_0001_m_000000", self.final()["message"])

    def test_nothing_survives_a_dead_client(self):
        process = self.begin("echo on; sleep 0.3; %s kill -KILL $$" % self.submitted(1), "--kind", "hadoopStreaming")
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 137)
        self.assertEqual(app["state"], "KILLED")


if __name__ == "__main__":
    unittest.main()
