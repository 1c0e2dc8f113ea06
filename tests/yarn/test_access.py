"""Who may see and end an application, as each kind of ResourceManager answers: by REST, or by YARN's command line."""

import sys
import time
import unittest

from bed import SANITIZED, SLOW, BedTest, elapsed, status_kb


class Access(BedTest):
    """The rows of a table: what `stop` does as the application's user, as another one, and without a ticket."""

    def ends(self, *options, env=None, app=None):
        app = app or self.submit()
        code, final, err = self.stop(*options, env=env)
        self.assertEqual(code, 0, err)
        self.assertEqual(final["message"], app + " was killed")
        self.assertEqual(self.bed.apps(self.tag), {app: "KILLED"})

    def refuses(self, env, *options, word="bob", app=None):
        """It says why, and that something is left; the application lives."""
        app = app or self.submit()
        since = time.monotonic()
        code, final, err = self.stop(*options, env=env, timeout="40s")
        self.assertLess(elapsed(since), 60, err)
        self.assertEqual(code, 1, err)
        self.assertEqual(final["reason"], "CleanupFailed")
        self.assertIn(app + " may still run", final["message"])
        self.assertIn(word, final["message"])
        self.assertEqual(self.bed.living(self.tag), [app])
        return app


class Memory(Access):
    def followed(self, env):
        """The most that the launcher needs of it, in kB."""
        process = self.launch(self.bed.app(self.tag, 20, "SUCCEEDED", "leave"), "--kind", "hadoopJar", "--verdict", "remote",
                              env=env)
        most = 0
        while process.poll() is None:
            most = max(most, status_kb(process.pid, "VmHWM"))
            time.sleep(0.2)
        self.assertEqual((process.returncode, self.bed.apps(self.tag)), (0, {self.record()["applicationID"]: "FINISHED"}))
        print("%s: %d kB" % (self.id(), most), file=sys.stderr)
        if not SANITIZED:
            self.assertLess(most, 8 * 1024)


class Unsecured(Memory):
    """yarn.acl.enable: the user is who user.name= says."""

    VARIANTS = ("simple", "anonymous", "plain")

    def like(self, *variants):
        if self.bed.variants != variants:
            self.bed.configure(*variants)
            self.bed.restart("rm")
            self.bed.run("wait", "nm")

    def row(self, *variants):
        self.like(*variants)
        app = self.refuses(self.bed.env("bob"))
        self.ends(app=app)

    def test_defaults(self):
        self.row("simple", "anonymous", "plain")

    def test_authentication_filter(self):
        self.row("simple", "anonymous")

    def test_authentication_filter_refuses_anonymous(self):
        self.row("simple")

    def test_memory(self):
        self.like("simple", "anonymous", "plain")
        self.followed(self.bed.env())

    def test_nothing_was_left(self):
        code, final, err = self.stop()
        self.assertEqual((code, final["message"]), (0, "nothing was left"), err)


class Https(Memory):
    """No certificate authority of the system's: SSL_CERT_FILE names it."""

    VARIANTS = ("simple", "anonymous", "plain", "https")

    def trusting(self):
        return dict(self.bed.env(), SSL_CERT_FILE=self.bed.path("tls", "ca.crt"))

    def test_trusted(self):
        self.ends(env=self.trusting())

    def test_memory(self):
        self.followed(self.trusting())

    def test_not_trusted(self):
        app = self.submit()
        code, final, err = self.stop("--application", app, timeout="5s")
        self.assertEqual((code, final["reason"]), (1, "CleanupFailed"), err)
        self.assertIn("certificate", final["message"])
        self.ends(env=self.trusting(), app=app)

    def test_followed(self):
        process = self.launch(self.bed.app(self.tag, 5, "FAILED"), "--kind", "hadoopJar", "--verdict", "remote",
                              env=self.trusting())
        code, _, err = self.finish(process)
        self.assertEqual((code, self.final()["reason"]), (1, "YarnFailed"), err)
        self.assertIn("https://localhost:8090/", self.record()["historyURL"])


class Ticket(Access):
    def kerberos(self, user="alice"):
        return "--kerberos", self.bed.secret(user)

    def row(self):
        app = self.refuses(self.bed.env(), *self.kerberos("bob"))
        self.refuses(self.bed.env(), "--application", app, word="ticket", app=app)
        self.ends(*self.kerberos(), app=app)

    def test_hadoop_jars(self):
        self.row()

    def test_spark_jars(self):
        self.ends(*self.kerberos(), env=self.bed.env(home="SPARK_HOME"))

    def test_ticket_of_the_environment(self):
        self.ends(env=dict(self.bed.env(), **self.bed.ticket("alice")))


class KerberosRpc(Ticket):
    """Web pages without SPNEGO: anybody may look, nobody may kill but by RPC."""

    VARIANTS = ("plain",)


class Spnego(Ticket):
    """Web pages want a ticket too: all by RPC."""

    VARIANTS = ()

    def test_no_client_in_the_image(self):
        app = self.submit()
        env = {"HADOOP_CONF_DIR": self.bed.path("conf"), "HADOOP_HOME": "/none", "SPARK_HOME": "/none"}
        code, final, err = self.stop("--application", app, env=env, timeout="20s")
        self.assertEqual((code, final["reason"]), (1, "CleanupFailed"), err)
        self.assertIn("YARN's own client in the image and a ticket", final["message"])

    def test_followed(self):
        process = self.launch(self.bed.app(self.tag, 20, "FAILED"), "--kind", "hadoopJar", "--verdict", "remote",
                              *self.kerberos())
        code, _, err = self.finish(process, SLOW * 2)
        self.assertEqual((code, self.final()["reason"]), (1, "YarnFailed"), err)
        self.assertIn("it was told to fail", self.final()["message"])

    def test_next_attempt(self):
        app = self.submit()
        process = self.launch(["date", "+%s.%N"], "--attempt", "2", "--kind", "hadoopJar", *self.kerberos())
        code, began, err = self.finish(process, SLOW * 2)
        self.assertEqual(code, 0, err)
        self.assertLess(self.bed.ended_at(app), float(began))


if __name__ == "__main__":
    unittest.main()
