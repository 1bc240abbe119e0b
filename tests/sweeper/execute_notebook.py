"""Execute a notebook in a kernel of its own: ``python execute_notebook.py FILE DONE``."""

import sys

import nbclient
import nbformat

__all__ = list[str]()

if __name__ == "__main__":
    notebook = nbformat.read(sys.argv[1], 4)
    nbclient.NotebookClient(
        notebook, timeout=None, startup_timeout=600, kernel_name="python3"
    ).execute()
    nbformat.write(notebook, sys.argv[2])
