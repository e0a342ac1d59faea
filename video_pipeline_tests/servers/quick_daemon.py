"""The real Dagster daemon with a shorter interval: it checks backfills every 4 s, not every 30 s.

Dagster has no setting for this interval.
"""

import sys

from dagster._daemon import controller
from dagster._daemon.cli import cli

if __name__ == "__main__":
    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 4
    sys.argv[0] = "dagster-daemon"
    cli()
