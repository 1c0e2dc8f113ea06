"""A real cluster for a class of tests (see hadoop.sh), and the launcher against it."""

import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "launcher"))

from support import LAUNCHER, SANITIZED, LauncherTest, status_kb  # noqa: E402, F401

CACHE = os.environ.get("WEIR_CACHE", os.path.expanduser("~/.cache/weir"))
HADOOP, SPARK = os.path.join(CACHE, "hadoop"), os.path.join(CACHE, "spark")
JAVA = ["java", "-XX:-UsePerfData", "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
SLOW = 90  # seconds for what takes 10 on an idle machine


class Bed:
    """Started with a configuration; `run`, `kill` and such are those of hadoop.sh."""

    def __init__(self, *variants, skew=300, hadoop=True):
        self.directory = tempfile.mkdtemp(prefix="weir-yarn-")
        self.skew = skew
        self.run("make")
        self.configure(*variants)
        if not self.simple:
            self.run("start", "kdc")
        if hadoop:
            self.run("start", "hdfs", "rm", "nm")
            self.run("wait")

    def configure(self, *variants):
        self.variants, self.simple = variants, "simple" in variants
        self.url = "https://localhost:8090" if "https" in variants else "http://localhost:8088"
        self.run("conf", *variants)

    def run(self, *arguments):
        env = dict(os.environ, DIR=self.directory, TICKET_SKEW=str(self.skew))
        # nothing is inherited: a daemon that held a pipe would be waited for
        subprocess.run([os.path.join(HERE, "hadoop.sh"), *arguments], check=True, env=env, stdin=subprocess.DEVNULL)

    def restart(self, *names):
        self.run("stop", *names)
        self.run("start", *names)
        self.run("wait", *names)

    def close(self):
        self.run("stop")
        if os.environ.get("WEIR_TEST_KEEP"):
            print("kept:", self.directory, file=sys.stderr)
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def env(self, user="alice", home="HADOOP_HOME"):
        """Of a task's process: as in an image that has Hadoop (or only Spark), and a mounted configuration."""
        env = {"HADOOP_CONF_DIR": self.path("conf"), "SPARK_CONF_DIR": self.path("spark-conf"),
               home: HADOOP if home == "HADOOP_HOME" else SPARK}
        return dict(env, HADOOP_USER_NAME=user) if self.simple else env

    def ticket(self, user):
        """The variables of one who has called kinit."""
        cache = self.path("ticket-" + user)
        env = {"KRB5CCNAME": "FILE:" + cache, "KRB5_CONFIG": self.path("krb5.conf"),
               "HADOOP_OPTS": "-Djava.security.krb5.conf=" + self.path("krb5.conf")}
        subprocess.run(["kinit", "-k", "-t", self.path(user + ".keytab"), user], check=True, env=dict(os.environ, **env))
        return env

    def secret(self, user, **files):
        """The directory of a mounted Secret."""
        directory = self.path("secret-" + user)
        os.makedirs(directory, exist_ok=True)
        shutil.copy(self.path(user + ".keytab"), os.path.join(directory, "keytab"))
        shutil.copy(self.path("krb5.conf"), directory)
        for name, text in dict({"principal": user + "@WEIR.TEST\n"}, **files).items():
            with open(os.path.join(directory, name), "w") as file:
                file.write(text)
        return directory

    def get(self, path):
        """What the ResourceManager's web says to alice; None: it says nothing."""
        path += ("&" if "?" in path else "?") + "user.name=alice" if self.simple else ""
        env = dict(os.environ) if self.simple else dict(os.environ, **self.ticket("alice"))
        done = subprocess.run(["curl", "--silent", "--fail", "--max-time", "5", "--negotiate", "--user", ":", "--cacert",
                               self.path("tls", "ca.crt"), self.url + "/ws/v1/cluster/" + path], env=env, capture_output=True)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def apps(self, tag):
        """{id: state}"""
        answer = self.get("apps?applicationTags=" + tag)
        return {app["id"]: app["state"] for app in ((answer or {}).get("apps") or {}).get("app", [])}

    def ended_at(self, app):
        """Seconds since 1970; 0: it lives."""
        return self.get("apps/" + app)["app"]["finishedTime"] / 1000

    def living(self, tag):
        return [one for one, state in self.apps(tag).items() if state not in ("FINISHED", "FAILED", "KILLED")]

    def put(self, name, text):
        """A file of HDFS."""
        fs = [*JAVA, "-cp", self.path("conf") + ":" + HADOOP + "/lib/*", "org.apache.hadoop.fs.FsShell", "-put", "-", name]
        subprocess.run(fs, input=text.encode(), env=dict(os.environ, **self.env()), check=True, capture_output=True)

    # commands

    def hadoop_jar(self, jar, *arguments):
        """As the script of that name: the configuration is that of the process's environment."""
        script = 'exec %s -cp "$HADOOP_CONF_DIR:%s/lib/*" org.apache.hadoop.util.RunJar "$@"' % (" ".join(JAVA), HADOOP)
        return ["sh", "-c", script, "hadoop", jar, *arguments]

    def streaming(self, *arguments):
        jar, = glob.glob(HADOOP + "/lib/hadoop-streaming-*.jar")
        return self.hadoop_jar(jar, *arguments)

    def app(self, tag, seconds, *more):
        """The smallest real application; logs to standard error as all clients do."""
        option = [] if self.simple else ["-Djava.security.krb5.conf=" + self.path("krb5.conf")]
        classpath = ":".join([self.path("conf"), self.path("programs", "classes"), HADOOP + "/lib/*"])
        return [*JAVA, *option, "-cp", classpath, "App", "submit", tag, str(seconds), *more]

    def spark(self, tag, seconds, *more, conf=()):
        settings = ["spark.yarn.tags=" + tag, "spark.dynamicAllocation.enabled=true", "spark.executor.instances=0",
                    "spark.dynamicAllocation.minExecutors=0", "spark.yarn.submit.waitAppCompletion=true", *conf]
        options = [part for one in settings for part in ("--conf", one)]
        return [SPARK + "/bin/spark-submit", "--master", "yarn", "--deploy-mode", "cluster", *options, "--class", "SparkApp",
                self.path("programs", "spark-app.jar"), str(seconds), *more]


class BedTest(LauncherTest):
    """Each class has a cluster of its own: VARIANTS of its configuration."""

    VARIANTS = ()
    SKEW = 300
    HADOOP = True  # else only Kerberos

    @classmethod
    def setUpClass(cls):
        cls.bed = Bed(*cls.VARIANTS, skew=cls.SKEW, hadoop=cls.HADOOP)
        cls.addClassCleanup(cls.bed.close)

    def setUp(self):
        super().setUp()
        self.tag = "weir-0f0e-" + self.id().split(".")[-1].replace("_", "-").lower()

    def wait_for(self, what, seconds=SLOW):
        return super().wait_for(what, seconds)

    def launch(self, command, *options, tag=None, **more):
        """The launcher with this command, of this test's task."""
        more.setdefault("env", self.bed.env())
        return self.start(command, "--remote", "yarn", "--tag", tag or self.tag, *options, **more)

    def finish(self, process, seconds=SLOW):
        out, err = process.communicate(timeout=seconds)
        return process.returncode, out.decode(), err.decode()

    def running(self, tag=None, state="RUNNING"):
        """The id of the task's application once it is in that state."""
        def look():
            return [one for one, now in self.bed.apps(tag or self.tag).items() if now == state]
        return self.wait_for(look)[0]

    def stop(self, *options, timeout="60s", env=None, tag=None):
        """`weir-launcher stop`: exit code and final record."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("WEIR_", "HADOOP_", "YARN_"))}
        environment.update(env or self.bed.env())
        log = self.path("stop-log")
        done = subprocess.run([LAUNCHER, "stop", "--remote", "yarn", "--tag", tag or self.tag, "--timeout", timeout,
                               "--termination-log", log, *options], env=environment, capture_output=True, timeout=SLOW * 2)
        with open(log) as file:
            final = json.load(file)["final"]
        return done.returncode, final, done.stderr.decode()

    def submit(self, seconds=600, user="alice", tag=None):
        """An application that nobody follows: its id, running."""
        env = dict(os.environ, **self.bed.env(user))
        if not self.bed.simple:
            env.update(self.bed.ticket(user))
        subprocess.run(self.bed.app(tag or self.tag, seconds, "SUCCEEDED", "leave"), env=env, check=True, capture_output=True,
                       timeout=SLOW)
        return self.running(tag)


def elapsed(since):
    return time.monotonic() - since
