"""What docs/providers/aws.cfn.yaml sets up: a template that cfn-lint passes, with policies that
cover each operation of AWS that the code calls, and give no right by a wildcard."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from ruamel.yaml import YAML

from video_pipeline.providers.aws.rekognition.analyses import ANALYSES
from video_pipeline.providers.aws.transcribe.request import PREFIX
from video_pipeline_tests.servers.environments import ROOT, interpreter

AWS = ROOT / "video_pipeline" / "providers" / "aws"
TEMPLATE = ROOT / "docs" / "providers" / "aws.cfn.yaml"
SERVICES = ("transcribe", "s3", "sqs", "sns", "iam", "events", "kms", "sts")
ACTIONS = {
    "s3:HeadObject": "s3:GetObject",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sts:GetCallerIdentity": None,
    "sts:AssumeRole": None,
}
"""The right that an operation needs where that is not called like it. Two need none here: anybody
may ask who it is, and who may assume a role stands in the role. Source: "Actions, resources, and
condition keys" of the service authorization reference."""


@cache
def template() -> Any:
    return YAML(typ="rt").load(TEMPLATE)


def of_role() -> set[str]:
    """All that `role` of the documented entries may do, by its policies together."""
    (attached,) = [template()["Resources"]["PipelineRole"]["Properties"]["ManagedPolicyArns"]]
    return set[str]().union(*(actions(policy.value) for policy in attached))


def actions(policy: str) -> set[str]:
    """All that a managed policy allows."""
    found: set[str] = set()
    for statement in _statements(template()["Resources"][policy]):
        assert statement["Effect"] == "Allow"
        given = statement["Action"]
        found |= {given} if isinstance(given, str) else {*given}
    return found


def _statements(node: Any) -> Iterator[Any]:
    """Statements, also those within an !If."""
    if isinstance(node, dict):
        if "Action" in node and "Effect" in node:
            yield node
        for child in node.values():
            yield from _statements(child)
    elif isinstance(node, list):
        for child in node:
            yield from _statements(child)


def operations(files: Iterator[Path]) -> set[str]:
    """The operations of AWS that these files call, as `service:Operation`."""
    session = botocore.session.get_session()
    named = {
        xform_name(operation): f"{service}:{operation}"
        for service in SERVICES
        for operation in session.get_service_model(service).operation_names
    }
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    calls = (node.func for node in nodes if isinstance(node, ast.Call))
    called = {function.attr for function in calls if isinstance(function, ast.Attribute)}
    # The reader of queues names its methods as text.
    called |= {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    return {named[name] for name in called if name in named}


def of_plugins() -> set[str]:
    """What the plugins and what they share call."""
    rooms = (AWS, AWS / "rekognition", AWS / "transcribe", ROOT / "video_pipeline" / "aws")
    found = (file for room in rooms for file in room.glob("*.py"))
    rekognition = {
        f"rekognition:{name}" for analysis in ANALYSES for name in (analysis.start, analysis.get)
    }
    # Only the notifications of arrivals set messages aside.
    return operations(found) - {"sqs:SendMessage"} | rekognition


def needed(operations: set[str]) -> set[str]:
    rights = {ACTIONS.get(operation, operation) for operation in operations}
    return {right for right in rights if right is not None}


def test_template_passes_cfn_lint() -> None:
    lint = [str(interpreter("moto").with_name("cfn-lint")), str(TEMPLATE)]
    found = subprocess.run(lint, capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, found.stdout[-4000:] + found.stderr[-2000:]


def test_roles_allow_every_call_of_the_plugins() -> None:
    called = of_plugins()
    assert {"rekognition:StartSegmentDetection", "s3:HeadObject", "sqs:ReceiveMessage"} <= called
    assert needed(called) - actions("SubmitPolicy") - actions("CollectPolicy") == set()


def test_collecting_role_cannot_start_jobs() -> None:
    assert not [action for action in actions("CollectPolicy") if ":Start" in action]


def test_documented_role_allows_pipeline_and_check() -> None:
    checked = operations((AWS / "check").glob("*.py"))
    assert {"sns:GetTopicAttributes", "events:DescribeRule", "s3:AbortMultipartUpload"} <= checked
    assert needed(checked | of_plugins()) - of_role() == set()


def test_only_own_transcribe_jobs_send_events() -> None:
    resources = template()["Resources"]
    detail = resources["TranscribeRule"]["Properties"]["EventPattern"]["detail"]
    assert detail["TranscriptionJobName"] == [{"prefix": PREFIX}]
    for policy in ("SubmitPolicy", "CollectPolicy"):
        (looks,) = [
            statement
            for statement in _statements(resources[policy])
            if "transcribe:GetTranscriptionJob" in statement["Action"]
        ]
        assert looks["Resource"].value.endswith(f":transcription-job/{PREFIX}*")


@pytest.mark.parametrize(
    "name", ["SubmitPolicy", "CollectPolicy", "CheckPolicy", "NotificationRole"]
)
def test_no_right_is_given_by_a_wildcard(name: str) -> None:
    assert not [action for action in actions(name) if "*" in action]


def test_the_documentation_names_each_part() -> None:
    text = (ROOT / "docs" / "providers" / "aws.md").read_text()
    parts = [*template()["Parameters"], *template()["Outputs"]]
    assert not [name for name in parts if f"`{name}`" not in text]
