"""What is done to the stack; each fault ends with everything in its place again,
though not yet recovered."""

import os
import shutil
import signal

import psycopg2

from processes import children

STOPPED_S = 5    # longer than the take-over time
AWAY_S = 3
HELD_S = 3       # connections that others would need
SPOILT_S = 7     # longer than the deadlines of Redis's connections


class Faults:
    def __init__(self, world, rng, pause):
        self.world = world
        self.stack = world.stack
        self.rng = rng
        self.pause = pause  # (seconds), cut short when all is to stop
        self.copy = os.path.join(world.folder, "aof-copy")

    def all(self):
        return {name.replace("_", " "): getattr(self, name) for name in (
            "kill_a_process", "kill_a_program", "stop_a_program", "freeze_a_process",
            "redis_killed", "redis_restarted", "redis_wiped", "redis_lost_its_tail",
            "postgresql_killed", "postgresql_restarted", "back_ends_terminated",
            "connections_exhausted", "redis_slow", "redis_reset", "redis_half_open",
            "postgresql_slow", "postgresql_reset", "postgresql_half_open",
            "provider_down")}

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

    def kill_a_process(self):
        self.send(self.victim()[1], signal.SIGKILL)

    def kill_a_program(self):
        self.send(self.victim()[0].process.pid, signal.SIGKILL)

    def stop_a_program(self):
        self.send(self.victim()[0].process.pid, signal.SIGTERM)

    def freeze_a_process(self):
        pid = self.victim()[1]
        self.send(pid, signal.SIGSTOP)
        self.pause(STOPPED_S)
        self.send(pid, signal.SIGCONT)

    # Redis

    def redis_killed(self):
        self.redis_away(signal.SIGKILL)

    def redis_restarted(self):
        self.redis_away(signal.SIGTERM)

    def redis_away(self, signo):
        server = self.stack.redis_server
        server.stop(signo)
        self.pause(self.rng.uniform(0, AWAY_S))
        server.start()

    def redis_wiped(self):
        self.stack.redis.flushall()

    def redis_lost_its_tail(self):
        """It comes back as it was some seconds ago."""
        server = self.stack.redis_server
        folder = os.path.join(server.path, "appendonlydir")
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(folder, self.copy)
        self.pause(self.rng.uniform(1, 4))
        server.kill()
        shutil.rmtree(folder)
        shutil.copytree(self.copy, folder)
        if server.owner:
            for path in [folder, *(os.path.join(folder, n) for n in os.listdir(folder))]:
                os.chown(path, server.owner["user"], server.owner["group"])
        server.start()

    # PostgreSQL

    def postgresql_killed(self):
        self.postgresql_away(signal.SIGKILL)

    def postgresql_restarted(self):
        self.postgresql_away(signal.SIGINT)

    def postgresql_away(self, signo):
        server = self.stack.postgres_server
        server.stop(signo)
        self.pause(self.rng.uniform(0, AWAY_S))
        server.start()

    def back_ends_terminated(self):
        self.world.sql("select pg_terminate_backend(pid) from pg_stat_activity"
                       " where application_name like 'shotfleet-%'")

    def connections_exhausted(self):
        held = []
        url = self.stack.postgres_server.url("postgres")
        try:
            self.back_ends_terminated()
            while True:
                held.append(psycopg2.connect(url))
        except psycopg2.OperationalError:
            self.pause(HELD_S)
        finally:
            for connection in held:
                connection.close()

    # the ways to them

    def redis_slow(self):
        self.slow(self.world.redis_proxy)

    def redis_reset(self):
        self.world.soon(self.world.redis_proxy.reset)

    def redis_half_open(self):
        self.half_open(self.world.redis_proxy)

    def postgresql_slow(self):
        self.slow(self.world.postgres_proxy)

    def postgresql_reset(self):
        self.world.soon(self.world.postgres_proxy.reset)

    def postgresql_half_open(self):
        self.half_open(self.world.postgres_proxy)

    def slow(self, proxy):
        proxy.slow = True
        self.pause(SPOILT_S)
        proxy.slow = False

    def half_open(self, proxy):
        self.world.soon(proxy.silence)
        self.pause(SPOILT_S)
        self.world.soon(proxy.hear)

    def provider_down(self):
        self.world.provider.down = True
        self.pause(AWAY_S)
        self.world.provider.down = False


def stop_being_unwell(world):
    """After the last fault, should it have been cut short."""
    for server in (world.stack.redis_server, world.stack.postgres_server):
        if not server.process:
            server.start()
    for proxy in (world.redis_proxy, world.postgres_proxy):
        proxy.slow = False
        world.soon(proxy.hear)
    world.provider.down = False
