"""What is done to the stack; each fault ends with everything in its place again,
though not yet recovered.

Faults does what can be done to any stack that answers at its ports; PrivateFaults
has the processes, disks, clocks and connections of one of our own in hand.
"""

import contextlib
import os
import shutil
import signal

import psycopg2
import redis

from processes import children, descendants, wait_for

STOPPED_S = 5    # longer than the take-over time
AWAY_S = 3
HELD_S = 3       # connections that others would need
SPOILT_S = 7     # longer than the deadlines of Redis's connections
FULL_S = 4
WRONG_S = 6      # a clock
JUMPS_S = (-7200, -900, -90, 90, 900, 7200)  # of a clock
SERVERS = ("redis", "postgresql")


class Faults:
    NAMES = ["provider_down", "redis_wiped", "redis_out_of_memory",
             "redis_takes_no_connections", "back_ends_terminated", "a_back_end_terminated",
             "connections_exhausted"]

    def __init__(self, world, rng, pause):
        self.world = world
        self.rng = rng
        self.pause = pause  # (seconds), cut short when all is to stop

    def names(self):
        return self.NAMES

    def all(self):
        return {name.replace("_", " "): getattr(self, name) for name in self.names()}

    def provider_down(self):
        self.world.outside.down()
        self.pause(AWAY_S)
        self.world.outside.down(False)

    # Redis

    def redis_wiped(self):
        with self.world.redis.pipeline(transaction=True) as together:
            together.xrange("shotfleet:webhook").xrange("shotfleet:refusals").flushall()
            webhooks, refusals, _ = together.execute()
        self.world.forget(webhooks, refusals)

    @contextlib.contextmanager
    def losing_the_tail(self):
        """Around what takes Redis away and brings it back as it was; until then it
        is told to take nothing more."""
        server = self.world.redis
        with server.pipeline(transaction=True) as together:
            together.execute_command("CLIENT PAUSE", 60000, "WRITE")
            together.xrange("shotfleet:webhook").xrange("shotfleet:refusals")
            _, webhooks, refusals = together.execute()
        yield
        kept = {entry for entry, _ in server.xrange("shotfleet:webhook")}
        self.world.forget([e for e in webhooks if e[0] not in kept], refusals)

    def redis_out_of_memory(self):
        self.configured("maxmemory", "1mb")

    def redis_takes_no_connections(self):
        """Beyond those of ours, which it keeps."""
        self.configured("maxclients", "1",
                        lambda: self.world.redis.client_kill_filter(skipme=True))

    def configured(self, name, value, then=None):
        server = self.world.redis
        before = server.config_get(name)[name]
        server.config_set(name, value)
        if then:
            then()
        self.pause(HELD_S)
        wait_for(lambda: self.obeys(server, name, before), 30, "Redis to obey")

    def obeys(self, server, name, value):
        try:
            return server.config_set(name, value)
        except redis.RedisError:  # there is no room for a connection of ours either
            return False

    # PostgreSQL

    def back_ends(self):
        return [row.pid for row in self.world.sql(
            "select pid from pg_stat_activity where application_name like 'shotfleet-%%'"
            " order by backend_start")]

    def terminate(self, pids):
        self.world.sql("select pg_terminate_backend(pid) from unnest(%s::int[]) pid", pids)

    def back_ends_terminated(self):
        self.terminate(self.back_ends())

    def a_back_end_terminated(self):
        self.terminate([self.rng.choice(self.back_ends() or [0])])

    def connections_exhausted(self):
        held = []
        try:
            self.back_ends_terminated()
            while True:
                held.append(psycopg2.connect(self.world.dsn))
        except psycopg2.OperationalError:
            self.pause(HELD_S)
        finally:
            for connection in held:
                connection.close()


