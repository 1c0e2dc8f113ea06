"""The ResourceManager ends and comes back, with and without what it knew, while an application is followed."""

import time
import unittest

from bed import SLOW, BedTest


class Restart(BedTest):
    def crash(self):
        self.bed.run("kill", "rm")
        self.bed.run("start", "rm")

    def halt(self):
        self.bed.run("stop", "rm")
        time.sleep(5)  # down for a while: the launcher and its client see refused connections
        self.bed.run("start", "rm")

    def second(self, seconds=1):
        """Attempt 2, whose command prints when it begins."""
        return self.launch(["sh", "-c", "date +%%s.%%N; sleep %g" % seconds], "--attempt", "2", "--kind", "hadoopJar",
                           "--look-timeout", "5m")


class Recovering(Restart):
    VARIANTS = ("simple", "anonymous", "plain", "recovery")

    def follow(self, restart, seconds, status="SUCCEEDED"):
        """The client leaves at once: the launcher alone follows the application."""
        process = self.launch(self.bed.app(self.tag, seconds, status, "leave"), "--kind", "hadoopJar", "--verdict", "remote")
        self.running()
        restart()
        return self.finish(process, SLOW * 2)

    def test_crash(self):
        code, _, err = self.follow(self.crash, 30)
        self.assertEqual(code, 0, err)
        self.assertEqual(self.final().get("reason", ""), "", err)

    def test_halt_and_it_fails(self):
        code, _, err = self.follow(self.halt, 30, "FAILED")
        self.assertEqual(self.final()["reason"], "YarnFailed", err)
        self.assertIn("it was told to fail", self.final()["message"])
        self.assertEqual(code, 1)

    def test_spark_client_stays(self):
        process = self.launch(self.bed.spark(self.tag, 45), "--kind", "sparkSubmit", "--verdict", "remote")
        self.running()
        self.crash()
        code, _, err = self.finish(process, SLOW * 2)
        self.assertEqual(code, 0, err)
        self.assertEqual(self.final().get("message", ""), "")

    def test_next_attempt_waits_for_what_is_recovered(self):
        app = self.submit(600)
        for restart in (self.crash, self.halt):
            with self.subTest(restart.__name__):
                restart()
                code, began, err = self.finish(self.second(), SLOW * 2)
                self.assertEqual(code, 0, err)
                self.assertEqual(self.bed.apps(self.tag)[app], "KILLED", err)
                self.assertLess(self.bed.ended_at(app), float(began))
                if restart is self.crash:
                    app = self.submit(600)


class Forgetting(Restart):
    VARIANTS = ("simple", "anonymous", "plain")

    def lose(self, restart):
        process = self.launch(self.bed.app(self.tag, 600, "SUCCEEDED", "leave"), "--kind", "hadoopJar", "--verdict", "remote")
        self.running()
        restart()
        self.bed.run("wait", "rm")
        since = time.monotonic()
        code, _, err = self.finish(process, SLOW * 2)
        self.assertGreater(time.monotonic() - since, 45, err)
        self.assertEqual(self.final()["reason"], "YarnLost", err)
        self.assertEqual(code, 1)

    def test_spark_client_is_told(self):
        process = self.launch(self.bed.spark(self.tag, 600), "--kind", "sparkSubmit", "--verdict", "remote")
        self.running()
        self.crash()
        code, _, err = self.finish(process, SLOW * 3)
        self.assertEqual((code, self.final()["reason"]), (1, "YarnLost"), err)

    def test_crash(self):
        self.lose(self.crash)

    def test_halt(self):
        self.lose(self.halt)


if __name__ == "__main__":
    unittest.main()
