"""`python -m iew`, the same as `iew`."""

from iew.cli import main

if __name__ == "__main__":
    main()
