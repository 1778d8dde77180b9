"""A share of the fuzzer: see fuzz.py."""

import subprocess
import sys
from pathlib import Path


def test_a_share_of_the_fuzzer_finds_nothing():
    """300 calls, 200 damaged files, 3 command lines: each a right answer or a clear error."""
    command = [sys.executable, Path(__file__).with_name("fuzz.py"), "300", "200", "3"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
