"""The remote side of a task: whose word counts, what is ended, what is adopted, and what happens when nobody answers."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest

from support import LAUNCHER, SANITIZED, LauncherTest, Operator, ResourceManager, status_kb, yarn_site

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
        return [path.split("?")[0] for method, path in self.rm.requests if method == "PUT"]


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
        """A success that nobody vouches for is none, and the sentence says what to configure."""
        self.write("conf/yarn-site.xml", "<configuration/>")
        returned, _, _ = self.launch("exit 0", *self.OPTIONS)
        self.assertEqual(returned, 1)
        self.assertEqual(self.final()["reason"], "RemoteUnknown")
        self.assertIn("HADOOP_CONF_DIR", self.final()["message"])

    def test_no_resource_manager_known_but_the_client_could_ask(self):
        self.write("conf/yarn-site.xml", "<configuration/>")
        returned, _, _ = self.launch("echo '\t final status: SUCCEEDED' >&2; exit 0", *self.OPTIONS)
        self.assertEqual(returned, 0)
        self.assertIn("the client's word", self.final()["message"])

    def test_401_for_ever(self):
        """Neither REST nor a client of YARN's: an answer too."""
        self.rm.get_status = 401
        self.rm.add(1, TAG)
        returned, _, _ = self.launch(self.submitted(1) + "exit 0", *self.OPTIONS)
        self.assertEqual(returned, 1)
        self.assertEqual(self.final()["reason"], "RemoteUnknown")
        self.assertIn("401", self.final()["message"])
        self.assertIn("ticket", self.final()["message"])
        self.assertIn("application_1700000000000_0001", self.final()["remains"])

    def test_401_for_a_moment(self):
        """Somebody else's mistake, perhaps: not believed at once."""
        self.rm.get_status = 401
        threading.Timer(4, setattr, (self.rm, "get_status", 200)).start()
        self.assertEqual(self.follow("SUCCEEDED"), 0)

    def test_client_that_lost_contact_is_not_believed(self):
        script = (self.submitted(1) + "echo on; sleep 0.3; echo 'ERROR Client: Failed to contact YARN for application "
                  "application_1700000000000_0001.' >&2; echo '\t final status: FAILED' >&2; exit 1")
        process = self.begin(script, *self.OPTIONS)
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        threading.Timer(2, self.rm.end, (app, "SUCCEEDED")).start()
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)

    def test_configuration_that_cannot_be_read(self):
        self.write("conf/yarn-site.xml", "<configuration>")
        returned, _, err = self.launch("exit 0", *self.OPTIONS)
        self.assertEqual(returned, 1)
        self.assertIn(b"yarn-site.xml", err)
        self.assertIn("yarn-site.xml", self.final()["message"])

    def restart(self, recovers):
        """The ResourceManager starts anew while the application is followed."""
        process = self.begin("echo on; sleep 0.3; %s exit 0" % self.submitted(1), *self.OPTIONS)
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        self.wait_for(lambda: self.record().get("trackingURL"))
        apps, self.rm.apps, self.rm.ha_state = self.rm.apps, {}, "INITIALIZING"
        self.rm.started_on += 1000
        asked = len(self.rm.requests)
        self.wait_for(lambda: len(self.rm.requests) > asked + 3)
        self.rm.apps, self.rm.ha_state = apps if recovers else {}, "ACTIVE"
        return process, app

    def test_restart_with_recovery(self):
        process, app = self.restart(True)
        app["state"] = "ACCEPTED"
        time.sleep(1.5)
        self.rm.end(app, "SUCCEEDED")
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)

    def test_several_questions_refused_by_acl_are_asked_as_the_user(self):
        self.env["HADOOP_USER_NAME"] = "alice"
        self.assertEqual(self.follow("SUCCEEDED"), 0)
        self.assertTrue(all("user.name=alice" in path for _, path in self.rm.requests), self.rm.requests)

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


class Following(YarnTest):
    @unittest.skipIf(SANITIZED, "a sanitizer's memory is not ours")
    def test_memory(self):
        """While an application is followed, other tasks' long lists and long diagnostics included."""
        process = self.begin(self.submitted(1) + "exit 0", "--kind", "sparkSubmit", "--verdict", "remote")
        app = self.rm.add(1, TAG, diagnostics="x" * 1000000)
        self.wait_for(lambda: sum("/apps/" in path for _, path in self.rm.requests) > 4)
        used = status_kb(process.pid, "VmRSS")
        print("RSS while following %d kB" % used)
        self.rm.end(app, "SUCCEEDED")
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)
        self.assertLess(used, 8 * 1024)


