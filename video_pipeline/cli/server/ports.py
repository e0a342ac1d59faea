"""Ports of the loopback interface."""

import socket

from video_pipeline.domain.errors import ConfigurationError

LOOPBACK = "127.0.0.1"


def port_to_use(wanted: int | None) -> int:
    """Return the wanted port, else a free one. Raises ConfigurationError if it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted or 0))
        except OSError as error:
            raise ConfigurationError(
                f"port {wanted} cannot be used: {error.strerror}",
                where=LOOPBACK,
                remedy="Choose another with --port, or leave --port out for a free one.",
            ) from error
        return probe.getsockname()[1]