class PrivateFaults(Faults):
    NAMES = Faults.NAMES + [
        "kill_a_process", "kill_a_program", "stop_a_program", "freeze_a_process",
        "freeze_a_program", "redis_killed", "redis_restarted", "redis_frozen",
        "redis_lost_its_tail", "postgresql_killed", "postgresql_restarted",
        "postgresql_frozen", "a_back_end_killed",
        *(f"{server}_{how}" for server in SERVERS
          for how in ("slow", "reset", "half_open", "slow_to_close"))]
    DISKS = ["pictures_disk_full", "redis_disk_full", "postgresql_disk_full"]
    CLOCKS = ["clock_of_a_program", "clock_of_redis", "clock_of_postgresql", "clock_of_all"]

    def __init__(self, world, rng, pause):
        super().__init__(world, rng, pause)
        self.stack = world.stack
        self.copy = os.path.join(world.folder, "aof-copy")

    def names(self):
        return (self.NAMES + (self.DISKS if self.world.disks else [])
                + (self.CLOCKS if self.world.clocks else []))

    # processes

    def victim(self):
        """A program that runs, and one of its processes."""
        running = [p for p in list(self.stack.programs.values()) if p.process.poll() is None]
        program = self.rng.choice(running)
        return program, self.rng.choice(
            children(program.process.pid) or [program.process.pid])

    def send(self, pid, signo):
        try:
            os.kill(pid, signo)
        except ProcessLookupError:
            pass  # it was quicker

    def freeze(self, pids):
        for pid in pids:
            self.send(pid, signal.SIGSTOP)
        self.pause(STOPPED_S)
        for pid in pids:
            self.send(pid, signal.SIGCONT)

    def kill_a_process(self):
        self.send(self.victim()[1], signal.SIGKILL)

    def kill_a_program(self):
        self.send(self.victim()[0].process.pid, signal.SIGKILL)

    def stop_a_program(self):
        self.send(self.victim()[0].process.pid, signal.SIGTERM)

    def freeze_a_process(self):
        self.freeze([self.victim()[1]])

    def freeze_a_program(self):
        self.freeze_tree(self.victim()[0].process)

    def freeze_tree(self, process):
        self.freeze([process.pid, *descendants(process.pid)])

    # Redis

    def redis_killed(self):
        self.away(self.stack.redis_server, signal.SIGKILL)

    def redis_restarted(self):
        self.away(self.stack.redis_server, signal.SIGTERM)

    def away(self, server, signo):
        server.stop(signo)
        self.pause(self.rng.uniform(0, AWAY_S))
        server.start()

    def redis_frozen(self):
        self.freeze_tree(self.stack.redis_server.process)

    def redis_lost_its_tail(self):
        """It comes back as it was some seconds ago."""
        server = self.stack.redis_server
        folder = os.path.join(server.path, "appendonlydir")
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(folder, self.copy)
        self.pause(self.rng.uniform(1, 4))
        with self.losing_the_tail():
            server.kill()
            shutil.rmtree(folder)
            shutil.copytree(self.copy, folder)
            if server.owner:
                for path in [folder, *(os.path.join(folder, n) for n in os.listdir(folder))]:
                    os.chown(path, server.owner["user"], server.owner["group"])
            server.start()

    # PostgreSQL

    def postgresql_killed(self):
        self.away(self.stack.postgres_server, signal.SIGKILL)

    def postgresql_restarted(self):
        self.away(self.stack.postgres_server, signal.SIGINT)

    def postgresql_frozen(self):
        self.freeze_tree(self.stack.postgres_server.process)

    def a_back_end_killed(self):
        """By which PostgreSQL takes all others down, and recovers."""
        for pid in self.back_ends()[:1]:
            self.send(pid, signal.SIGKILL)

    # the ways to them

    def redis_slow(self):
        self.slow(self.world.redis_proxy)

    def redis_reset(self):
        self.world.soon(self.world.redis_proxy.reset)

    def redis_half_open(self):
        self.half_open(self.world.redis_proxy)

    def redis_slow_to_close(self):
        self.slow_to_close(self.world.redis_proxy)

    def postgresql_slow(self):
        self.slow(self.world.postgres_proxy)

    def postgresql_reset(self):
        self.world.soon(self.world.postgres_proxy.reset)

    def postgresql_half_open(self):
        self.half_open(self.world.postgres_proxy)

    def postgresql_slow_to_close(self):
        self.slow_to_close(self.world.postgres_proxy)

    def slow(self, proxy):
        proxy.slow = True
        self.pause(SPOILT_S)
        proxy.slow = False

    def half_open(self, proxy):
        self.world.soon(proxy.silence)
        self.pause(SPOILT_S)
        self.world.soon(proxy.hear)

    def slow_to_close(self, proxy):
        self.world.soon(lambda: proxy.close_slowly(SPOILT_S))

    # disks

    def pictures_disk_full(self):
        self.full("pictures")

    def redis_disk_full(self):
        """It ends rather than acknowledge what it could not write."""
        self.full("redis")
        self.world.revive()

    def postgresql_disk_full(self):
        self.full("postgresql")
        self.world.revive()

    def full(self, name):
        self.world.disks[name].fill()
        self.pause(FULL_S)
        self.world.disks[name].free()

    # clocks

    def clock_of_a_program(self):
        self.jump([self.rng.choice(sorted(set(self.world.clocks) - set(SERVERS)))])

    def clock_of_redis(self):
        self.jump(["redis"])

    def clock_of_postgresql(self):
        self.jump(["postgresql"])

    def clock_of_all(self):
        self.jump(list(self.world.clocks))

    def jump(self, names):
        seconds = self.rng.choice(JUMPS_S)
        for name in names:
            self.world.clocks[name].off_by(seconds)
        self.pause(WRONG_S)
        for name in names:
            self.world.clocks[name].off_by(0)


def subject(name):
    """Faults of the same subject at the same time trip over each other, not over
    us; those that need PostgreSQL cannot come with those that take it away."""
    if "back end" in name or name.startswith("connections"):
        return "postgresql"
    if name.startswith("clock"):
        return "clock"
    return name.split()[0]


def spoils_counts(name):
    """Ingest's counts of what it refused go with it, or with a Redis."""
    return subject(name) in ("kill", "stop", "freeze", "redis", "clock")