class Adoption(YarnTest):
    """What an earlier attempt left: adopted, ended, or a reason not to start. Never two copies at once."""

    AGAIN = ("--kind", "sparkSubmit", "--verdict", "remote", "--attempt", "2")

    def mark(self):
        return "echo >> %s; " % self.path("started")

    def started(self):
        return os.path.exists(self.path("started"))

    def test_a_first_attempt_asks_nothing(self):
        returned, _, _ = self.launch("exit 0", "--kind", "hadoopJar")
        self.assertEqual(returned, 0)
        self.assertEqual(self.rm.requests, [])

    def test_what_a_lost_attempt_left_is_killed_first(self):
        self.rm.kill_delay = 0.5
        old = self.rm.add(1, TAG, startedTime=1)
        other = self.rm.add(2, "somebody-elses")
        returned, _, _ = self.launch("exit 0", "--kind", "hadoopJar", "--attempt", "2")
        self.assertEqual(returned, 0)
        self.assertEqual(old["state"], "KILLED")
        self.assertEqual(other["state"], "RUNNING")
        self.assertEqual(self.puts(), ["/ws/v1/cluster/apps/application_1700000000000_0001/state"] * len(self.puts()))

    def test_the_task_waits_until_it_has_ended(self):
        self.rm.kill_delay = 1
        old = self.rm.add(1, TAG, startedTime=1)
        process = self.begin("echo started; sleep 0.2", "--kind", "hadoopJar", "--attempt", "2")
        process.stdout.readline()
        self.assertEqual(old["state"], "KILLED")
        _, err = process.communicate(timeout=20)
        self.assertIn(b"weir: ", err)
        self.assertIn(b"application_1700000000000_0001", err)

    def test_many_are_all_ended(self):
        apps = [self.rm.add(number, TAG) for number in range(1, 131)]
        returned, _, _ = self.launch("exit 0", "--kind", "hadoopJar", "--attempt", "2", timeout=90)
        self.assertEqual(returned, 0)
        self.assertEqual({app["state"] for app in apps}, {"KILLED"})

    def not_started(self, *options, words=(), **more):
        returned, _, _ = self.launch(self.mark() + "exit 0", *options, "--look-timeout", "2s", **more)
        self.assertEqual(returned, 1)
        self.assertFalse(self.started())
        self.assertEqual(self.final()["reason"], "RemoteUnknown")
        for word in words:
            self.assertIn(word, self.final()["message"])

    def test_kill_refused(self):
        self.rm.put_status = 403
        self.rm.add(1, TAG)
        self.not_started(*self.AGAIN, words=("application_1700000000000_0001", "403"))

    def test_resource_manager_away(self):
        self.rm.close()
        self.not_started(*self.AGAIN, words=("127.0.0.1",))

    def test_it_comes_back(self):
        self.rm.broken = True
        old = self.rm.add(1, TAG)
        threading.Timer(3, setattr, (self.rm, "broken", False)).start()
        returned, _, _ = self.launch("exit 0", "--kind", "hadoopJar", "--attempt", "2")
        self.assertEqual(returned, 0)
        self.assertEqual(old["state"], "KILLED")

    def test_asking_refused(self):
        self.rm.get_status = 401
        self.not_started(*self.AGAIN, words=("401",))

    def test_restarting_resource_manager_is_not_believed(self):
        self.rm.ha_state = "INITIALIZING"
        apps, self.rm.apps = {}, {}
        app = self.rm.add(1, TAG)
        apps, self.rm.apps = self.rm.apps, {}

        def recovered():
            self.rm.apps = apps
            self.rm.ha_state = "ACTIVE"

        threading.Timer(2, recovered).start()
        returned, _, _ = self.launch("exit 0", "--kind", "hadoopJar", "--attempt", "2")
        self.assertEqual(returned, 0)
        self.assertEqual(app["state"], "KILLED")

    def test_a_start_between_two_questions_is_not_believed(self):
        """Nothing in the list, and in charge before and after: but it is another one."""
        app = self.rm.add(1, TAG)
        apps, self.rm.apps = self.rm.apps, {}
        handle, count = self.rm.handle, [0]

        def restart(handler):
            count[0] += "/apps" in handler.path
            if count[0] == 1:
                self.rm.started_on += 1
            elif count[0] > 1:
                self.rm.apps = apps
            handle(handler)

        self.rm.handle = restart
        returned, _, _ = self.launch("exit 0", "--kind", "hadoopJar", "--attempt", "2")
        self.assertEqual(returned, 0)
        self.assertEqual(app["state"], "KILLED")

    def test_a_recorded_id_without_the_tag_is_waited_for_and_not_killed(self):
        app = self.rm.add(1, "")
        threading.Timer(1.5, self.rm.end, (app, "SUCCEEDED")).start()
        process = self.begin("echo started", "--kind", "hadoopJar", "--attempt", "2", "--earlier", app["id"])
        process.stdout.readline()
        self.assertEqual(app["state"], "FINISHED")
        process.communicate(timeout=20)
        self.assertEqual(self.puts(), [])

    def test_a_recorded_id_that_does_not_end(self):
        app = self.rm.add(1, "")
        self.not_started("--kind", "hadoopJar", "--attempt", "2", "--earlier", app["id"], words=(app["id"], "tag"))
        self.assertEqual(self.puts(), [])

    def test_a_recorded_id_of_another_task(self):
        app = self.rm.add(1, "weir-of-another-task")
        returned, _, _ = self.launch("exit 0", "--kind", "hadoopJar", "--attempt", "2", "--earlier", app["id"])
        self.assertEqual(returned, 0)
        self.assertEqual(app["state"], "RUNNING")

    def test_running_is_adopted(self):
        app = self.rm.add(1, TAG)
        threading.Timer(1.5, self.rm.end, (app, "SUCCEEDED")).start()
        returned, _, err = self.launch(self.mark(), *self.AGAIN, "--leftover", "adopt")
        self.assertEqual(returned, 0, err)
        self.assertFalse(self.started())
        self.assertEqual(self.record()["applicationID"], app["id"])
        self.assertEqual(self.final().get("reason", ""), "")
        self.assertEqual(self.puts(), [])

    def test_adopted_and_failed(self):
        app = self.rm.add(1, TAG)
        threading.Timer(1.5, self.rm.end, (app, "FAILED", "FINISHED", "User application exited with status 3")).start()
        returned, _, _ = self.launch(self.mark(), *self.AGAIN, "--leftover", "adopt")
        self.assertEqual(returned, 1)
        self.assertEqual(self.final()["reason"], "YarnFailed")
        self.assertIn("exited with status 3", self.final()["message"])

    def test_a_result_that_nobody_took_counts(self):
        self.rm.add(1, TAG, "FINISHED", finalStatus="SUCCEEDED")
        returned, _, _ = self.launch(self.mark(), *self.AGAIN, "--leftover", "adopt")
        self.assertEqual(returned, 0)
        self.assertFalse(self.started())

    def test_a_failure_that_nobody_took_is_run_again(self):
        self.rm.add(1, TAG, "FINISHED", finalStatus="FAILED")
        process = self.begin(self.mark() + "echo on; sleep 0.3", *self.AGAIN, "--leftover", "adopt")
        process.stdout.readline()
        self.rm.end(self.rm.add(2, TAG), "SUCCEEDED")
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)
        self.assertTrue(self.started())

    def test_of_two_none_is_adopted(self):
        apps = [self.rm.add(1, TAG), self.rm.add(2, TAG)]
        process = self.begin("echo on; sleep 0.3", *self.AGAIN, "--leftover", "adopt")
        process.stdout.readline()
        self.assertEqual({app["state"] for app in apps}, {"KILLED"})
        self.rm.end(self.rm.add(3, TAG), "SUCCEEDED")
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)

    def test_stopped_while_looking(self):
        self.rm.broken = True
        process = self.begin(self.mark(), *self.AGAIN, "--grace", "2s")
        self.wait_for(lambda: self.rm.requests)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 143)
        self.assertFalse(self.started())
        self.assertIn("may still run", self.final()["remains"])

    def test_no_cluster_to_have_left_anything_on(self):
        self.write("conf/yarn-site.xml", "<configuration/>")
        returned, _, _ = self.launch("exit 0", "--kind", "hadoopJar", "--attempt", "2")
        self.assertEqual(returned, 0)

    def test_no_cluster_but_an_id(self):
        self.write("conf/yarn-site.xml", "<configuration/>")
        self.not_started("--kind", "hadoopJar", "--attempt", "2", "--earlier", "application_1700000000000_0001",
                         words=("HADOOP_CONF_DIR",))


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

    def test_all_of_them_are_killed(self):
        process = self.begin(self.submitted(2) + "echo on; exec sleep 60", "--kind", "hadoopJar")
        process.stdout.readline()
        apps = [self.rm.add(number, TAG) for number in (1, 2, 3)]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual({app["state"] for app in apps}, {"KILLED"})

    def test_refused_by_rest(self):
        """Then by YARN's own client, found beside the jars; here a stand-in for java that notes what it is asked."""
        mark = self.path("killed")
        self.write("bin/java", "#!/bin/sh\necho \"$@\" >> %s\nfor id; do :; done; echo \"Killing application $id\"\n" % mark, 0o755)
        self.write("hadoop/lib/hadoop-yarn-client-3.4.2.jar", "")
        self.env.update(PATH=self.path("bin") + ":/usr/bin:/bin", HADOOP_HOME=self.path("hadoop"), JAVA_HOME="")
        self.rm.put_status = 403
        process = self.begin(self.submitted(1) + "echo on; exec sleep 60", "--kind", "hadoopJar", "--grace", "5s")
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        process.send_signal(signal.SIGTERM)

        def killed_by_cli():
            try:
                with open(mark) as file:
                    return file.read()
            except FileNotFoundError:
                return ""

        self.assertIn("ApplicationCLI application -kill application_1700000000000_0001\n", self.wait_for(killed_by_cli))
        self.rm.end(app, "KILLED", "KILLED")
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 143)
        self.assertIn("application_1700000000000_0001 was killed", self.final()["message"])

    def test_ended_before_the_signal_keeps_its_verdict(self):
        """YARN had said SUCCEEDED before anybody told it to end."""
        process = self.begin("echo on; sleep 0.3; %s exit 0" % self.submitted(1), "--kind", "sparkSubmit", "--verdict", "remote")
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        self.wait_for(lambda: self.record().get("trackingURL"))
        self.rm.end(app, "SUCCEEDED")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.final().get("reason", ""), "")
        self.assertEqual(self.puts(), [])

    def test_exit_code_before_the_signal_counts(self):
        process = self.begin("echo on; exit 7", "--kind", "hadoopJar")
        process.stdout.readline()
        self.wait_for(lambda: any("/apps" in path for _, path in self.rm.requests))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 7)
        self.assertEqual(self.final()["reason"], "ExitCode")

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


