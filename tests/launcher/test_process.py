"""PID 1's duties: exit codes, signals, orphans, leftovers; output unchanged at any size; memory bounded."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

from support import LAUNCHER, SANITIZED, LauncherTest, status_kb

MEGABYTE = 1 << 20
RSS_LIMIT_KB = 16 * 1024


class ExitCodes(LauncherTest):
    def test_kept(self):
        for code in (0, 1, 7, 126, 255):
            returned, _, _ = self.run_launcher(["sh", "-c", "exit %d" % code])
            self.assertEqual(returned, code)
            self.assertEqual(self.final()["exitCode"], code)
            self.assertEqual(self.final().get("reason", ""), "ExitCode" if code else "")

    def test_signal(self):
        returned, _, _ = self.run_launcher(["sh", "-c", "kill -USR1 $$"])
        self.assertEqual(returned, 128 + signal.SIGUSR1)
        self.assertEqual(self.final()["signal"], signal.SIGUSR1)
        self.assertEqual(self.final()["reason"], "Signal")
        self.assertIn("killed by SIGUSR1", self.final()["message"])

    def test_killed_hints_at_memory(self):
        returned, _, _ = self.run_launcher(["sh", "-c", "kill -KILL $$"])
        self.assertEqual(returned, 137)
        self.assertIn("memory", self.final()["message"])

    def test_not_found(self):
        returned, _, err = self.run_launcher(["/opt/spark/bin/spark-submit-that-is-not-there"])
        self.assertEqual(returned, 127)
        self.assertEqual(self.final()["reason"], "StartFailed")
        self.assertIn("/opt/spark/bin/spark-submit-that-is-not-there", self.final()["message"])
        self.assertIn(b"weir: cannot start", err)

    def test_not_in_path(self):
        returned, _, _ = self.run_launcher(["no-such-program"])
        self.assertEqual(returned, 127)
        self.assertIn("not found in PATH", self.final()["message"])

    def test_interpreter_missing(self):
        script = self.write("job.py", "#!/usr/bin/python9\nprint(1)\n", 0o755)
        returned, _, _ = self.run_launcher([script])
        self.assertEqual(returned, 127)
        self.assertIn("/usr/bin/python9", self.final()["message"])

    def test_closed_streams(self):
        """What is opened instead of them is not taken for them."""
        for command, code, reason in (["/nowhere"], 127, "StartFailed"), (["sh", "-c", "echo out; echo err >&2; exit 3"], 3, "ExitCode"):
            returned = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", LAUNCHER, "run", "--termination-log",
                                       self.termination_log, "--", *command], timeout=20).returncode
            self.assertEqual((returned, self.final()["reason"]), (code, reason))

    def test_not_executable(self):
        script = self.write("job.sh", "echo hi\n", 0o644)
        returned, _, _ = self.run_launcher([script])
        self.assertEqual(returned, 126)
        self.assertIn("Permission denied", self.final()["message"])

    def test_the_telling_line(self):
        _, _, _ = self.run_launcher([sys.executable, "-c", "import json; json.loads('{')"])
        self.assertIn("JSONDecodeError: Expecting property name", self.final()["message"])

    def test_times_and_sequence(self):
        self.run_launcher(["true"])
        record = self.record()
        self.assertEqual(record["phase"], "Finished")
        self.assertGreater(record["seq"], 1)
        self.assertRegex(record["startedAt"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertIn("finishedAt", record["final"])

    def test_bad_options_start_nothing(self):
        mark = self.path("mark")
        for options in (["--kind", "storm"], ["--verdict", "oracle"], ["--timeout", "soon"], ["--grace", "5"],
                        ["--report", "http://plain:1/"], ["--report", "https://h:1/"], ["--tag", "a&b"], ["--remote", "mesos"], ["--verdict", "remote"], ["--attempt", "0"]):
            returned, _, err = self.run_launcher(["touch", mark], *options)
            self.assertEqual(returned, 64, options)
            self.assertIn(options[0].encode() if options[0] != "--report" else b"report", err.lower())
        self.assertFalse(os.path.exists(mark))


class Environment(LauncherTest):
    def test_weir_variables_are_not_passed_on(self):
        _, out, _ = self.run_launcher(["env"], env={"WEIR_REPORT_CA": "secret", "WEIR_POD_IP": "10.0.0.1", "KEEP": "x"})
        self.assertNotIn(b"WEIR_", out)
        self.assertIn(b"KEEP=x", out)

    def test_signal_state_is_the_original(self):
        before = "import signal\nprint(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))\n" \
                 "print([line for line in open('/proc/self/status') if line.startswith(('SigIgn', 'SigBlk'))])"
        plain = subprocess.run([sys.executable, "-c", before], capture_output=True, check=True).stdout
        _, out, _ = self.run_launcher([sys.executable, "-c", before])
        self.assertEqual(out, plain)

    def test_own_process_group(self):
        process = self.start(["sh", "-c", "echo $$; ps -o pgid= -p $$"])
        out, _ = process.communicate(timeout=20)
        pid, group = out.split()
        self.assertEqual(pid, group)


class Records(LauncherTest):
    def test_a_kill_loses_no_id(self):
        process = self.start(["sh", "-c", "echo 'Submitted application application_1700000000000_0042' >&2; exec sleep 60"],
                             "--kind", "hadoopJar")
        self.wait_for(lambda: self.record().get("applicationID"))
        process.kill()
        process.wait(timeout=20)
        self.assertEqual(self.record()["applicationID"], "application_1700000000000_0042")
        self.assertNotIn("final", self.record())

    def test_no_larger_than_its_share(self):
        line = "The url to track the job: http://rm/%s" % ("x" * 400)
        self.run_launcher(["sh", "-c", "echo '%s'; echo 'Error: %s' >&2; exit 1" % (line, "y" * 600)], "--kind", "hadoopJar",
                          "--record-max", "512")
        self.assertLessEqual(os.path.getsize(self.termination_log), 512)
        self.assertEqual(self.final()["reason"], "ExitCode")

    def test_a_full_disk_harms_nobody(self):
        returned, _, err = self.run_launcher(["true"], "--termination-log", "/dev/full")
        self.assertEqual(returned, 0)
        self.assertIn(b"/dev/full", err)


class Signals(LauncherTest):
    def test_term_stops(self):
        process = self.start(["sh", "-c", "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.05; done"])
        self.assertEqual(process.stdout.readline(), b"ready\n")
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
        self.assertEqual(out, b"bye\n")
        self.assertEqual(process.returncode, 143)
        self.assertEqual(self.final()["reason"], "Stopped")
        self.assertEqual(self.final()["exitCode"], 143)

    def test_deaf_child_is_killed_within_the_grace(self):
        process = self.start(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"], "--grace", "2s")
        process.stdout.readline()
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 143)
        self.assertGreater(time.monotonic() - begin, 0.9)
        self.assertLess(time.monotonic() - begin, 2.9)

    def test_grace_reaches_below_a_shell(self):
        """The shell dies at once; what it waited for still has its time to end in order."""
        inner = "trap 'sleep 1; echo cleaned; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
        process = self.start(["sh", "-c", 'sh -c "%s"; echo after' % inner], "--grace", "20s")
        process.stdout.readline()
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
        self.assertEqual(out, b"cleaned\n")
        self.assertEqual(process.returncode, 143)
        self.assertLess(time.monotonic() - begin, 5)

    def test_a_deaf_process_below_a_shell_is_killed_within_the_grace(self):
        inner = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
        process = self.start(["sh", "-c", 'sh -c "%s"; echo after' % inner], "--grace", "2s")
        process.stdout.readline()
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertLess(time.monotonic() - begin, 2.9)

    def test_ended_by_itself_and_told_to_stop_meanwhile(self):
        """Its exit code counts, also while what it left behind is still being ended."""
        left = "trap '' TERM; while :; do sleep 0.05; done"
        process = self.start(["sh", "-c", 'setsid sh -c "%s" & sleep 0.3; echo gone; exit 7' % left])
        process.stdout.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 7)
        self.assertEqual(self.final()["reason"], "ExitCode")

    def test_timeout(self):
        begin = time.monotonic()
        returned, _, _ = self.run_launcher(["sleep", "60"], "--timeout", "1s")
        self.assertEqual(returned, 124)
        self.assertEqual(self.final()["reason"], "Timeout")
        self.assertEqual(self.final()["exitCode"], 124)
        self.assertIn("timed out after 1", self.final()["message"])
        self.assertLess(time.monotonic() - begin, 4)

    def test_ended_by_itself_and_out_of_time_meanwhile(self):
        """Seen late, by a launcher that had no CPU: the exit code was there first."""
        process = self.start(["sh", "-c", "echo on; sleep 0.2; exit 7"], "--timeout", "1500ms")
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        time.sleep(2)
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 7)
        self.assertEqual(self.final()["reason"], "ExitCode")

    def test_others_are_forwarded(self):
        process = self.start(["sh", "-c", "trap 'echo usr2; exit 0' USR2; echo ready; while :; do sleep 0.05; done"])
        process.stdout.readline()
        process.send_signal(signal.SIGUSR2)
        out, _ = process.communicate(timeout=20)
        self.assertEqual(out, b"usr2\n")
        self.assertEqual(process.returncode, 0)

    def test_stopped_group_hears_term(self):
        process = self.start(["sh", "-c", "echo $$; exec sleep 60"])
        child = int(process.stdout.readline())
        os.kill(child, signal.SIGSTOP)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 143)


class Processes(LauncherTest):
    def children(self, pid):
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            return [int(one) for one in file.read().split()]

    def test_orphans_are_reaped(self):
        process = self.start(["sh", "-c", "for i in 1 2 3 4 5; do (sh -c 'sleep 0.1' &) ; done; echo on; sleep 2"])
        process.stdout.readline()
        self.wait_for(lambda: len(self.children(process.pid)) == 1, 5)  # all orphans gone, none a zombie
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)

    def test_leftovers_die(self):
        script = "setsid sleep 300 & echo $!; sleep 300 & echo $!; exit 0"
        begin = time.monotonic()
        returned, out, _ = self.run_launcher(["sh", "-c", script])
        self.assertEqual(returned, 0)
        self.assertLess(time.monotonic() - begin, 5)
        for pid in out.split():
            self.assertFalse(os.path.exists("/proc/%d" % int(pid)), "a left-behind process lives on")

    def test_leftovers_are_asked_first(self):
        mark = self.path("mark")
        left = "trap 'echo asked > %s; exit 0' TERM; echo on; while :; do sleep 0.05; done" % mark
        returned, _, _ = self.run_launcher(["sh", "-c", 'setsid sh -c "%s" & sleep 0.5; exit 0' % left])
        self.assertEqual(returned, 0)
        self.assertTrue(os.path.exists(mark))

    def pid_1(self, script, *options):
        """The launcher as PID 1 of a pid namespace: the process that started it, and its pid out here."""
        command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", LAUNCHER, "run", "--termination-log",
                   self.termination_log, *options, "--", "sh", "-c", script]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: (process.poll() is None and process.kill(), process.communicate()))
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process, self.children(process.pid)[0]

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "needs root to be PID 1")
    def test_a_stopsignal_of_the_image_stops(self):
        """Whatever it is: it comes from outside of the pod's processes, as the kubelet's does."""
        for number in (signal.SIGQUIT, signal.SIGUSR1, signal.SIGWINCH, signal.SIGRTMIN + 3):
            process, pid = self.pid_1("echo ready; exec sleep 60")
            os.kill(pid, number)
            process.communicate(timeout=20)
            self.assertEqual(self.final()["reason"], "Stopped", number)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "needs root to be PID 1")
    def test_a_signal_from_inside_is_forwarded(self):
        process, _ = self.pid_1("trap 'echo usr1; exit 0' USR1; echo ready; kill -USR1 1; while :; do sleep 0.05; done")
        out, _ = process.communicate(timeout=20)
        self.assertEqual(out, b"usr1\n")
        self.assertEqual(self.final()["exitCode"], 0)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "needs root to be PID 1")
    def test_as_pid_1(self):
        script = "setsid sh -c 'sleep 300' & (sh -c 'sleep 0.1' &); sleep 0.3; ps -e -o stat= | grep -c Z; exit 9"
        process = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", LAUNCHER, "run", "--termination-log",
                                  self.termination_log, "--", "sh", "-c", script], capture_output=True, timeout=30)
        self.assertEqual(process.returncode, 9, process.stderr)
        self.assertEqual(process.stdout, b"0\n")
        self.assertEqual(self.final()["exitCode"], 9)


class Output(LauncherTest):
    def pump(self, command, *options):
        """Runs, hashing both streams; returns (code, hash of stdout, size, peak rss, seconds)."""
        process = self.start(command, *options, stderr=subprocess.DEVNULL)
        digest, size, peak, begin = hashlib.sha256(), 0, 0, time.monotonic()
        while True:
            data = process.stdout.read1(MEGABYTE)
            if not data:
                break
            digest.update(data)
            if size >> 24 != (size + len(data)) >> 24:
                peak = max(peak, status_kb(process.pid, "VmHWM"))
            size += len(data)
        process.wait(timeout=30)
        return process.returncode, digest.hexdigest(), size, peak, time.monotonic() - begin

    def check_rss(self, peak):
        if not SANITIZED:
            self.assertLess(peak, RSS_LIMIT_KB)

    def test_200_megabytes_are_identical(self):
        # log lines as Spark writes them, with bytes that are no UTF-8 in between
        piece = b"".join(b"26/11/20 10:00:%02d INFO TaskSetManager: Finished task %d.0 in stage 0.0 (TID %d) in 12 ms on h "
                         b"(executor 1) (%d/4096) \xff\x00\n" % (i % 60, i, i, i) for i in range(8192))
        count = 200 * MEGABYTE // len(piece)
        with open(self.path("piece"), "wb") as file:
            file.write(piece)
        script = "import sys\np = open(%r, 'rb').read()\nfor i in range(%d): sys.stdout.buffer.write(p)" % (
            self.path("piece"), count)
        expected = hashlib.sha256()
        for _ in range(count):
            expected.update(piece)
        code, digest, size, peak, seconds = self.pump([sys.executable, "-c", script], "--kind", "sparkSubmit")
        print("passed %d MB in %.2f s: %.0f MB/s, peak RSS %d kB" % (size >> 20, seconds, size / seconds / 1e6, peak),
              file=sys.stderr)
        self.assertEqual(code, 0)
        self.assertEqual(digest, expected.hexdigest())
        self.check_rss(peak)
        self.assertEqual(self.record()["progress"], {"percent": 100})

    def test_line_of_100_megabytes(self):
        script = "import sys\nfor i in range(100): sys.stdout.buffer.write(b'x' * %d)" % MEGABYTE
        code, digest, size, peak, _ = self.pump([sys.executable, "-c", script], "--kind", "sparkSubmit")
        self.assertEqual((code, size), (0, 100 * MEGABYTE))
        self.assertEqual(digest, hashlib.sha256(b"x" * (100 * MEGABYTE)).hexdigest())
        self.check_rss(peak)

    def test_random_bytes(self):
        data = os.urandom(3 * MEGABYTE + 17)
        with open(self.path("data"), "wb") as file:
            file.write(data)
        returned, out, err = self.run_launcher(["sh", "-c", "cat %s; cat %s >&2" % (self.path("data"), self.path("data"))],
                                               "--kind", "hadoopStreaming")
        self.assertEqual(returned, 0)
        self.assertEqual(out, data)
        self.assertEqual(err, data)

    def test_slow_reader_loses_nothing(self):
        script = "import sys\nfor i in range(200000): print(i)"
        process = self.start([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
        time.sleep(1)  # the pipe is full now, and the task blocked
        self.assertIsNone(process.poll())
        out = process.stdout.read()
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertEqual(out, b"".join(b"%d\n" % i for i in range(200000)))

    def test_nobody_reads(self):
        process = self.start(["sh", "-c", "yes | head -c 1000000; exit 4"])
        process.stdout.close()
        self.assertEqual(process.wait(timeout=20), 4)

    def test_last_line_without_newline_is_seen(self):
        returned, out, _ = self.run_launcher(
            ["sh", "-c", "printf 'INFO impl.YarnClientImpl: Submitted application application_1700000000000_0042'"],
            "--kind", "hadoopJar")
        self.assertEqual(returned, 0)
        self.assertEqual(self.record()["applicationID"], "application_1700000000000_0042")

    def test_order_within_a_stream_and_live(self):
        process = self.start(["sh", "-c", "echo one; sleep 0.5; echo two"])
        begin = time.monotonic()
        self.assertEqual(process.stdout.readline(), b"one\n")
        self.assertLess(time.monotonic() - begin, 0.45)
        self.assertEqual(process.stdout.readline(), b"two\n")

    def test_idle_memory(self):
        process = self.start(["sleep", "1"])
        time.sleep(0.5)
        if not SANITIZED:
            idle = status_kb(process.pid, "VmRSS")
            print("idle RSS %d kB" % idle, file=sys.stderr)
            self.assertLess(idle, 4096)
        process.wait(timeout=20)


class Copy(LauncherTest):
    def test_copies_itself(self):
        subprocess.run([LAUNCHER, "copy", self.directory], check=True)
        target = self.path("weir-launcher")
        self.assertEqual(os.stat(target).st_mode & 0o777, 0o755)
        with open(target, "rb") as a, open(LAUNCHER, "rb") as b:
            self.assertEqual(hashlib.sha256(a.read()).digest(), hashlib.sha256(b.read()).digest())
        self.assertEqual(os.listdir(self.directory), ["weir-launcher"])
        version = subprocess.run([target, "--version"], capture_output=True, check=True).stdout
        self.assertRegex(version, rb"^weir-launcher \d+\.\d+\.\d+\n$")

    def test_no_such_directory(self):
        process = subprocess.run([LAUNCHER, "copy", self.path("nope")], capture_output=True)
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"nope", process.stderr)


@unittest.skipIf(SANITIZED, "a sanitizer's runtime is not static")
class Static(LauncherTest):
    def test_needs_nothing_of_the_image(self):
        headers = subprocess.run(["readelf", "-lW", LAUNCHER], capture_output=True, check=True).stdout
        self.assertNotIn(b"INTERP", headers)

    def test_size(self):
        stripped = self.path("stripped")
        subprocess.run(["strip", "-o", stripped, LAUNCHER], check=True)
        self.assertLess(os.path.getsize(stripped), 6 * 1000 * 1000)


if __name__ == "__main__":
    unittest.main()
