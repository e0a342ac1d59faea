"""Doubles of AWS services without an emulator, for authors of plugins.

A double is an HTTP server on loopback that checks each request and each reply against botocore's
model of the service. It keeps books of what was billed, and makes faults on request. `serving` runs
one in this process, `started` in a process of its own. The product does not import this package.
"""

from video_pipeline.testing.double import Double, client, deaf, serving, started
from video_pipeline.testing.faults import Fault
from video_pipeline.testing.service import Call, Refused, Service

__all__ = ["Call", "Double", "Fault", "Refused", "Service", "client", "deaf", "serving", "started"]
