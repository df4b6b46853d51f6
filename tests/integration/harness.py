"""The stack: the real programs against real servers, one set per test.

    def test_something(stack, provider, pages):
        stack.start("ingest")
        stack.start("worker", SHOTFLEET_WORKER_PROCESSES=2)
        job = stack.queue(pages.url + "/fine")
        stack.wait_for_job(job, "completed")
"""

import os
import re
import secrets
import signal
import subprocess

import psycopg2
import psycopg2.extras

from processes import (children, descendants, describe, free_port, kill_tree,
                       reap_adopted, wait_for)
from web import request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("SHOTFLEET_BIN", os.path.join(ROOT, "build", "dev", "bin"))

# A sanitizer's last words, and an assertion's.
BROKEN = re.compile(r"Sanitizer|runtime error:|Assertion .* failed")

START_S = 60
STOP_S = 30


class Program:
    def __init__(self, name, process, admin_url, log):
        self.name = name
        self.process = process
        self.admin_url = admin_url
        self.log = log  # path

    def log_text(self):
        with open(self.log, errors="replace") as f:
            return f.read()


class Stack:
    """One database, one empty Redis, and the programs that a test starts.

    `env` is the environment of every program; change it before start().
    """

    def __init__(self, folder, redis_server, postgres_server):
        self.folder = str(folder)
        self.redis_server = redis_server
        self.postgres_server = postgres_server
        self.redis = redis_server.client
        self.database = "t_" + secrets.token_hex(6)
        self.programs = {}
        self.retired = []  # stopped or killed; their logs still count
        self.key = secrets.token_hex(16)
        self.webhook_secret = "test_" + secrets.token_hex(16)
        self.ports = {n: free_port() for n in ("ingest", "api", "capture")}
        self.ingest_url = f"http://127.0.0.1:{self.ports['ingest']}"
        self.api_url = f"http://127.0.0.1:{self.ports['api']}"
        self.capture_url = f"http://127.0.0.1:{self.ports['capture']}"
        self.storage = os.path.join(self.folder, "storage")
        self.env = self._environment()
        self._connection = None

    def _environment(self):
        inherited = {n: v for n, v in os.environ.items()
                     if n in ("PATH", "HOME", "LANG", "TMPDIR")}
        return {
            **inherited,
            "DATABASE_URL": self.postgres_server.url(self.database),
            "REDIS_URL": self.redis_server.url,
            "SHOTFLEET_STORAGE": f"file://{self.storage}",
            "SHOTFLEET_PROVIDERS_DIR": os.path.join(ROOT, "providers"),
            "SHOTFLEET_PROVIDER_URL": self.capture_url,
            "SHOTFLEET_PROVIDER_KEY": self.key,
            "SHOTFLEET_WEBHOOK_URL": self.ingest_url,
            "SHOTFLEET_WEBHOOK_SECRETS": self.webhook_secret,
            "SHOTFLEET_INGEST_LISTEN": f"127.0.0.1:{self.ports['ingest']}",
            "SHOTFLEET_API_LISTEN": f"127.0.0.1:{self.ports['api']}",
            "SHOTFLEET_API_URL": self.api_url,
            "SHOTFLEET_CAPTURE_LISTEN": f"127.0.0.1:{self.ports['capture']}",
            "SHOTFLEET_CAPTURE_KEYS": self.key,
            "SHOTFLEET_CAPTURE_DIR": os.path.join(self.folder, "capture"),
            "SHOTFLEET_FETCH_ALLOW": "127.0.0.1/32",
            "SHOTFLEET_INGEST_PROCESSES": "1",
            "SHOTFLEET_WORKER_PROCESSES": "2",
            "ASAN_OPTIONS": "abort_on_error=1:detect_leaks=1",
            "UBSAN_OPTIONS": "abort_on_error=1:print_stacktrace=1",
        }

    # life

    def set_up(self):
        os.makedirs(self.storage)
        os.makedirs(self.env["SHOTFLEET_CAPTURE_DIR"])
        self.redis.flushall()
        self.postgres_server.create(self.database)
        self.cli("migrate", check=True)

    def tear_down(self):
        """Stops everything; returns what was wrong, in words."""
        wrong = []
        for name in list(self.programs):
            try:
                self.stop(name)
            except AssertionError as error:
                wrong.append(str(error))
        if self._connection:
            self._connection.close()
        wrong += self._leftovers()
        for program in self.retired:
            if BROKEN.search(program.log_text()):
                wrong.append(f"{program.name} broke, see {program.log}")
        if self.postgres_server.process:
            self.postgres_server.drop(self.database)
        return list(dict.fromkeys(wrong))

    def strays(self):
        """Processes below this one that are not the servers."""
        servers = [s.process.pid for s in (self.redis_server, self.postgres_server)
                   if s.process]
        reap_adopted(servers)
        return {p: describe(p) for child in children(os.getpid())
                if child not in servers for p in [child] + descendants(child)}

    def _leftovers(self):
        try:
            wait_for(lambda: not self.strays(), 10, "every process to end")
            return []
        except AssertionError:
            strays = self.strays()
            for pid in strays:
                kill_tree(pid)
            return ["left behind: " + ", ".join(strays.values())]

    # programs

    def start(self, name, instance=None, wait=True, **env):
        """Starts shotfleet-`name` and waits until it is ready."""
        instance = instance or name
        assert instance not in self.programs, f"{instance} runs already"
        admin = f"127.0.0.1:{free_port()}"
        values = {**self.env, "SHOTFLEET_ADMIN_LISTEN": admin,
                  **{n: str(v) for n, v in env.items()}}
        log = os.path.join(self.folder, f"{instance}.log")
        with open(log, "ab") as output:
            process = subprocess.Popen(
                [os.path.join(BIN, f"shotfleet-{name}")], env=values,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True)
        program = Program(instance, process, f"http://{admin}", log)
        self.programs[instance] = program
        if wait:
            self.wait_ready(instance)
        return program

    def start_all(self, *names):
        names = names or ("capture", "ingest", "worker", "poller", "api")
        for name in names:
            self.start(name, wait=False)
        for name in names:
            self.wait_ready(name)

    def wait_ready(self, instance):
        program = self.programs[instance]

        def ready():
            code = program.process.poll()
            assert code is None, (f"{instance} ended with {code}:\n"
                                  f"{program.log_text()[-4000:]}")
            try:
                return request("GET", program.admin_url + "/readyz").status == 200
            except OSError:
                return False

        wait_for(ready, START_S, f"{instance} to be ready")

    def stop(self, instance):
        """SIGTERM; it has to end by itself, with exit code 0."""
        program = self._retire(instance)
        program.process.terminate()
        try:
            code = program.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            kill_tree(program.process.pid)
            program.process.wait(90)
            raise AssertionError(f"{instance} did not stop within {STOP_S} s")
        assert code == 0, f"{instance} ended with {code} after SIGTERM"

    def kill(self, instance, signo=signal.SIGKILL, child=None):
        """Sends `signo` to a program: to its parent process, or to the child
        with that index (oldest first).  Returns the pid."""
        program = self.programs[instance]
        if child is None:
            program = self._retire(instance)
            program.process.send_signal(signo)
            program.process.wait(STOP_S)
            return program.process.pid
        pid = self.children(instance)[child]
        os.kill(pid, signo)
        return pid

    def children(self, instance):
        return children(self.programs[instance].process.pid)

    def _retire(self, instance):
        program = self.programs.pop(instance)
        self.retired.append(program)
        return program

    def log(self, instance):
        """All that instances of this name have logged so far."""
        with open(os.path.join(self.folder, f"{instance}.log"),
                  errors="replace") as f:
            return f.read()

    def logs(self):
        """(name, text) of every program that was started."""
        for program in [*self.retired, *self.programs.values()]:
            yield program.name, program.log_text()

    def cli(self, *args, check=False, timeout_s=60, **env):
        """Runs `shotfleet ARGS`; returns subprocess.CompletedProcess."""
        values = {**self.env, **{n: str(v) for n, v in env.items()}}
        done = subprocess.run([os.path.join(BIN, "shotfleet"), *args],
                              env=values, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout_s)
        assert not BROKEN.search(done.stderr), done.stderr
        if check:
            assert done.returncode == 0, f"shotfleet {args}: {done.stderr}"
        return done

    # asking and doing

    def api(self, method, path, body=None, headers=None, **options):
        return request(method, self.api_url + path, body, headers, **options)

    def metrics(self, instance):
        """{'name{labels}': value} from /metrics."""
        text = request("GET", self.programs[instance].admin_url + "/metrics")
        lines = [line.rsplit(" ", 1) for line in text.body.decode().splitlines()
                 if line and not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    def metrics_or_none(self, instance):
        """metrics(), or None while the program does not answer."""
        try:
            return self.metrics(instance)
        except OSError:
            return None

    def sql(self, query, *params):
        """Rows (named tuples), or [] for a statement without any."""
        if not self._connection or self._connection.closed:
            self._connection = psycopg2.connect(
                self.env["DATABASE_URL"],
                cursor_factory=psycopg2.extras.NamedTupleCursor)
            self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute(query, params or None)
            return cursor.fetchall() if cursor.description else []

    def queue(self, url, **options):
        """Submits a capture by SQL; returns the job's id."""
        rows = self.sql("select submit_capture(%s, %s::jsonb)::text", url,
                        psycopg2.extras.Json(options))
        return rows[0][0]

    def job(self, job_id):
        rows = self.sql("select * from jobs where id = %s::uuid", job_id)
        return rows[0] if rows else None

    def wait_for_job(self, job_id, status, timeout_s=30):
        """Waits until the job has ended (or reached `status`), and insists."""
        final = ("completed", "failed", "cancelled", status)
        row = wait_for(lambda: (r := self.job(job_id)) and r.status in final and r,
                       timeout_s, f"job {job_id} to be {status}")
        assert row.status == status, f"job is {row.status}: {row.error}"
        return row
