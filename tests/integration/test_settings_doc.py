"""docs/settings.md says what the programs say."""

import os
import subprocess

from harness import BIN, ROOT


def test_the_settings_page_is_that_of_the_programs():
    fresh = subprocess.run([os.path.join(ROOT, "scripts", "settings-doc"), BIN],
                           check=True, stdout=subprocess.PIPE, text=True).stdout
    with open(os.path.join(ROOT, "docs", "settings.md")) as f:
        assert f.read() == fresh, "run scripts/settings-doc again"
