"""``python -m autox``: what the node agent is started with, since an entry point may not be on anybody's PATH."""

from autox.cli.main import main

if __name__ == "__main__":
    main()
