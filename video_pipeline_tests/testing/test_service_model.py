"""Requests and replies are held against botocore's model, and against more than botocore checks."""

from typing import Any

import pytest

from video_pipeline.testing.service_model import ServiceModel

MODEL = ServiceModel("rekognition")
VIDEO = {"S3Object": {"Bucket": "videos", "Name": "a.mp4"}}


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({}, 'Missing required parameter in input: "Video"'),
        ({"Video": "a.mp4"}, "Invalid type"),
        ({"Video": VIDEO, "Colour": "red"}, 'Unknown parameter in input: "Colour"'),
        ({"Video": {"S3Object": {"Bucket": "no spaces", "Name": "a"}}}, "Bucket: 'no spaces'"),
        ({"Video": VIDEO, "ClientRequestToken": "x" * 65}, "65 long, at most 64"),
        ({"Video": VIDEO, "ClientRequestToken": "acme/a"}, "does not match"),
        ({"Video": VIDEO, "MinConfidence": 101}, "101 is more than 100"),
        ({"Video": VIDEO, "MinConfidence": -1}, "valid min value: 0"),
        ({"Video": VIDEO, "Features": ["ALL"]}, "none of GENERAL_LABELS"),
        ({"Video": VIDEO, "NotificationChannel": {"SNSTopicArn": "a"}}, '"RoleArn"'),
    ],
)
def test_invalid_request_is_reported_with_its_path(request_: dict[str, Any], said: str) -> None:
    assert said in "\n".join(MODEL.request_problems("StartLabelDetection", request_))


def test_valid_request_has_no_problems() -> None:
    asked = {"Video": VIDEO, "ClientRequestToken": "a-1_B", "JobTag": "acme:a/b=1", "Features": []}
    assert MODEL.request_problems("StartLabelDetection", asked) == []


def test_invalid_reply_is_reported() -> None:
    wrong = {"JobStatus": "DONE", "Labels": [{"Label": {"Confidence": 100.5}}]}
    told = "\n".join(MODEL.reply_problems("GetLabelDetection", wrong))
    assert "'DONE' is none of" in told
    assert "Labels[0].Label.Confidence: 100.5 is more than 100" in told


def test_values_of_a_map_are_checked() -> None:
    wrong = {"TranscriptionJobName": "a", "Media": {}, "LanguageIdSettings": {"xx-XX": {}}}
    told = ServiceModel("transcribe").request_problems("StartTranscriptionJob", wrong)
    assert "'xx-XX' is none of" in "\n".join(told)