class Decision(YarnTest):
    """SIGTERM is not always "kill it": the operator is asked."""

    OPTIONS = ("--kind", "sparkSubmit", "--verdict", "remote")

    def setUp(self):
        super().setUp()
        self.operator = Operator(self.directory)
        self.addCleanup(lambda: self.operator.close())
        self.write("token", "first-token\n")
        self.env["WEIR_REPORT_CA"] = self.operator.ca

    def stop(self, decision, *options, kind=OPTIONS, away=False):
        def respond(handler, report):
            answer = {"intervalSeconds": 1}
            if report["phase"] == "Stopping" and decision:
                answer["decision"] = decision
            handler.answer(200, json.dumps(answer))

        self.operator.respond = respond
        process = self.begin("echo on; sleep 0.3; %s exec sleep 60" % self.submitted(1), *kind, *self.operator.options(),
                             "--token-file", self.path("token"), *options)
        process.stdout.readline()
        self.app = self.rm.add(1, TAG)
        self.wait_for(lambda: self.record().get("applicationID"))
        if away:
            self.operator.close()
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        self.took = time.monotonic() - begin
        self.assertEqual(process.returncode, 143)
        self.assertEqual(self.final()["reason"], "Stopped")

    def test_stop(self):
        self.stop("stop")
        self.assertEqual(self.app["state"], "KILLED")
        self.assertEqual(self.final().get("remains", ""), "")

    def test_leave(self):
        self.stop("leave")
        self.assertEqual(self.app["state"], "RUNNING")
        self.assertEqual(self.puts(), [])
        self.assertIn("application_1700000000000_0001 may still run", self.final()["remains"])
        self.assertLess(self.took, 5)

    def test_not_decided(self):
        self.stop("", "--grace", "4s")
        self.assertEqual(self.app["state"], "RUNNING")
        self.assertIn("application_1700000000000_0001", self.final()["remains"])

    def test_nobody_answers(self):
        self.stop("stop", "--grace", "4s", away=True)
        self.assertEqual(self.app["state"], "RUNNING")
        self.assertIn("application_1700000000000_0001", self.final()["remains"])

    def test_client_mode_dies_with_the_pod(self):
        self.stop("leave", kind=("--kind", "sparkSubmit"))
        self.assertEqual(self.app["state"], "KILLED")

    def test_out_of_time_is_our_own_decision(self):
        process = self.begin("echo on; sleep 0.3; %s exit 0" % self.submitted(1), *self.OPTIONS, *self.operator.options(),
                             "--token-file", self.path("token"), "--timeout", "2s")
        process.stdout.readline()
        app = self.rm.add(1, TAG)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 124)
        self.assertEqual(app["state"], "KILLED")


