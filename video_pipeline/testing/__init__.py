"""What authors of plugins test against: doubles of services that have no peer to run here.

A double is an HTTP server on loopback, driven by botocore's own model of the service, so that it
cannot drift from the client: each request and each reply is held against the model's shapes. It
keeps books of what was asked and billed, and makes the faults that it is told to make.

`serving` runs one in this process, `started` as a process of its own; both give a `Double`.
Nothing in the product imports this, and it needs no more of the product than its domain. What can
be run for real (S3, SQS, SNS, EventBridge) is not here.
"""

from video_pipeline.testing.double import Double, client, deaf, serving, started
from video_pipeline.testing.faults import Fault
from video_pipeline.testing.service import Call, Refused, Service

__all__ = ["Call", "Double", "Fault", "Refused", "Service", "client", "deaf", "serving", "started"]
