"""MapReduce jobs: the tag reaches those that take no options, and nothing of a lost attempt is alive when the next begins."""

import os
import signal
import subprocess
import time
import unittest

from bed import LAUNCHER, SLOW, BedTest


class Jobs(BedTest):
    VARIANTS = ("simple", "anonymous", "plain")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bed.put("/in", "one line\n")

    def job(self):
        """hadoopJar: its main class knows nothing of -D."""
        return [*self.bed.hadoop_jar(self.bed.path("programs", "job.jar"), "Job", "/in", "600")], [
            "--kind", "hadoopJar", "--tagged-conf", self.path("tagged")]

    def streaming(self):
        properties = ["mapreduce.job.tags=" + self.tag, "mapreduce.job.reduces=0", "mapreduce.job.ubertask.enable=true"]
        options = [part for one in properties for part in ("-D", one)]
        return self.bed.streaming(*options, "-input", "/in", "-output", "/out-" + self.tag, "-mapper", "sleep 600"), [
            "--kind", "hadoopStreaming"]

    def pod(self, command, *options):
        """As in a pod: the launcher is process 1, and all ends with it. The process, and the launcher's id."""
        with open(self.path("err"), "wb") as err:
            process = subprocess.Popen(
                ["unshare", "--pid", "--mount-proc", "--fork", "--kill-child", LAUNCHER, "run", "--termination-log",
                 self.termination_log, "--remote", "yarn", "--tag", self.tag, *options, "--", *command],
                env=dict(os.environ, **self.bed.env()), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)

        def children():
            with open("/proc/%d/task/%d/children" % (process.pid, process.pid)) as file:
                return file.read().split()

        pid = int(self.wait_for(children)[0])

        def end():
            if process.poll() is None:
                os.kill(pid, signal.SIGKILL)
            process.wait()

        self.addCleanup(end)
        return process, pid

    def err(self):
        with open(self.path("err")) as file:
            return file.read()

    def children_of(self, pid):
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            return [int(one) for one in file.read().split()]

    def until(self, phase, pid):
        if phase == "submit":
            self.wait_for(lambda: "Submitting tokens for job" in self.err())
            time.sleep(0.5)  # about now ResourceManager and client speak about it
            return
        self.running()
        if phase == "settling":  # the client is gone, its job is not
            for child in self.children_of(pid):
                os.kill(child, signal.SIGKILL)
            time.sleep(1)

    def attempts(self, make, number, phase):
        self.tag += "-%s-%s" % (phase, "term" if number == signal.SIGTERM else "kill")
        command, options = make()
        process, pid = self.pod(command, *options)
        self.until(phase, pid)
        os.kill(pid, number)
        process.wait(SLOW)
        if number == signal.SIGTERM:
            self.assertEqual(self.bed.living(self.tag), [], self.err())
        second = self.launch(["date", "+%s.%N"], *options, "--attempt", "2")
        code, began, err = self.finish(second, SLOW * 2)
        self.assertEqual(code, 0, err)
        for app, state in self.bed.apps(self.tag).items():
            self.assertIn(state, ("KILLED", "FAILED", "FINISHED"))
            self.assertLess(self.bed.ended_at(app), float(began), err)
        if phase != "submit":
            self.assertEqual(list(self.bed.apps(self.tag).values()), ["KILLED"])

    def lost(self, make, number):
        for phase in ("submit", "running", "settling"):
            with self.subTest(phase):
                tag = self.tag
                try:
                    self.attempts(make, number, phase)
                finally:
                    self.tag = tag


class Lost(Jobs):
    def test_streaming_sigterm(self):
        self.lost(self.streaming, signal.SIGTERM)

    def test_streaming_sigkill(self):
        self.lost(self.streaming, signal.SIGKILL)

    def test_jar_sigterm(self):
        self.lost(self.job, signal.SIGTERM)

    def test_jar_sigkill(self):
        self.lost(self.job, signal.SIGKILL)


class Tagged(Jobs):
    def test_stop_finds_a_job_without_options(self):
        command, options = self.job()
        process = self.launch(command, *options)
        app = self.running()
        code, final, err = self.stop()
        self.assertEqual((code, final["message"]), (0, app + " was killed"), err)
        self.assertNotEqual(self.finish(process)[0], 0)
        self.assertEqual(self.bed.apps(self.tag), {app: "KILLED"})


if __name__ == "__main__":
    unittest.main()
