"""Checks of the queue of job events: its encryption, policy, senders and dead letters."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from video_pipeline.domain.values import read_json
from video_pipeline.providers.aws.check.finding import Checked, Entry, Known, look
from video_pipeline.providers.aws.check.topics import NO_TOPIC, subscribers

_GONE = ("there is no such queue", "Create it, or correct `completions` of the entry.")
_KNOWN: Known = dict.fromkeys(
    ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NonExistentQueue"), _GONE
)
_SOURCE = "aws.transcribe"


def queue(entry: Entry) -> Iterator[Checked]:
    """Check the queue of an entry, or warn that there is none."""
    url = entry.options.completions
    if not url:
        remedy = "Name a queue in `completions`; results then come sooner."
        yield Checked("queue", "warning", "none: jobs are only polled when overdue", remedy)
        return
    yield from look(
        "queue",
        "sqs:GetQueueAttributes",
        lambda: _queue(entry, url),
        _KNOWN,
        needed=False,
    )


def _queue(entry: Entry, url: str) -> Iterator[Checked]:
    parts = urlsplit(url)
    client = entry.client("sqs", f"{parts.scheme}://{parts.netloc}")
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    found: Mapping[str, str] = answer["Attributes"]
    arn, topic = found["QueueArn"], entry.option("topic")
    yield Checked("queue", "ok", arn)
    yield _sealed(found)
    yield _redrive(found)
    if topic:
        yield _policy(found, "sns.amazonaws.com", topic)
        right = "sns:ListSubscriptionsByTopic"
        yield from look(
            "subscription",
            right,
            lambda: _told(entry, topic, arn),
            dict.fromkeys(NO_TOPIC),
            needed=False,
        )
    if entry.option("output") is not None:
        right = "events:ListRuleNamesByTarget and events:DescribeRule"
        yield from look("rule", right, lambda: _rules(entry, found), needed=False)


def _sealed(found: Mapping[str, str]) -> Checked:
    """Check the key: the policy of AWS's own key admits neither SNS nor EventBridge."""
    if found.get("KmsMasterKeyId", "").endswith("alias/aws/sqs"):
        return Checked(
            "queue encryption",
            "missing",
            "encrypted with alias/aws/sqs, with which neither SNS nor EventBridge can send",
            "Use a key of your own that lets them in, or SQS's own encryption (SSE-SQS).",
        )
    return Checked("queue encryption", "ok", found.get("KmsMasterKeyId") or "SQS's own or none")


def _redrive(found: Mapping[str, str]) -> Checked:
    if found.get("RedrivePolicy"):
        return Checked("redrive", "ok", read_json(found["RedrivePolicy"])["deadLetterTargetArn"])
    return Checked(
        "redrive",
        "warning",
        "no redrive policy: a message about an unknown job is delivered again and again",
        "Give the queue a queue for dead letters, after some 10 receptions.",
    )


def _policy(found: Mapping[str, str], service: str, source: str) -> Checked:
    if allows(found.get("Policy", ""), service, source):
        return Checked("queue policy", "ok", f"{service} may send for {source}")
    return Checked(
        "queue policy",
        "missing",
        f"{service} may not send for {source}",
        f"Allow sqs:SendMessage to {service} in the queue's policy, with aws:SourceArn {source}.",
    )


def allows(policy: str, service: str, source: str) -> bool:
    """Return whether a queue's policy lets a service send for a source. Pure. Statements that deny,
    and conditions on anything but the source, do not count as a permission."""
    statements: Any = read_json(policy)["Statement"] if policy else []
    found: list[Any] = statements if isinstance(statements, list) else [statements]
    return any(_lets(one, service, source) for one in found)


def _lets(statement: Mapping[str, Any], service: str, source: str) -> bool:
    principal = statement.get("Principal")
    services = _several(principal.get("Service")) if isinstance(principal, dict) else []
    anybody = principal == "*" or (isinstance(principal, dict) and principal.get("AWS") == "*")
    actions = [action.lower() for action in _several(statement.get("Action"))]
    sends = any(fnmatchcase("sqs:sendmessage", action) for action in actions)
    return (
        statement.get("Effect") == "Allow"
        and (service in services or anybody)
        and sends
        and _is_of(statement.get("Condition") or {}, source)
    )


def _is_of(condition: Mapping[str, Mapping[str, Any]], source: str) -> bool:
    """Return whether a condition, if any, holds for messages from the source."""
    for operator, wanted in condition.items():
        for name, values in wanted.items():
            if name.lower() == "aws:sourceaccount":
                continue
            if name.lower() != "aws:sourcearn" or "Not" in operator:
                return False
            if not any(fnmatchcase(source, value) for value in _several(values)):
                return False
    return True


def _several(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _told(entry: Entry, topic: str, queue_arn: str) -> Iterator[Checked]:
    if queue_arn in subscribers(entry, topic):
        yield Checked("subscription", "ok", f"{topic} tells the queue")
        return
    yield Checked(
        "subscription",
        "missing",
        f"{topic} does not tell the queue",
        "Subscribe the queue to the topic, with protocol sqs.",
    )


def _rules(entry: Entry, found: Mapping[str, str]) -> Iterator[Checked]:
    client, arn = entry.client("events"), found["QueueArn"]
    names = client.list_rule_names_by_target(TargetArn=arn).get("RuleNames", ())
    rules = [client.describe_rule(Name=name) for name in names]
    ours = [one for one in rules if _SOURCE in one.get("EventPattern", "")]
    if not ours:
        yield Checked(
            "rule",
            "missing",
            "no rule of EventBridge sends Transcribe's events to the queue",
            'Make one for source aws.transcribe, detail-type "Transcribe Job State Change".',
        )
        return
    for rule in ours:
        enabled = rule.get("State") == "ENABLED"
        remedy = "" if enabled else "Enable it."
        state = str(rule.get("State", "")).lower()
        yield Checked("rule", "ok" if enabled else "missing", f"{rule['Name']} {state}", remedy)
        yield _policy(found, "events.amazonaws.com", rule["Arn"])
