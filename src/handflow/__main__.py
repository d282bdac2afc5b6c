"""`python -m handflow` is `handflow`."""

from handflow.cli import main

if __name__ == "__main__":
    main()
