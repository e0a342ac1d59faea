"""Checks of the topic of Rekognition's job events, and of the roles of services."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import unquote

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.values import read_json
from video_pipeline.plugins.paging import pages
from video_pipeline.providers.aws.check.finding import Checked, Entry, Known, look

# The options that name a role for a service, and that service.
TRUSTED = {
    "topic_role": "rekognition.amazonaws.com",
    "data_access_role": "transcribe.amazonaws.com",
}
# AWS's own policy for the role; it covers only topics whose names begin with the prefix.
MANAGED = "AmazonRekognitionServiceRole"
PREFIX = "AmazonRekognition"
# The codes of a topic that is not there.
NO_TOPIC = ("NotFound", "NotFoundException", "InvalidParameter")
_NO_TOPIC = ("there is no such topic", "Create it, or correct `topic` of the entry.")
_NO_SUCH = ("NoSuchEntity", "NoSuchEntityException")


def topic(entry: Entry) -> Iterator[Checked]:
    """Check that the topic exists."""
    arn = entry.option("topic")
    if not arn:
        return
    known: Known = dict.fromkeys(NO_TOPIC, _NO_TOPIC)
    yield from look(
        "topic", "sns:GetTopicAttributes", lambda: _topic(entry, arn), known, needed=False
    )


def service_roles(entry: Entry) -> Iterator[Checked]:
    """Check that services may assume their roles, and that Rekognition may publish."""
    for option, service in TRUSTED.items():
        arn = entry.option(option)
        if arn:
            yield from look(
                option,
                "iam:GetRole",
                partial(_trust, entry, option, service),
                dict.fromkeys(
                    _NO_SUCH, ("there is no such role", f"Create it, or correct `{option}`.")
                ),
                needed=False,
            )
    if entry.option("topic_role"):
        yield from look(
            "topic name",
            "iam:ListAttachedRolePolicies",
            partial(_name, entry),
            dict.fromkeys(_NO_SUCH),
            needed=False,
        )


def subscribers(entry: Entry, topic: str) -> set[str]:
    """Return the ARNs that subscribe to the topic."""
    client = entry.client("sns")

    def ask(token: str | None) -> dict[str, Any]:
        more = {"NextToken": token} if token else {}
        return client.list_subscriptions_by_topic(TopicArn=topic, **more)

    def endless(why: str) -> ConfigurationError:
        return ConfigurationError(
            f"SNS's list of subscriptions does not end: {why}",
            where=topic,
            remedy="Run the check again; look for a proxy between if it happens again.",
        )

    listed = pages(ask, lambda page: page.get("NextToken"), endless)
    return {one["Endpoint"] for page in listed for one in page.get("Subscriptions", ())}


def _topic(entry: Entry, arn: str) -> Iterator[Checked]:
    entry.client("sns").get_topic_attributes(TopicArn=arn)
    yield Checked("topic", "ok", arn)


def _trust(entry: Entry, option: str, service: str) -> Iterator[Checked]:
    name = _role_name(entry, option)
    role = entry.client("iam").get_role(RoleName=name)["Role"]
    document = role.get("AssumeRolePolicyDocument")
    policy: Any = read_json(unquote(document)) if isinstance(document, str) else document
    if service in json.dumps((policy or {}).get("Statement", [])):
        yield Checked(option, "ok", role["Arn"])
        return
    remedy = f"Let {service} assume it, in its trust policy."
    yield Checked(option, "missing", f"{name} does not trust {service}", remedy)


def _role_name(entry: Entry, option: str) -> str:
    return str(entry.option(option)).rpartition("/")[2]


def _name(entry: Entry) -> Iterator[Checked]:
    name, role = entry.option("topic").rpartition(":")[2], _role_name(entry, "topic_role")
    attached = entry.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    managed = any(policy["PolicyName"] == MANAGED for policy in attached)
    if managed and not name.startswith(PREFIX):
        yield Checked(
            "topic name",
            "missing",
            f"{MANAGED} lets the role publish only to topics named {PREFIX}..., and it is {name}",
            f"Name the topic {PREFIX}{name}, or give the role a policy of its own.",
        )
