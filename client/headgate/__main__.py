"""``python -m headgate``: the headgate command."""

from headgate.cli.app import main

if __name__ == "__main__":
    main()
