"""The laboratory: private servers, meters, tables and plots for bench/.

Import this package before its modules: it finds the helpers of the integration
tests (real private servers, the programs under test), which it shares, and the
programs to measure: SHOTFLEET_BIN, else build/release/bin.
"""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

os.environ.setdefault("SHOTFLEET_BIN",
                      os.path.join(ROOT, "build", "release", "bin"))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))
