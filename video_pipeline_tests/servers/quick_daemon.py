"""The real daemon; only the 30 s between two looks at a backfill, for which there is no setting,
are shortened."""

import sys

from dagster._daemon import controller
from dagster._daemon.cli import cli

if __name__ == "__main__":
    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 4
    sys.argv[0] = "dagster-daemon"
    cli()
