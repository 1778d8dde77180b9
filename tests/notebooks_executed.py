"""Validate notebooks by nbformat, and execute them from top to bottom by nbclient.

    python -m demos notebooks --out DIR
    python tests/notebooks_executed.py DIR
    python tests/notebooks_executed.py DIR --keep

With --keep each notebook is written anew with what it has printed and drawn, as it is
published. Without, its file stays as it was.

It needs nbformat, nbclient and ipykernel (`pip install scratchvae[notebooks]`), which neither
the package nor its other tests need. A notebook runs in an empty folder, so that it has to
stand alone.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

HANG = 1800  # seconds: in .ci/run tests go first, and a kernel may wait for them


def main(folder: Path, keep: bool = False) -> int:
    """Returns the number of notebooks that are not valid or stop."""
    import nbformat  # here, since pytest imports this file too
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    failed = 0
    paths = sorted(folder.glob("*.ipynb"))
    for path in paths:
        start = time.perf_counter()
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty:
            client = NotebookClient(
                notebook, kernel_name="python3", record_timing=False,
                timeout=HANG, startup_timeout=HANG, iopub_timeout=HANG,
                resources={"metadata": {"path": empty}},
            )  # fmt: skip
            try:
                client.execute()
                state = "ok"
            except CellExecutionError as error:
                failed += 1
                state = f"FAILED: {str(error).strip().splitlines()[-1]}"
        if keep:
            nbformat.write(notebook, path)
        print(f"{path.stem:28} {time.perf_counter() - start:6.1f} s  {state}", flush=True)
    print(f"{len(paths) - failed} of {len(paths)} notebooks ran from top to bottom")
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), "--keep" in sys.argv[2:]) > 0)
