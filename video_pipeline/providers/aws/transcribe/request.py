"""The request to Amazon Transcribe for one video. Pure.

The rules are those of its model in botocore (StartTranscriptionJob) and of the developer guide,
read in November 2026.
"""

import hashlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.work import WorkUnit
from video_pipeline.providers.aws.transcribe.languages import REDACTED
from video_pipeline.providers.aws.transcribe.objects import There
from video_pipeline.providers.aws.transcribe.options import TranscribeOptions

PREFIX = "video-pipeline-"
# Seconds of audio; developer guide, "Guidelines and quotas".
SHORTEST = Fraction(1, 2)
# MediaFormat of a container as probing names it. WebM is Matroska with few codecs; AMR, which the
# service takes, is no container that we open.
FORMATS: Mapping[str, str] = {
    **{"mp4": "mp4", "m4a": "m4a", "mp3": "mp3", "wav": "wav", "flac": "flac"},
    **{"ogg": "ogg", "matroska": "webm"},
}
# Where the service has endpoints, by botocore 1.44.5.
REGIONS = frozenset({
    "af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1",
    "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-west-1",
    "eu-west-2", "eu-west-3", "me-south-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1",
    "us-west-2", "cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1",
})  # fmt: skip
PROJECT_TAG = "project_id"
VERSION_TAG, ETAG_TAG = "video-pipeline-version", "video-pipeline-etag"
_OPUS_ONLY = frozenset({"ogg", "matroska"})
_WEBM_VIDEO = frozenset({"vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d"})
# "Media with more than two channels isn't supported": developer guide, "Audio channels", read
# 2026-11-30. The service reads the object itself, so nobody can mix it down in between.
_CHANNELS = 2
# Hertz: "The sample rate must be between 8,000 and 48,000 hertz", FailureReason in botocore 1.44.5.
_SLOWEST, _FASTEST = 8_000, 48_000
# For how many languages, where the language is to be identified: LanguageIdSettings of the
# service's model.
_FEWEST_VOCABULARIES, _MOST_VOCABULARIES = 2, 5


def name_of(unit: str, uri: str) -> str:
    """Return the name of a work unit's job. A failed unit is followed by one with another id, so no
    name is used again. The address separates deployments that share an account and a video."""
    return f"{PREFIX}{unit}-{hashlib.sha256(uri.encode()).hexdigest()[:8]}"


def obstacle(options: TranscribeOptions, media: MediaInfo, language: str | None) -> str | None:
    """Return why the service would refuse, beyond the declared capabilities, or None."""
    if options.region not in REGIONS and not options.endpoint:
        return f"is not there in region {options.region}"
    return _media_obstacle(media) or _language_obstacle(options, language)


def _media_obstacle(media: MediaInfo) -> str | None:
    audio = media.audio
    if audio is None:
        return "there is no audio"
    if audio.duration < SHORTEST:
        return f"its audio is shorter than {float(SHORTEST):g} s"
    if audio.channels > _CHANNELS:
        return (
            f"its audio has {audio.channels} channels, and {_CHANNELS} are the most: deliver it"
            " mixed down to stereo, or choose a provider that is fed by us"
        )
    if not _SLOWEST <= audio.sample_rate <= _FASTEST:
        return (
            f"its audio has {audio.sample_rate:,} samples a second, and {_SLOWEST:,} to"
            f" {_FASTEST:,} are taken: deliver it resampled, or choose a provider that is fed by us"
        )
    if media.container in _OPUS_ONLY and audio.codec not in ("opus", "libopus"):
        return f"takes Opus only in {media.container} files, not {audio.codec}"
    if media.container == "matroska" and media.video and media.video.codec not in _WEBM_VIDEO:
        return f"takes Matroska only as WebM, and {media.video.codec} is no video of WebM"
    return None


def _language_obstacle(options: TranscribeOptions, language: str | None) -> str | None:
    code, among = _codes(options, language)
    if options.redact and code is None:
        return "does not redact where the language is to be identified: name one"
    if options.redact and code not in REDACTED:
        return f"does not redact in {code}, only in {', '.join(sorted(REDACTED))}"
    named = _by_code(options, options.vocabularies), _by_code(options, options.vocabulary_filters)
    needed = set[str]().union(*named)
    if code is None and needed - set(among):
        return (
            "has vocabularies for languages that are not among `languages`,"
            f" where the language is to be identified: {', '.join(sorted(needed - set(among)))}"
        )
    enough = _FEWEST_VOCABULARIES <= len(needed) <= _MOST_VOCABULARIES
    if code is None and needed and not enough:
        return (
            f"takes vocabularies for {_FEWEST_VOCABULARIES} to {_MOST_VOCABULARIES} languages,"
            f" where the language is to be identified, not for {len(needed)}"
        )
    return None


