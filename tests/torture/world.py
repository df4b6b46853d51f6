"""The private stack of a torture run: real servers behind proxies, the programs
with keepers that start again what has died, a provider, and one who asks."""

import asyncio
import base64
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
import time

import psycopg2
import psycopg2.extras
import redis

import clock
import disk
from application import Application
import processes
from harness import Stack
from provider import Provider
from proxy import Proxy
from servers import PostgresServer, RedisServer

PROGRAMS = ("ingest", "worker", "poller", "api")
KEEPER_S = 0.3
SETTINGS = {
    "SHOTFLEET_STALE_AFTER_S": "2", "SHOTFLEET_TAKEOVER_S": "2",
    "SHOTFLEET_GRACE_S": "5", "SHOTFLEET_WORKER_PROCESSES": "2",
    "SHOTFLEET_INGEST_PROCESSES": "2", "SHOTFLEET_REQUIRE_DURABLE": "on",
    "SHOTFLEET_LOG_LEVEL": "warning", "SHOTFLEET_JOB_DEADLINE_S": "86400",
    "SHOTFLEET_CALLBACKS": "on",
    "SHOTFLEET_CALLBACK_SECRETS": "whsec_" + base64.b64encode(bytes(32)).decode(),
}


@contextlib.contextmanager
def private_world(seed, settings=None):
    """A World in a folder of its own, which is kept when `kept` says so, something
    broke, or somebody ended us."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    processes.adopt_orphans()
    folder = tempfile.mkdtemp(prefix="shotfleet-", dir="/tmp")
    os.chmod(folder, 0o711)
    world = World(folder, seed, settings)
    try:
        yield world
    finally:
        world.broken += world.tear_down()
        for text in world.broken:
            print(text)
    if world.broken or world.kept:
        print(f"logs are in {folder}/stack")
    else:
        shutil.rmtree(folder)


class World:
    def __init__(self, folder, seed, settings=None):
        self.folder = folder
        self.settings = {**SETTINGS, **(settings or {})}
        self.keeping = True
        self.keeper = threading.Thread(target=self.keep, daemon=True)
        self.restarts = 0
        self.broken = []  # in words
        self.kept = False
        self.connection = None
        self.lock = threading.Lock()
        self.odd_ends = []  # exit codes that no fault of ours explains
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.disks, self.clocks = self.make_disks(), self.make_clocks()
        servers = (RedisServer(folder + "/redis/server"),
                   PostgresServer(folder + "/postgresql/server"))
        for server, name in zip(servers, ("redis", "postgresql")):
            server.env = self.clock_of(name)
        self.stack = Stack(folder + "/stack", *servers)
        self.stack.storage = folder + "/pictures/storage"
        self.stack.env["SHOTFLEET_STORAGE"] = f"file://{self.stack.storage}"
        self.provider = Provider(seed, self.stack.webhook_secret, self.stack.key)
        self.application = Application(seed)
        self.redis_proxy = Proxy(lambda: asyncio.open_connection(
            "127.0.0.1", servers[0].port))
        self.postgres_proxy = Proxy(lambda: asyncio.open_unix_connection(
            f"{servers[1].path}/.s.PGSQL.5432"))

    def make_disks(self):
        """{name: Disk}; empty where nothing can be mounted."""
        names = ("pictures", "redis", "postgresql")
        if not disk.can_mount(self.folder):
            for name in names:
                os.mkdir(os.path.join(self.folder, name), 0o711)
            return {}
        return {name: disk.Disk(os.path.join(self.folder, name)) for name in names}

    def make_clocks(self):
        """{name: Clock}; empty without a compiler."""
        library = clock.build(self.folder)
        return {name: clock.Clock(self.folder, name, library)
                for name in (*PROGRAMS, "redis", "postgresql")} if library else {}

    def clock_of(self, name):
        return self.clocks[name].env if self.clocks else {}

    def set_up(self):
        stack = self.stack
        for server in (stack.redis_server, stack.postgres_server):
            server.start()
        for each in (self.provider, self.application, self.redis_proxy,
                     self.postgres_proxy):
            asyncio.run_coroutine_threadsafe(each.start(), self.loop).result(10)
        stack.env.update(self.settings, SHOTFLEET_PROVIDER_URL=self.provider.url)
        stack.set_up()
        self.settings_of_programs()
        for name in PROGRAMS:
            stack.start(name, wait=False, **self.clock_of(name))
        for name in PROGRAMS:
            stack.wait_ready(name)
        self.keeper.start()

    def settings_of_programs(self):
        env, stack = self.stack.env, self.stack
        env["REDIS_URL"] = f"redis://127.0.0.1:{self.redis_proxy.port}/0"
        env["DATABASE_URL"] = (f"postgresql://shotfleet@127.0.0.1:"
                               f"{self.postgres_proxy.port}/{stack.database}?sslmode=disable"
                               "&gssencmode=disable")

    def soon(self, function):
        self.loop.call_soon_threadsafe(function)

    def keep(self):
        """Starts again what has ended."""
        while self.keeping:
            for name in PROGRAMS:
                program = self.stack.programs[name]
                code = program.process.poll()
                if code is None:
                    continue
                if code not in (0, -9):
                    self.odd_ends.append(f"{name} ended with {code}")
                self.restarts += 1
                self.stack.retired.append(self.stack.programs.pop(name))
                self.stack.start(name, wait=False, **self.clock_of(name))
            time.sleep(KEEPER_S)

    def stop_programs(self):
        """Politely; returns what was wrong, in words."""
        self.keeping = False
        self.keeper.join()
        wrong = []
        for name in list(self.stack.programs):
            try:
                self.stack.stop(name)
            except AssertionError as error:
                wrong.append(str(error))
        return wrong

    def tear_down(self):
        self.keeping = False
        self.keeper.join()
        wrong = self.stack.tear_down()
        for server in (self.stack.redis_server, self.stack.postgres_server):
            server.stop()
        for each in self.disks.values():
            each.close()
        return wrong

    def revive(self):
        """Starts the servers that are not there (again)."""
        for server in (self.stack.redis_server, self.stack.postgres_server):
            if not server.process or server.process.poll() is not None:
                server.stop()
                server.start()

    def sql(self, query, *params):
        """Straight to PostgreSQL; tries again while it is away."""
        deadline = time.monotonic() + 60
        while True:
            try:
                with self.lock:
                    return self.ask(query, params)
            except psycopg2.Error:
                self.connection = None
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def ask(self, query, params):
        if not self.connection:
            self.connection = psycopg2.connect(
                self.stack.postgres_server.url(self.stack.database),
                cursor_factory=psycopg2.extras.NamedTupleCursor)
            self.connection.autocommit = True
        with self.connection.cursor() as cursor:
            cursor.execute(query, params or None)
            return cursor.fetchall()

    def submit(self, captures):
        """Ids of the jobs that api accepted; [] when it did not."""
        try:
            answer = self.stack.api("POST", "/v1/captures", {"captures": captures})
        except OSError:
            return []
        if answer.status != 202:
            return []
        return [capture["jobId"] for capture in answer.json()["captures"]]

    def in_flight(self):
        """Entries on the streams; None while Redis is away."""
        try:
            return sum(self.stack.redis.xlen(f"shotfleet:{s}") 
                       for s in ("submit", "webhook", "callback"))
        except redis.RedisError:
            return None

    def probe(self, patience_s):
        """Seconds until a capture that nothing happens to runs through; None:
        not within `patience_s`."""
        begin = time.monotonic()
        jobs = []
        while time.monotonic() - begin < patience_s:
            self.revive()
            jobs = jobs or self.submit([{"url": "http://page.test/probe"}])
            if jobs and self.sql("select 1 from jobs where id = %s::uuid"
                                 " and status = 'completed'", jobs[0]):
                return time.monotonic() - begin
            time.sleep(0.05)
        return None
