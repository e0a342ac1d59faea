"""A transcription job, and its form in replies. Time is an argument."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

from video_pipeline.testing.service import Call, Refused
from video_pipeline_tests.doubles.aws.transcribe.refusals import FOREIGN, ODD_STATUS
from video_pipeline_tests.doubles.aws.transcribe.results import Speech

QUEUED, RUNNING, COMPLETED, FAILED = "QUEUED", "IN_PROGRESS", "COMPLETED", "FAILED"
UNDOCUMENTED = "PAUSED"
_ECHOED = (
    *("MediaFormat", "Media", "Settings", "ModelSettings", "JobExecutionSettings"),
    *("ContentRedaction", "IdentifyLanguage", "IdentifyMultipleLanguages", "LanguageOptions"),
    *("Tags", "LanguageIdSettings", "ToxicityDetection", "LanguageCode"),
)
_SUMMARISED = (
    *("TranscriptionJobName", "CreationTime", "StartTime", "CompletionTime", "LanguageCode"),
    *("TranscriptionJobStatus", "FailureReason", "ContentRedaction", "IdentifyLanguage"),
    *("IdentifyMultipleLanguages", "LanguageCodes"),
)


@dataclass(eq=False)
class Job:
    """One transcription job."""

    call: Call
    speech: Speech
    quirks: dict[str, str]
    """Faults of this job, each with the vendor's message."""
    created: float
    starts: float | None
    ends: float | None
    """When it leaves the queue, and when it ends. None: never."""
    status: str = QUEUED
    reason: str = ""

    @property
    def request(self) -> dict[str, Any]:
        """Return the parameters of the request."""
        return self.call.request

    @property
    def name(self) -> str:
        """Return the job's name, unique in the account and region."""
        return self.request["TranscriptionJobName"]

    @property
    def failure(self) -> str | None:
        """Return the reason why the job will fail, or None."""
        return self.quirks.get("job_failed") or self.quirks.get("no_audio")

    def outputs(self) -> dict[str, str]:
        """Return the keys of the results in the customer's bucket, by the member of the reply."""
        key = self.request.get("OutputKey", "")
        key = f"{key}{self.name}.json" if key == "" or key.endswith("/") else key
        folder, slash, file = key.rpartition("/")
        hidden = f"{folder}{slash}redacted-{file}"
        wanted = self.request.get("ContentRedaction", {}).get("RedactionOutput")
        plain = {} if wanted == "redacted" else {"TranscriptFileUri": key}
        return plain | ({"RedactedTranscriptFileUri": hidden} if wanted else {})

    def told(self) -> dict[str, Any]:
        """Return the TranscriptionJob of a reply."""
        told = {name: self.request[name] for name in _ECHOED if name in self.request}
        told |= {
            "TranscriptionJobName": self.name,
            "TranscriptionJobStatus": self.status,
            "CreationTime": self.created,
        }
        if self.status != QUEUED:
            told["StartTime"] = self.starts or self.created
        if self.status in (COMPLETED, FAILED):
            told["CompletionTime"] = self.ends or self.created
        if self.reason:
            told["FailureReason"] = self.reason
        return told | (self._found() if self.status == COMPLETED else {})

    def _found(self) -> dict[str, Any]:
        region = self.call.region
        bucket = self.request.get("OutputBucketName", f"aws-transcribe-{region}-prod")
        place = f"https://s3.{region}.amazonaws.com/{bucket}"
        found: dict[str, Any] = {
            "Transcript": {member: f"{place}/{key}" for member, key in self.outputs().items()}
        }
        languages = self.speech.languages
        if self.request.get("IdentifyMultipleLanguages"):
            share = self.speech.seconds / len(languages)
            found["LanguageCodes"] = [
                {"LanguageCode": code, "DurationInSeconds": share} for code in languages
            ]
        elif self.request.get("IdentifyLanguage"):
            found |= {"LanguageCode": languages[0], "IdentifiedLanguageScore": 0.9731}
        return found

    def summary(self) -> dict[str, Any]:
        """Return the TranscriptionJobSummary of a reply."""
        told = self.told()
        own = "OutputBucketName" in self.request
        place = "CUSTOMER_BUCKET" if own else "SERVICE_BUCKET"
        return {name: told[name] for name in _SUMMARISED if name in told} | {
            "OutputLocationType": place
        }

    def entry(self) -> dict[str, Any]:
        """Return the job's entry in the books."""
        return {
            "name": self.name,
            "account": self.call.account,
            "region": self.call.region,
            "media": self.request["Media"].get("MediaFileUri"),
            "status": self.status,
            "faults": sorted(self.quirks),
            "seconds": self.speech.billed_seconds if self.status == COMPLETED else 0,
        }


def misreported(fault: str, told: dict[str, Any]) -> dict[str, Any]:
    """Return a TranscriptionJob as changed by a fault of a Get."""
    if fault == FOREIGN:
        return told | {"TranscriptionJobName": told["TranscriptionJobName"][::-1]}
    without = {name: told[name] for name in told if name not in ("Transcript", "CompletionTime")}
    return without | {"TranscriptionJobStatus": UNDOCUMENTED if fault == ODD_STATUS else RUNNING}


def media(request: dict[str, Any]) -> tuple[str, str]:
    """Return the bucket and key of a request's media, both empty if there are none."""
    found = request.get("Media")
    uri = urlparse(str(found.get("MediaFileUri", "")) if isinstance(found, dict) else "")
    return (uri.netloc, uri.path.lstrip("/")) if uri.scheme == "s3" else ("", "")


def check(request: dict[str, Any], vocabularies: tuple[str, ...] | None) -> None:
    """Raise Refused for combinations that botocore's model allows but the service refuses."""
    ways = ("LanguageCode", "IdentifyLanguage", "IdentifyMultipleLanguages")
    settings = request.get("Settings", {})
    wrong = ""
    if sum(bool(request.get(way)) for way in ways) != 1:
        wrong = f"You must specify exactly one of {', '.join(ways)}."
    elif bool(settings.get("ShowSpeakerLabels")) != ("MaxSpeakerLabels" in settings):
        wrong = "ShowSpeakerLabels and MaxSpeakerLabels must be given together."
    elif settings.get("ShowSpeakerLabels") and settings.get("ChannelIdentification"):
        wrong = "You can't specify both ShowSpeakerLabels and ChannelIdentification."
    elif "OutputKey" in request and "OutputBucketName" not in request:
        wrong = "OutputKey needs OutputBucketName."
    elif vocabularies is not None and settings.get("VocabularyName", "") not in ("", *vocabularies):
        wrong = "The requested vocabulary couldn't be found. Check the vocabulary name."
    if wrong:
        raise Refused("BadRequestException", wrong)
