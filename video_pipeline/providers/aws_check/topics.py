"""The topic in which Rekognition tells of ended jobs, and the role by which it publishes there."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from video_pipeline.providers.aws_check.finding import Checked, Entry, Known, look

SERVICE = "rekognition.amazonaws.com"
MANAGED = "AmazonRekognitionServiceRole"
"""AWS's own policy for the role; it covers only topics whose names begin with the prefix."""
PREFIX = "AmazonRekognition"
NO_TOPIC = ("NotFound", "NotFoundException", "InvalidParameter")
"""The codes of a topic that is not there."""
_NO_TOPIC = ("there is no such topic", "Make it, or correct `topic` of the entry.")
_NO_ROLE = ("there is no such role", "Make it, or correct `topic_role` of the entry.")


def topic(entry: Entry) -> Iterator[Checked]:
    """Whether the topic is there, and tells the queue."""
    arn = entry.option("topic")
    if not arn:
        return
    known: Known = dict.fromkeys(NO_TOPIC, _NO_TOPIC)
    yield from look(
        "topic", "sns:GetTopicAttributes", lambda: _topic(entry, arn), known, needed=False
    )


def topic_role(entry: Entry) -> Iterator[Checked]:
    """Whether Rekognition may take on the role, and publish by it."""
    arn = entry.option("topic_role")
    if not arn:
        return
    known: Known = dict.fromkeys(("NoSuchEntity", "NoSuchEntityException"), _NO_ROLE)
    name = arn.rpartition("/")[2]
    yield from look("topic_role", "iam:GetRole", lambda: _trust(entry, name), known, needed=False)
    yield from look(
        "topic name",
        "iam:ListAttachedRolePolicies",
        lambda: _name(entry, name),
        dict.fromkeys(known),
        needed=False,
    )


def subscribers(entry: Entry, topic: str) -> set[str]:
    """The ARNs that the topic tells."""
    client, found, token = entry.client("sns"), set[str](), dict[str, str]()
    while True:
        page: dict[str, Any] = client.list_subscriptions_by_topic(TopicArn=topic, **token)
        found |= {one["Endpoint"] for one in page.get("Subscriptions", ())}
        if not page.get("NextToken"):
            return found
        token = {"NextToken": page["NextToken"]}


def _topic(entry: Entry, arn: str) -> Iterator[Checked]:
    entry.client("sns").get_topic_attributes(TopicArn=arn)
    yield Checked("topic", "ok", arn)


def _trust(entry: Entry, name: str) -> Iterator[Checked]:
    role = entry.client("iam").get_role(RoleName=name)["Role"]
    document = role.get("AssumeRolePolicyDocument")
    policy: Any = json.loads(unquote(document)) if isinstance(document, str) else document
    trusted = json.dumps((policy or {}).get("Statement", []))
    if SERVICE in trusted:
        yield Checked("topic_role", "ok", role["Arn"])
        return
    yield Checked(
        "topic_role",
        "missing",
        f"{name} does not trust {SERVICE}",
        f"Let {SERVICE} assume it, in its trust policy.",
    )


def _name(entry: Entry, role: str) -> Iterator[Checked]:
    name = entry.option("topic").rpartition(":")[2]
    attached = entry.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    managed = any(policy["PolicyName"] == MANAGED for policy in attached)
    if managed and not name.startswith(PREFIX):
        yield Checked(
            "topic name",
            "missing",
            f"{MANAGED} lets the role publish only to topics named {PREFIX}..., and it is {name}",
            f"Name the topic {PREFIX}{name}, or give the role a policy of its own.",
        )
