"""A stack in Docker Compose as the subject of a torture run: docker-compose.yml and
the compose.yml beside this file, up and without a capture so far."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import urllib.parse

import redis

from faults import AWAY_S, SPOILT_S, STOPPED_S, Faults
from outside import Outside
from processes import wait_for
from web import request
from world import World

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FILES = ["docker-compose.yml", "tests/torture/compose.yml"]
PROGRAMS = ("ingest", "worker", "poller", "api")
STORES = ("redis", "postgres")
SECRETS = "/var/lib/shotfleet-secrets"
STORAGE = "/var/lib/shotfleet"
KILLED = 128 + 9
# "pid ppid name" of each process in a container, with nothing but a shell
PROCESSES = """for f in /proc/[0-9]*/stat; do { read -r pid name _ ppid _ < "$f"; } 2>/dev/null &&
    echo "$pid $ppid $name"; done"""


@contextlib.contextmanager
def compose_world(project, seed):
    world = ComposeWorld(project, seed)
    try:
        yield world
    finally:
        world.tear_down()


class Compose:
    def __init__(self, project):
        self.project = project
        self.command = ["docker", "compose", "--project-directory", ROOT,
                        *(["-p", project] if project else []),
                        *(word for name in FILES for word in ("-f", os.path.join(ROOT, name)))]

    def run(self, *args, check=True):
        """What it printed."""
        done = subprocess.run([*self.command, *args], stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=120)
        if check and done.returncode != 0:
            raise RuntimeError(f"docker compose {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def exec(self, service, *args, check=True):
        return self.run("exec", "-T", service, *args, check=check)

    def port(self, service, port):
        """host:port at which this machine reaches it."""
        return self.run("port", service, str(port))

    def container(self, service):
        return self.run("ps", "-a", "-q", service).split()[0]


class ComposeWorld(World):
    """`docker compose` is all that it has in hand of the stack."""

    def __init__(self, project, seed):
        super().__init__()
        self.seed = seed
        self.compose = Compose(project)
        self.logs = f"`{' '.join(self.compose.command)} logs`"
        self.left_out += ["full disks: they are the containers' volumes",
                          "clocks that jump: all containers have this machine's",
                          "connections that are slow, reset or slowly closed: nothing of ours"
                          " is on their way (half-open ones: the network is taken away)"]
        self.events = None

    def set_up(self):
        compose = self.compose
        self.network = f"{json.loads(compose.run('config', '--format', 'json'))['name']}_stores"
        self.api_url = "http://" + compose.port("api", 8080)
        self.outside = Outside("http://" + compose.port("capture", 8082))
        self.outside.callback_url = "http://capture:8082/told"
        self.key = compose.exec("api", "cat", f"{SECRETS}/api_key")
        password = compose.exec("api", "cat", f"{SECRETS}/postgres_password")
        self.dsn = (f"postgresql://shotfleet:{urllib.parse.quote(password)}"
                    f"@{compose.port('postgres', 5432)}/shotfleet")
        host, port = compose.port("redis", 6379).split(":")
        self.redis = redis.Redis(host=host, port=int(port))
        if self.sql("select 1 from jobs limit 1"):
            sys.exit("this stack has captures already; torture takes a new one (docker compose"
                     " down --volumes)")
        self.outside.seed(self.seed)
        self.watch()

    def watch(self):
        """Whose container ended, and how."""
        self.events = subprocess.Popen(
            ["docker", "events", "--filter", "event=die", "--format", "{{json .Actor.Attributes}}",
             "--filter", f"label=com.docker.compose.project={self.network[:-len('_stores')]}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.count_ends, daemon=True).start()

    def count_ends(self):
        for line in self.events.stdout:
            ended = json.loads(line)
            name, code = ended["com.docker.compose.service"], int(ended["exitCode"])
            if name in PROGRAMS:
                self.restarts += 1
                if code not in (0, KILLED):
                    self.odd_ends.append(f"{name} ended with {code}")

    def tear_down(self):
        """It stays up, as it was found."""
        self.compose.run("start", check=False)
        if self.events:
            self.events.terminate()
            self.events.wait(10)

    def stop(self, names):
        """Ingest alone, which tells its counts then."""
        if "ingest" in names:
            self.compose.run("stop", "ingest")
        return []

    def api(self, method, path, body=None, headers=None):
        return request(method, self.api_url + path, body,
                       {**(headers or {}), "Authorization": f"Bearer {self.key}"})

    def cli(self, *args):
        self.compose.exec("api", "shotfleet", *args, check=False)

    def faults(self, rng, pause):
        return ComposeFaults(self, rng, pause).all()

    def revive(self):
        """Docker does."""

    def be_well(self):
        self.compose.run("unpause", check=False)
        self.compose.run("start")
        self.outside.down(False)

    def pictures(self):
        text = self.compose.exec("worker", "find", f"{STORAGE}/screenshots", "-type", "f",
                                 "-printf", "screenshots/%P %s\\n")
        return {key: int(size) for key, size in (line.split() for line in text.splitlines())}


class ComposeFaults(Faults):
    NAMES = Faults.NAMES + [
        "kill_a_process", "kill_a_program", "stop_a_program", "freeze_a_process",
        "freeze_a_program", "redis_killed", "redis_restarted", "redis_frozen",
        "redis_lost_its_tail", "redis_half_open", "postgresql_killed", "postgresql_restarted",
        "postgresql_frozen", "postgresql_half_open", "a_back_end_killed"]

    def __init__(self, world, rng, pause):
        super().__init__(world, rng, pause)
        self.compose = world.compose

    # processes

    def victim(self):
        """A service, the pid of its program, and the pid of one of its processes."""
        service = self.rng.choice(PROGRAMS)
        found = [line.split() for line in self.compose.exec(service, "bash", "-c", PROCESSES)
                 .splitlines() if "(shotfleet" in line]
        pids = {pid for pid, _, _ in found}
        parent = next(pid for pid, ppid, _ in found if ppid not in pids)
        return service, parent, self.rng.choice(sorted(pids - {parent}) or [parent])

    def send(self, service, pid, signal):
        self.compose.exec(service, "bash", "-c", f"kill -{signal} {pid}", check=False)

    def kill_a_process(self):
        service, _, pid = self.victim()
        self.send(service, pid, "KILL")

    def kill_a_program(self):
        service, pid, _ = self.victim()
        self.send(service, pid, "KILL")

    def stop_a_program(self):
        service, pid, _ = self.victim()
        self.send(service, pid, "TERM")

    def freeze_a_process(self):
        service, _, pid = self.victim()
        self.send(service, pid, "STOP")
        self.pause(STOPPED_S)
        self.send(service, pid, "CONT")

    def freeze_a_program(self):
        self.freeze(self.rng.choice(PROGRAMS))

    def paused(self, service):
        """Not at the first try where the kernel is too busy to stop all of it (cgroup v1)."""
        try:
            self.compose.run("pause", service)
        except RuntimeError as e:
            if "unable to freeze" not in str(e):
                raise
            return False
        return True

    def freeze(self, service):
        wait_for(lambda: self.paused(service), 60, f"{service} to be paused")
        self.pause(STOPPED_S)
        self.compose.run("unpause", service)

    # the stores

    def away(self, service, *how):
        self.compose.run(*how, service)
        self.pause(self.rng.uniform(0, AWAY_S))
        self.compose.run("start", service)
        self.wait_for(service)

    def wait_for(self, service):
        if service == "redis":
            wait_for(self.pings, 60, "Redis to answer")
        else:
            self.world.sql("select 1")

    def pings(self):
        try:
            return self.world.redis.ping()
        except redis.RedisError:
            return False

    def cut_off(self, service):
        """From the network that the programs are on; nobody is told so."""
        container = self.compose.container(service)
        network = ["docker", "network"]
        subprocess.run([*network, "disconnect", self.world.network, container], check=True)
        self.pause(SPOILT_S)
        subprocess.run([*network, "connect", "--alias", service, self.world.network, container],
                       check=True)

    def redis_killed(self):
        self.away("redis", "kill")

    def redis_restarted(self):
        self.away("redis", "stop")

    def redis_frozen(self):
        self.freeze("redis")

    def redis_half_open(self):
        self.cut_off("redis")

    def redis_lost_its_tail(self):
        """It comes back as it was some seconds ago."""
        self.compose.exec("redis", "sh", "-c",
                          "cd /data && rm -rf copy && cp -a appendonlydir copy")
        self.pause(self.rng.uniform(1, 4))
        with self.losing_the_tail():
            self.compose.run("kill", "redis")
            self.compose.run("run", "--rm", "-T", "--no-deps", "--entrypoint", "sh", "redis", "-c",
                             "cd /data && rm -rf appendonlydir && mv copy appendonlydir")
            self.compose.run("start", "redis")
            self.wait_for("redis")

    def postgresql_killed(self):
        self.away("postgres", "kill")

    def postgresql_restarted(self):
        self.away("postgres", "stop")

    def postgresql_frozen(self):
        self.freeze("postgres")

    def postgresql_half_open(self):
        self.cut_off("postgres")

    def a_back_end_killed(self):
        """By which PostgreSQL takes all others down, and recovers."""
        for pid in self.back_ends()[:1]:
            self.send("postgres", pid, "KILL")
