"""Checks of a provider entry's set-up at AWS, without changes or costs. Findings have remedies.

The checks follow from the options `topic` and `topic_role`, `completions`, `output`, `kms_key` and
`data_access_role` of any plugin. Rights to pass a role and quotas cannot be checked.
"""

from collections.abc import Iterator

from video_pipeline.providers.aws.check.buckets import ingest_bucket, kms_key, output_bucket
from video_pipeline.providers.aws.check.finding import Checked, Entry, look
from video_pipeline.providers.aws.check.queues import queue
from video_pipeline.providers.aws.check.topics import service_roles, topic

__all__ = ["Checked", "Entry", "check"]


def check(entry: Entry) -> Iterator[Checked]:
    """Yield all findings of one entry; without credentials, only that one."""
    found = list(look("credentials", "sts:GetCallerIdentity", lambda: _identity(entry)))
    yield from found
    if any(one.level == "missing" and one.subject == "credentials" for one in found):
        return
    yield from ingest_bucket(entry)
    yield from output_bucket(entry)
    yield from kms_key(entry)
    yield from topic(entry)
    yield from service_roles(entry)
    yield from queue(entry)


def _identity(entry: Entry) -> Iterator[Checked]:
    found = entry.client("sts").get_caller_identity()
    yield Checked("credentials", "ok", f"{found['Arn']}, account {found['Account']}")
    named = entry.options.account
    if named and named != found["Account"]:
        yield Checked(
            "account",
            "missing",
            f"pipeline.yaml says that {named} is billed, and it is {found['Account']}",
            "Correct `account` of the entry, or its `profile` or `role`.",
        )
