"""Shorthands for a client's requests to Transcribe."""

import json
import time
from typing import Any

PATIENCE_SECONDS = 15
KEY = "acme/a.mp4"


def put_media(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key=KEY, Body=b"media")


def start(client: Any, bucket: str, name: str = "unit-1", **more: Any) -> dict[str, Any]:
    asked = {
        "TranscriptionJobName": name,
        "Media": {"MediaFileUri": f"s3://{bucket}/{KEY}"},
        "OutputBucketName": bucket,
        "OutputKey": f"results/{name}.json",
        **({} if {"IdentifyLanguage", "IdentifyMultipleLanguages"} & more.keys() else ENGLISH),
        **more,
    }
    return client.start_transcription_job(**asked)["TranscriptionJob"]


ENGLISH = {"LanguageCode": "en-US"}


def get(client: Any, name: str = "unit-1") -> dict[str, Any]:
    return client.get_transcription_job(TranscriptionJobName=name)["TranscriptionJob"]


def ended(client: Any, name: str = "unit-1") -> dict[str, Any]:
    until = time.monotonic() + PATIENCE_SECONDS
    while (job := get(client, name))["TranscriptionJobStatus"] not in ("COMPLETED", "FAILED"):
        assert time.monotonic() < until, "the job does not end"
        time.sleep(0.02)
    return job


def result(s3: Any, bucket: str, key: str = "results/unit-1.json") -> dict[str, Any]:
    return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
