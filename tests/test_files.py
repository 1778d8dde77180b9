"""Files are written whole, and Ctrl-C waits for files that belong together."""

import signal
import threading

import pytest

from scratchvae.files import uninterrupted, written_whole


def test_an_interrupt_waits_for_the_end_of_the_block():
    """SIGINT inside the block: all of the block runs, then KeyboardInterrupt is raised."""
    done = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), uninterrupted():
            signal.raise_signal(signal.SIGINT)  # to this thread
            done.append("all of it")
        assert done == ["all of it"]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_needs_no_protection():
    """In a thread the block runs as it is: signal handlers belong to the main thread."""
    done = []

    def block():
        with uninterrupted():
            done.append(1)

    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    assert done == [1]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    """An exception in the block: the old content stays, and no part of the new one."""
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(OSError, match="full"), written_whole(path) as part:
        part.write_text("new")
        raise OSError("full")
    assert path.read_text() == "old" and [file.name for file in tmp_path.iterdir()] == ["a"]
