"""A ticket from a mounted keytab: got before the command starts, for it and for what is asked, and never let end."""

import os
import threading
import unittest

from bed import BedTest


class Keytab(BedTest):
    """Without Hadoop: kinit, and who reads the cache."""

    HADOOP = False

    def run_with(self, directory, command, env=None):
        process = self.start(["sh", "-c", command], "--kerberos", directory, env=env or self.bed.env())
        code, out, err = self.finish(process)
        return code, out.split("\n"), err

    def test_the_command_has_a_ticket(self):
        command = "klist; echo $KRB5CCNAME; echo $HADOOP_OPTS; echo $SPARK_SUBMIT_OPTS"
        code, out, err = self.run_with(self.bed.secret("alice"), command)
        self.assertEqual(code, 0, err)
        self.assertIn("Default principal: alice@WEIR.TEST", out)
        self.assertEqual(out[-3], "-Djava.security.krb5.conf=%s/krb5.conf" % self.bed.path("secret-alice"))
        self.assertEqual(out[-2], out[-3])
        self.assertTrue(out[-4].startswith("FILE:/"))
        self.assertFalse(os.path.exists(out[-4][5:]), "the ticket outlives the task")

    def test_it_never_ends(self):
        """Tickets of 16 s, which nobody can renew."""
        command = "for i in $(seq 40); do klist -s || exit 3; sleep 0.5; done; klist"
        code, out, err = self.run_with(self.bed.secret("dave"), command)
        self.assertEqual(code, 0, err)
        self.assertIn("Default principal: dave@WEIR.TEST", out)

    def test_the_kdc_is_away_for_a_while(self):
        self.bed.run("stop", "kdc")
        timer = threading.Timer(4, self.bed.run, ("start", "kdc"))
        timer.start()
        self.addCleanup(timer.join)
        code, _, err = self.run_with(self.bed.secret("alice"), "klist -s")
        self.assertEqual(code, 0, err)

    def refused(self, directory, *words, env=None):
        code, out, err = self.run_with(directory, "echo started", env=env)
        self.assertEqual((code, out), (1, [""]), err)
        self.assertEqual(self.final()["reason"], "StartFailed")
        for word in words:
            self.assertIn(word, self.final()["message"])

    def test_another_ones_keytab(self):
        directory = self.bed.secret("bob", principal="alice@WEIR.TEST")
        self.refused(directory, "kerberos: no ticket for alice@WEIR.TEST: kinit: ", "no suitable keys")

    def test_unknown_principal(self):
        directory = self.bed.secret("alice", principal="nobody@WEIR.TEST")
        self.refused(directory, "kerberos: no ticket for nobody@WEIR.TEST: kinit: ")

    def test_no_kinit_in_the_image(self):
        os.makedirs(self.path("bin"))
        os.symlink("/bin/sh", self.path("bin/sh"))
        self.refused(self.bed.secret("alice"), "the image has no kinit", env=dict(self.bed.env(), PATH=self.path("bin")))


class Following(BedTest):
    """Web pages without SPNEGO, so that it can be asked without a ticket; tickets of 60 s, which Java cannot renew."""

    VARIANTS = ("plain",)
    SKEW = 2
    # each question needs a connection of its own, and none is tried for long
    CONF = ("spark.yarn.report.interval=15s",
            "spark.hadoop.yarn.resourcemanager.connect.max-wait.ms=3000",
            "spark.hadoop.yarn.resourcemanager.connect.retry-interval.ms=1000")

    def spark(self, seconds, *options, env=None):
        process = self.launch(self.bed.spark(self.tag, seconds, conf=self.CONF), "--kind", "sparkSubmit", "--verdict", "remote",
                              *options, env=dict(self.bed.env(), **(env or {})))
        return self.finish(process, 300)

    def test_longer_than_the_ticket(self):
        code, _, err = self.spark(80, "--kerberos", self.bed.secret("carol"))
        self.assertEqual(code, 0, err)
        self.assertNotIn("Failed to contact YARN", err)
        self.assertEqual(self.final().get("message", ""), "")

    def test_the_client_cannot_ask_any_more(self):
        """Its word is not taken: YARN's is."""
        env = self.bed.ticket("carol")
        env["SPARK_SUBMIT_OPTS"] = env["HADOOP_OPTS"]
        code, _, err = self.spark(80, env=env)
        self.assertIn("Failed to contact YARN", err)
        self.assertEqual(code, 0, err)
        self.assertIn("exited with 1, but YARN says", self.final()["message"])


if __name__ == "__main__":
    unittest.main()
