"""What is done to the stack; each fault ends with everything in its place again,
though not yet recovered."""

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
    def __init__(self, world, rng, pause):
        self.world = world
        self.stack = world.stack
        self.rng = rng
        self.pause = pause  # (seconds), cut short when all is to stop
        self.copy = os.path.join(world.folder, "aof-copy")

    def all(self):
        names = ["kill_a_process", "kill_a_program", "stop_a_program", "freeze_a_process",
                 "freeze_a_program", "provider_down",
                 "redis_killed", "redis_restarted", "redis_frozen", "redis_wiped",
                 "redis_lost_its_tail", "redis_out_of_memory", "redis_takes_no_connections",
                 "postgresql_killed", "postgresql_restarted", "postgresql_frozen",
                 "back_ends_terminated", "a_back_end_terminated", "a_back_end_killed",
                 "connections_exhausted"]
        names += [f"{server}_{how}" for server in SERVERS
                  for how in ("slow", "reset", "half_open", "slow_to_close")]
        if self.world.disks:
            names += ["pictures_disk_full", "redis_disk_full", "postgresql_disk_full"]
        if self.world.clocks:
            names += ["clock_of_a_program", "clock_of_redis", "clock_of_postgresql",
                      "clock_of_all"]
        return {name.replace("_", " "): getattr(self, name) for name in names}

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

    def provider_down(self):
        self.world.provider.down = True
        self.pause(AWAY_S)
        self.world.provider.down = False

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

    def redis_out_of_memory(self):
        self.configured("maxmemory", "1mb")

    def redis_takes_no_connections(self):
        """Beyond those of ours, which it keeps."""
        self.configured("maxclients", "1",
                        lambda: self.stack.redis.client_kill_filter(skipme=True))

    def configured(self, name, value, then=None):
        server = self.stack.redis
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

    def postgresql_killed(self):
        self.away(self.stack.postgres_server, signal.SIGKILL)

    def postgresql_restarted(self):
        self.away(self.stack.postgres_server, signal.SIGINT)

    def postgresql_frozen(self):
        self.freeze_tree(self.stack.postgres_server.process)

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

    def a_back_end_killed(self):
        """By which PostgreSQL takes all others down, and recovers."""
        for pid in self.back_ends()[:1]:
            self.send(pid, signal.SIGKILL)

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


def stop_being_unwell(world):
    """After the last fault, should it have been cut short."""
    for disk in world.disks.values():
        disk.free()
    for clock in world.clocks.values():
        clock.off_by(0)
    world.revive()
    for proxy in (world.redis_proxy, world.postgres_proxy):
        proxy.slow = False
        world.soon(proxy.hear)
    world.provider.down = False
