"""Disks that are full: file systems of their own, in memory, whose size changes."""

import os
import subprocess

ROOM = "4g"  # only what is written takes memory


def can_mount(folder):
    """Only root can, and not in every container."""
    path = os.path.join(folder, "try")
    os.mkdir(path)
    done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], capture_output=True)
    if done.returncode == 0:
        subprocess.run(["umount", path], check=True)
    os.rmdir(path)
    return done.returncode == 0


class Disk:
    """`path` with a file system of its own."""

    def __init__(self, path):
        self.path = path
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=0711", "tmpfs", path],
                       check=True)

    def resize(self, size):
        done = subprocess.run(["mount", "-o", f"remount,size={size}", self.path],
                              capture_output=True)
        return done.returncode == 0

    def fill(self):
        """Not a byte more; what is there may still be written over."""
        while True:
            stat = os.statvfs(self.path)
            used = (stat.f_blocks - stat.f_bfree) * stat.f_frsize
            if self.resize(max(used, stat.f_frsize)):  # 0 would be no limit
                return

    def free(self):
        self.resize(ROOM)

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=False)
