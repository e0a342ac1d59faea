"""Whether what a provider entry of AWS needs is set up: looked at for real, nothing changed and
nothing paid. Each finding says what mends it.

What is looked at follows from an entry's options: `topic` and `topic_role`, `completions`,
`output`, `kms_key` and `data_access_role`, of whichever plugin. Whether a role may be passed, and
what quotas the account has, is not seen from here.
"""

from collections.abc import Iterator

from video_pipeline.providers.aws.check.buckets import ingest_bucket, output_bucket
from video_pipeline.providers.aws.check.finding import Checked, Entry, look
from video_pipeline.providers.aws.check.keys import kms_key
from video_pipeline.providers.aws.check.queues import queue
from video_pipeline.providers.aws.check.topics import service_roles, topic

__all__ = ["Checked", "Entry", "check"]


def check(entry: Entry) -> Iterator[Checked]:
    """All findings of one entry. Without credentials there is only that one."""
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
