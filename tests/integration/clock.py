"""Wall clocks that jump: clock.c goes into a program, and a file tells it how far
its clock is off."""

import os
import struct
import subprocess

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock.c")


def build(folder):
    """The library; None without a compiler."""
    library = os.path.join(folder, "clock.so")
    try:
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
    except FileNotFoundError:
        return None
    return library


class Clock:
    def __init__(self, folder, name, library):
        self.path = os.path.join(folder, f"clock-{name}")
        self.env = {"LD_PRELOAD": library, "TORTURE_CLOCK": self.path,
                    "ASAN_OPTIONS": "abort_on_error=1:detect_leaks=1"
                                    ":verify_asan_link_order=0"}
        self.off_by(0)

    def off_by(self, seconds):
        with open(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644), "wb") as f:
            f.write(struct.pack("=q", int(seconds * 1e9)))