def job_request(
    options: TranscribeOptions, unit: WorkUnit, media: MediaInfo, source: There
) -> dict[str, Any]:
    """Return the parameters of StartTranscriptionJob."""
    asked = unit.request.parameters.get("language")
    return {
        "TranscriptionJobName": name_of(unit.id, source.uri),
        "Media": {"MediaFileUri": source.uri},
        "MediaFormat": FORMATS[media.container],
        **_language(options, str(asked) if asked else None),
        **_redaction(options),
        **_output(options, unit),
        **_deferral(options),
        "Tags": _tags(options, unit, source),
    }


def differences(request: Mapping[str, Any], job: Mapping[str, Any]) -> list[str]:
    """Return the members in which a recorded job differs from a request. Output, tags and the
    identified language do not count."""
    compared = {"Media", "MediaFormat", "IdentifyLanguage", "IdentifyMultipleLanguages"}
    compared |= {"LanguageOptions", "LanguageIdSettings", "Settings", "ContentRedaction"}
    if "LanguageCode" in request:
        compared.add("LanguageCode")
    return sorted(name for name in compared if _plain(request, name) != _plain(job, name))


def _plain(members: Mapping[str, Any], name: str) -> Any:
    """Return a member without values that are off or empty, which the service may leave out."""
    value = members.get(name)
    if isinstance(value, Mapping):
        return {k: _plain(value, k) for k in value if _plain(value, k)} or None
    return sorted(value) if isinstance(value, list) else value or None


def _codes(options: TranscribeOptions, language: str | None) -> tuple[str | None, Sequence[str]]:
    """Return the one language, or those among which it is identified: none for any."""
    if language:
        return options.code_of(language), ()
    among = [options.code_of(one) for one in options.languages]
    return (among[0], ()) if len(among) == 1 else (None, among)


def _by_code(options: TranscribeOptions, names: Mapping[str, str]) -> dict[str, str]:
    return {options.code_of(language): name for language, name in names.items()}


def _language(options: TranscribeOptions, language: str | None) -> dict[str, Any]:
    """Return exactly one of the three ways to name the language, with its vocabularies."""
    code, among = _codes(options, language)
    words = _by_code(options, options.vocabularies)
    filters = _by_code(options, options.vocabulary_filters)
    settings: dict[str, Any] = {}
    if options.speakers:
        settings |= {"ShowSpeakerLabels": True, "MaxSpeakerLabels": options.speakers}
    if code:
        if code in words:
            settings["VocabularyName"] = words[code]
        if code in filters:
            settings |= {"VocabularyFilterName": filters[code]}
            settings |= {"VocabularyFilterMethod": options.filter_method}
        return {"LanguageCode": code, **({"Settings": settings} if settings else {})}
    if filters:
        settings["VocabularyFilterMethod"] = options.filter_method
    several = options.identify == "several"
    asked: dict[str, Any] = {
        "IdentifyMultipleLanguages" if several else "IdentifyLanguage": True,
        "LanguageOptions": list(among),
        "LanguageIdSettings": _per_language(words, filters),
        "Settings": settings,
    }
    return {name: value for name, value in asked.items() if value}


def _per_language(words: Mapping[str, str], filters: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, dict[str, str]] = {}
    for member, names in (("VocabularyName", words), ("VocabularyFilterName", filters)):
        for code, name in names.items():
            found.setdefault(code, {})[member] = name
    return found


def _redaction(options: TranscribeOptions) -> dict[str, Any]:
    if not options.redact:
        return {}
    redaction = {
        "RedactionType": "PII",
        "RedactionOutput": "redacted",
        "PiiEntityTypes": sorted(options.redact),
    }
    return {"ContentRedaction": redaction}


def _output(options: TranscribeOptions, unit: WorkUnit) -> dict[str, str]:
    """Return the output, always in our bucket: the service's is readable for 15 minutes only."""
    place = f"{options.output.prefix}{unit.request.key.raw_prefix}{unit.id}/transcribe.json"
    output = {"OutputBucketName": options.output.bucket, "OutputKey": place}
    return output | ({"OutputEncryptionKMSKeyId": options.kms_key} if options.kms_key else {})


def _deferral(options: TranscribeOptions) -> dict[str, Any]:
    if not options.deferred:
        return {}
    role = {"AllowDeferredExecution": True, "DataAccessRoleArn": options.data_access_role}
    return {"JobExecutionSettings": role}


def _tags(options: TranscribeOptions, unit: WorkUnit, source: There) -> list[dict[str, str]]:
    """Return the project's tag for the bill, and the object's version for the end of the job."""
    meant = {VERSION_TAG: source.version, ETAG_TAG: source.etag}
    own = {PROJECT_TAG: unit.request.key.project, **meant}
    return [{"Key": key, "Value": value} for key, value in (dict(options.tags) | own).items()]
