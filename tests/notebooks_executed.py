"""Validate notebooks by nbformat, and execute them from top to bottom by nbclient.

    python -m demos notebooks --out DIR
    python tests/notebooks_executed.py DIR

It needs nbformat, nbclient and ipykernel (`pip install scratchvae[notebooks]`), which neither
the package nor its other tests need. A notebook runs in its own folder.
"""

import os
import sys
import time
from pathlib import Path


def main(folder: Path) -> int:
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
        client = NotebookClient(
            notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        try:
            client.execute()
            state = "ok"
        except CellExecutionError as error:
            failed += 1
            state = f"FAILED: {str(error).strip().splitlines()[-1]}"
        print(f"{path.stem:28} {time.perf_counter() - start:6.1f} s  {state}", flush=True)
    print(f"{len(paths) - failed} of {len(paths)} notebooks ran from top to bottom")
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])) > 0)
