"""A share of the fuzzer: see fuzz.py."""

import subprocess
import sys
from pathlib import Path

from conftest import HANG


def test_a_share_of_the_fuzzer_finds_nothing():
    """200 calls, 150 damaged files, 2 command lines: each a right answer or a clear error."""
    command = [sys.executable, Path(__file__).with_name("fuzz.py"), "200", "150", "2"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=HANG)
    assert result.returncode == 0, result.stdout + result.stderr
