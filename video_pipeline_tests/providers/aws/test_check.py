"""What `aws check` finds, on real servers: all that is set up, and each thing that is missing."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.providers.aws.check import Checked, Entry, check
from video_pipeline.providers.aws.check.queues import allows
from video_pipeline.providers.aws.check.topics import subscribers
from video_pipeline.providers.aws.rekognition.options import RekognitionOptions
from video_pipeline.providers.aws.session import AwsOptions
from video_pipeline_tests.servers.buckets import Servers, made_bucket
from video_pipeline_tests.servers.s3_answers import Answer, answering
from video_pipeline_tests.servers.s3_servers import REGION, S3Server

ROLE_TRUST = {"Service": "rekognition.amazonaws.com"}
ELSEWHERE = "eu-west-1"


class Output(BaseModel):
    """Where results are put."""

    bucket: str
    prefix: str = ""


class Writes(AwsOptions):
    """The options of a plugin whose results lie in a bucket of ours, told of by EventBridge."""

    output: Output
    kms_key: str | None = None
    data_access_role: str | None = None


@dataclass(frozen=True)
class Account:
    """An account in which all is set up, with clients of its owner."""

    server: S3Server
    ingest: str
    output: str
    topic: str
    role: str
    queue: str
    queue_arn: str

    def client(self, service: str) -> Any:
        return self.server.clients().client(service, self.server.endpoint)

    def reached(self, **more: Any) -> dict[str, Any]:
        keys = {"access_key_id": SecretStr(self.server.access)}
        keys |= {"secret_access_key": SecretStr(self.server.secret)}
        return {"region": REGION, "completions": self.queue, **keys, **more}

    def publishes(self, **more: Any) -> list[Checked]:
        """What is found of an entry that is told by a topic."""
        named = {"topic": self.topic, "topic_role": self.role, **more}
        return list(check(Entry("cloud", RekognitionOptions(**self.reached(**named)), self.ingest)))

    def writes(self, **more: Any) -> list[Checked]:
        """What is found of an entry that writes into the output bucket."""
        named = {"output": Output(bucket=self.output, prefix="results/"), **more}
        return list(check(Entry("speech", Writes(**self.reached(**named)), self.ingest)))

    def let_in(self, *statements: dict[str, Any]) -> None:
        policy = (
            json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else ""
        )
        self.client("sqs").set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": policy})


def sender(service: str, source: str) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }


@pytest.fixture(params=["ministack", "moto"])
def account(
    request: pytest.FixtureRequest, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> Account:
    """Buckets, topic, role, queue, rule: as docs/providers/aws.md sets them up."""
    server = servers[request.param]
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    return set_up(server)


def set_up(server: S3Server) -> Account:
    clients, name = server.clients(), uuid.uuid4().hex[:12]
    ingest = made_bucket(server, versioned=True)
    ingest.put("projects/acme/videos/v/a.mp4", b"bytes")
    topic = clients.client("sns", server.endpoint).create_topic(Name=f"AmazonRekognition{name}")
    trust = {"Effect": "Allow", "Principal": ROLE_TRUST, "Action": "sts:AssumeRole"}
    role = clients.client("iam", server.endpoint).create_role(
        RoleName=f"tells-{name}",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    sqs = clients.client("sqs", server.endpoint)
    dead = sqs.create_queue(QueueName=f"dead-{name}")["QueueUrl"]
    url = sqs.create_queue(QueueName=f"ended-{name}")["QueueUrl"]
    arns = [
        sqs.get_queue_attributes(QueueUrl=one, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        for one in (url, dead)
    ]
    redrive = json.dumps({"deadLetterTargetArn": arns[1], "maxReceiveCount": "10"})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": redrive})
    sns = clients.client("sns", server.endpoint)
    sns.subscribe(TopicArn=topic["TopicArn"], Protocol="sqs", Endpoint=arns[0])
    events = clients.client("events", server.endpoint)
    pattern = {"source": ["aws.transcribe"], "detail-type": ["Transcribe Job State Change"]}
    rule = events.put_rule(Name=f"ended-{name}", EventPattern=json.dumps(pattern))["RuleArn"]
    events.put_targets(Rule=f"ended-{name}", Targets=[{"Id": "queue", "Arn": arns[0]}])
    found = Account(
        server=server,
        ingest=ingest.name,
        output=made_bucket(server).name,
        topic=topic["TopicArn"],
        role=role["Role"]["Arn"],
        queue=url,
        queue_arn=arns[0],
    )
    found.let_in(sender("sns.amazonaws.com", found.topic), sender("events.amazonaws.com", rule))
    return found


def lacking(found: list[Checked]) -> dict[str, str]:
    """What is not well, each with its remedy behind it."""
    return {one.subject: f"{one.detail} | {one.remedy}" for one in found if one.level != "ok"}


def test_complete_setup_has_no_findings(account: Account) -> None:
    found = account.publishes()
    assert lacking(found) == {}
    assert {"credentials", "ingest bucket", "versioning", "read", "topic", "topic_role"} <= {
        one.subject for one in found
    }
    assert {"queue", "queue policy", "redrive", "subscription"} <= {one.subject for one in found}
    assert lacking(account.writes()) == {}


def test_check_leaves_no_object_in_the_output_bucket(account: Account) -> None:
    s3 = account.client("s3")
    s3.put_bucket_versioning(Bucket=account.output, VersioningConfiguration={"Status": "Enabled"})
    assert lacking(account.writes()) == {}
    assert "Contents" not in s3.list_objects_v2(Bucket=account.output)
    assert not s3.list_object_versions(Bucket=account.output).get("Versions")
    assert not s3.list_multipart_uploads(Bucket=account.output).get("Uploads")


Break = Callable[[Account], list[Checked]]


def replaced(**named: str) -> Break:
    return lambda account: account.publishes(**named)


def unversioned(account: Account) -> list[Checked]:
    status = {"Status": "Suspended"}
    account.client("s3").put_bucket_versioning(
        Bucket=account.ingest, VersioningConfiguration=status
    )
    return account.publishes()


def closed(account: Account) -> list[Checked]:
    account.let_in(sender("sns.amazonaws.com", f"{account.topic}-of-another"))
    return account.publishes()


def unsubscribed(account: Account) -> list[Checked]:
    sns = account.client("sns")
    for one in sns.list_subscriptions_by_topic(TopicArn=account.topic)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
    return account.publishes()


def without_dead_letters(account: Account) -> list[Checked]:
    bare = account.client("sqs").create_queue(QueueName=f"bare-{uuid.uuid4().hex[:12]}")
    return account.writes(completions=bare["QueueUrl"])


def sealed(account: Account) -> list[Checked]:
    account.client("sqs").set_queue_attributes(
        QueueUrl=account.queue, Attributes={"KmsMasterKeyId": "alias/aws/sqs"}
    )
    return account.publishes()


def managed(account: Account) -> list[Checked]:
    iam, name = account.client("iam"), "AmazonRekognitionServiceRole"
    publishes = {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [publishes]}
    made = iam.create_policy(
        PolicyName=name,
        Path=f"/{uuid.uuid4().hex[:8]}/",
        PolicyDocument=json.dumps(document),
    )
    role = account.role.rpartition("/")[2]
    iam.attach_role_policy(RoleName=role, PolicyArn=made["Policy"]["Arn"])
    other = account.client("sns").create_topic(Name=f"ended-{uuid.uuid4().hex[:8]}")["TopicArn"]
    return account.publishes(topic=other)


def mistrusted(account: Account) -> list[Checked]:
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    made = account.client("iam").create_role(
        RoleName=f"others-{uuid.uuid4().hex[:8]}", AssumeRolePolicyDocument=json.dumps(document)
    )
    return account.publishes(topic_role=made["Role"]["Arn"])


def disabled_key(account: Account) -> list[Checked]:
    kms = account.client("kms")
    key = kms.create_key()["KeyMetadata"]
    kms.disable_key(KeyId=key["KeyId"])
    return account.writes(kms_key=key["Arn"])


MISSING = [
    ("account", replaced(account="999999999999"), "999999999999 is billed", "`account`"),
    ("versioning", unversioned, "not enabled", "Enable versioning"),
    (
        "topic",
        replaced(topic=f"arn:aws:sns:{REGION}:000000000000:no-such"),
        "no such topic",
        "`topic`",
    ),
    (
        "topic_role",
        replaced(topic_role="arn:aws:iam::000000000000:role/no-such"),
        "no such role",
        "`topic_role`",
    ),
    ("topic_role", mistrusted, "does not trust rekognition", "trust policy"),
    (
        "data_access_role",
        lambda account: account.writes(data_access_role=account.role),
        "does not trust transcribe",
        "trust policy",
    ),
    ("topic name", managed, "named AmazonRekognition", "Name the topic"),
    ("queue policy", closed, "sns.amazonaws.com may not send", "sqs:SendMessage"),
    ("queue encryption", sealed, "alias/aws/sqs", "key of your own"),
    ("subscription", unsubscribed, "does not tell the queue", "Subscribe"),
    ("redrive", without_dead_letters, "no redrive policy", "dead letters"),
    ("rule", without_dead_letters, "no rule of EventBridge", "Transcribe Job State Change"),
    ("KMS key", disabled_key, "Disabled", "Enable it"),
]


@pytest.mark.parametrize(
    ("subject", "broken", "told", "remedy"), MISSING, ids=[f"{m[0]}: {m[2]}" for m in MISSING]
)
def test_each_missing_item_is_named_with_its_remedy(
    account: Account, subject: str, broken: Break, told: str, remedy: str
) -> None:
    found = lacking(broken(account))
    assert told in found[subject] and remedy in found[subject].partition(" | ")[2]


def test_missing_queue_or_bucket(account: Account) -> None:
    gone = account.queue.replace("ended-", "no-such-")
    assert "no such queue" in lacking(account.publishes(completions=gone))["queue"]
    nowhere = Writes(**account.reached(output=Output(bucket="no-such-bucket-here")))
    found = lacking(list(check(Entry("speech", nowhere, "no-such-ingest-here"))))
    assert "no such bucket" in found["ingest bucket"] and "no such bucket" in found["output bucket"]
    assert "write" not in found, "of a bucket that is not there nothing more is asked"
    folder = RekognitionOptions(**account.reached(completions=None))
    found = lacking(list(check(Entry("cloud", folder, None))))
    assert "S3_BUCKET" in found["ingest bucket"] and "only polled" in found["queue"]


def test_a_bucket_in_another_region_is_named_with_both(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = servers["moto"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    account = set_up(server)
    name = f"far-{uuid.uuid4().hex[:12]}"
    account.client("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": ELSEWHERE}
    )
    options = RekognitionOptions(**account.reached(completions=None))
    found = lacking(list(check(Entry("cloud", options, name))))
    assert ELSEWHERE in found["ingest bucket"] and REGION in found["ingest bucket"]


def test_each_denied_right_is_named(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", servers["moto"].endpoint)
    account = set_up(servers["moto"])
    with answering(Answer(status=403, code="AccessDenied")) as (server, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint)
        found = lacking(account.writes())
    assert f"Allow s3:ListBucket on {account.ingest}" in found["ingest bucket"]
    assert f"Allow s3:ListBucket on {account.output}" in found["output bucket"]
    with answering(Answer(), Answer(status=403, code="AccessDenied")) as (server, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint)
        found = lacking(account.publishes())
    assert "the pipeline itself does without" in found["versioning"]
    assert "Allow s3:ListBucket and s3:GetObject" in found["read"]


def test_right_used_only_by_the_check_is_a_warning(account: Account) -> None:
    denied = Answer(status=403, code="AccessDenied")
    denied = replace(denied, headers={"x-amzn-query-error": "AccessDenied;Sender"})
    with answering(denied) as (server, _):
        found = account.publishes(completions=f"{server.endpoint}/1/ended")
    (queue,) = [one for one in found if one.level != "ok"]
    assert (queue.subject, queue.level) == ("queue", "warning")
    assert "sqs:GetQueueAttributes" in queue.remedy and "entry's `role`" in queue.remedy


def test_missing_credentials_are_the_only_finding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (one,) = check(Entry("cloud", RekognitionOptions(region=REGION), "videos"))
    assert one.subject == "credentials" and "AWS_PROFILE" in one.remedy


SOURCE = "arn:aws:sns:us-east-1:1:t"
BY_ACCOUNT = {"StringEquals": {"aws:SourceAccount": "1"}}


@pytest.mark.parametrize(
    ("statement", "allowed", "why"),
    [
        (sender("sns.amazonaws.com", SOURCE), True, "of this topic"),
        (sender("sns.amazonaws.com", "arn:aws:sns:*:1:*"), True, "of any of the account"),
        (sender("sns.amazonaws.com", "arn:aws:sns:us-east-1:1:u"), False, "of another topic"),
        (sender("events.amazonaws.com", SOURCE), False, "another service"),
        ({**sender("sns.amazonaws.com", SOURCE), "Effect": "Deny"}, False, "it denies"),
        ({**sender("sns.amazonaws.com", SOURCE), "Action": "sqs:*"}, True, "may do all"),
        ({**sender("sns.amazonaws.com", SOURCE), "Action": ["sqs:Get*"]}, False, "may not send"),
        ({**sender("sns.amazonaws.com", SOURCE), "Condition": BY_ACCOUNT}, True, "by account"),
        ({**sender("x", SOURCE), "Principal": "*"}, True, "anybody for this topic"),
        ({**sender("x", SOURCE), "Principal": {"AWS": "*"}}, True, "written otherwise"),
    ],
)
def test_a_queue_s_policy_is_understood(statement: dict[str, Any], allowed: bool, why: str) -> None:
    policy = json.dumps({"Statement": statement})
    assert allows(policy, "sns.amazonaws.com", SOURCE) is allowed, why
    assert not allows("", "sns.amazonaws.com", SOURCE)


def test_subscriptions_that_repeat_their_pages_raise() -> None:
    page = {"Subscriptions": [], "NextToken": "a"}
    client = SimpleNamespace(list_subscriptions_by_topic=lambda **_: page)
    entry: Any = SimpleNamespace(client=lambda _: client)
    with pytest.raises(ConfigurationError, match="does not end"):
        subscribers(entry, "arn:aws:sns:us-east-1:123456789012:AmazonRekognition")