class CleanUp(YarnTest):
    """weir-launcher stop: what a launcher that is gone has left."""

    def clean(self, *options, timeout="5s"):
        arguments = [LAUNCHER, "stop", "--remote", "yarn", "--termination-log", self.termination_log, "--timeout", timeout, *options]
        done = subprocess.run(arguments, env={**os.environ, **self.env}, capture_output=True, timeout=60)
        self.err = done.stderr.decode()
        return done.returncode

    def test_all_are_ended(self):
        apps = [self.rm.add(number, TAG) for number in range(1, 4)]
        other = self.rm.add(9, "somebody-elses")
        self.assertEqual(self.clean("--tag", TAG), 0, )
        self.assertEqual({app["state"] for app in apps}, {"KILLED"})
        self.assertEqual(other["state"], "RUNNING")
        self.assertIn("was killed", self.final()["message"])
        self.assertEqual(self.final().get("reason", ""), "")

    def test_nothing_was_left(self):
        self.assertEqual(self.clean("--tag", TAG, "--application", "application_1700000000000_0001"), 0)
        self.assertEqual(self.final()["message"], "nothing was left")

    def test_refused(self):
        self.rm.put_status = 403
        self.rm.add(1, TAG)
        self.assertEqual(self.clean("--tag", TAG, timeout="2s"), 1)
        self.assertEqual(self.final()["reason"], "CleanupFailed")
        self.assertIn("application_1700000000000_0001 may still run", self.final()["message"])

    def test_away(self):
        self.rm.close()
        self.assertEqual(self.clean("--tag", TAG, timeout="2s"), 1)
        self.assertEqual(self.final()["reason"], "CleanupFailed")
        self.assertIn(TAG, self.final()["message"])

    def test_an_id_alone_is_no_proof(self):
        app = self.rm.add(1, "")
        self.assertEqual(self.clean("--tag", TAG, "--application", app["id"], timeout="2s"), 1)
        self.assertEqual(app["state"], "RUNNING")

    def test_mistakes(self):
        for options in (["--tag", ""], ["--kind", "command"], ["--", "true"]):
            self.assertNotEqual(self.clean(*options), 0)
            self.assertFalse(os.path.exists(self.termination_log), options)
        self.assertNotEqual(self.clean("--tag", TAG, timeout="soon"), 0)
        self.assertIn("--timeout: ", self.err)


class Kerberos(YarnTest):
    def test_the_program_has_the_ticket_too(self):
        os.makedirs(self.path("secret"))
        for name, text in (("principal", "etl@EXAMPLE.COM"), ("keytab", "k"), ("krb5.conf", "[libdefaults]")):
            self.write("secret/" + name, text)
        self.env = {**self.env, "PATH": self.kinit(), "KRB5CCNAME": "/somewhere/else",
                    "HADOOP_OPTS": "-Da=b"}
        script = 'cat "${KRB5CCNAME#FILE:}"; rm "${KRB5CCNAME#FILE:}"; echo "$HADOOP_OPTS"; echo "$SPARK_SUBMIT_OPTS"'
        returned, out, _ = self.launch(script, "--kerberos", self.path("secret"))
        self.assertEqual(returned, 0)
        option = "-Djava.security.krb5.conf=" + self.path("secret/krb5.conf")
        ticket, *options = out.decode().splitlines()
        self.assertRegex(ticket, "^ticket of -k -t %s -c \\S+ etl@EXAMPLE.COM$" % self.path("secret/keytab"))
        self.assertEqual(options, ["-Da=b " + option, option])


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
