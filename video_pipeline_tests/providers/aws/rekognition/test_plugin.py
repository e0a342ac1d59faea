"""What is planned, refused and metered before and after, without a word to anybody."""

import json
from fractions import Fraction
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator
from pydantic import ValidationError

from video_pipeline.domain.media import AudioStream, MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.analysis.planner import Assigner, Subject
from video_pipeline.pipeline.selection.choice import choice_of
from video_pipeline.plugins.base import AnalysisRequest, Refusal
from video_pipeline_tests.providers.aws.rekognition.rekognising import (
    EVERYTHING,
    TOPIC,
    TOPIC_ROLE,
    media,
    options,
    plugin,
    unit,
    units,
)

SQS = "https://sqs.us-east-1.amazonaws.com/123456789012/ended"


def test_job_for_shots_and_cues_meters_both() -> None:
    (planned,) = units(plugin(), ["shot", "technical-cue"], media(Fraction(601, 10)))
    assert planned.request.operation == "StartSegmentDetection"
    assert planned.request.parameters["SegmentTypes"] == ["SHOT", "TECHNICAL_CUE"]
    assert [(u.dimension, u.quantity, u.paid) for u in planned.planned] == [
        ("shot", 61, True),
        ("technical-cue", 61, True),
    ]


def test_only_requested_kinds_are_sent_and_paid() -> None:
    planned = unit(plugin(), "shot")
    assert planned.request.parameters["SegmentTypes"] == ["SHOT"]
    assert "TechnicalCueFilter" not in str(planned.request.parameters["Filters"])
    assert [u.dimension for u in planned.planned] == ["shot"]


def test_labels_and_objects_are_one_paid_analysis() -> None:
    (planned,) = units(plugin(), ["label", "object"], media())
    assert [u.dimension for u in planned.planned] == ["label"]


def test_only_segments_are_known_to_the_frame() -> None:
    assert plugin(kinds=("shot", "technical-cue")).capabilities().precision == "frame"
    assert plugin(kinds=("shot", "face")).capabilities().precision == "sampled"


def test_separately_paid_kinds_are_offered_only_if_named() -> None:
    usual = plugin(kinds=("shot", "technical-cue", "label", "object"))
    assert usual.capabilities().kinds == ("shot", "technical-cue", "label", "object")
    refused = usual.plan(AnalysisRequest(media=media(), kinds=("face",)))
    assert isinstance(refused, Refusal) and "face" in refused.reason


def test_requests_match_the_service_model() -> None:
    made = plugin(labels=("Dog",), labels_not=("Cat",), categories_not=("Weapons and Military",))
    model = get_session().get_service_model("rekognition")
    for planned in units(made, EVERYTHING, media()):
        asked = {k: v for k, v in planned.request.parameters.items() if k != "options"}
        shape = model.operation_model(planned.request.operation).input_shape
        video = {"S3Object": {"Bucket": "videos", "Name": "a.mp4"}}
        report = ParamValidator().validate({"Video": video, **asked}, shape)
        assert not report.has_errors(), report.generate_report()
        named = {"ClientRequestToken": planned.id, "JobTag": f"{planned.request.key}/{planned.id}"}
        assert set(named) < set(shape.members)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"size": 10 * 1024**3 + 1}, "larger than"),
        ({"duration": Fraction(6 * 3600 + 1)}, "longer than 21600 s"),
        ({"container": "matroska"}, "matroska"),
    ],
)
def test_request_that_aws_would_refuse_is_refused(changed: dict[str, Any], reason: str) -> None:
    of = media().model_copy(update=changed)
    refused = plugin().plan(AnalysisRequest(media=of, kinds=("shot",), uri="s3://videos/a.mp4"))
    assert isinstance(refused, Refusal) and reason in refused.reason


def test_unsupported_codec_store_or_region_is_named() -> None:
    of = media()
    assert of.video
    hevc = of.model_copy(update={"video": of.video.model_copy(update={"codec": "hevc"})})
    sound = MediaInfo(**(of.model_dump() | {"video": None, "audio": None})).model_copy(
        update={
            "audio": AudioStream(codec="h264", sample_rate=8000, channels=1, duration=of.duration)
        }
    )
    for made, given, uri, reason in (
        (plugin(), hevc, "s3://videos/a.mp4", "hevc"),
        (plugin(), of, "file:///videos/a.mp4", "s3://"),
        (plugin(), sound, "s3://videos/a.mp4", "no picture"),
        (plugin(region="eu-north-1"), of, "s3://videos/a.mp4", "eu-north-1"),
    ):
        refused = made.plan(AnalysisRequest(media=given, kinds=("shot",), uri=uri))
        assert isinstance(refused, Refusal) and reason in refused.reason


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"topic": TOPIC}, "go together"),
        ({"topic": TOPIC.replace("us-east-1", "eu-west-1"), "topic_role": TOPIC_ROLE}, "region"),
        ({"completions": SQS}, "needs topic and topic_role"),
        ({"kinds": ("label",)}, "one analysis"),
        ({"deadline_hours": 168}, "deadline_hours"),
        ({"region": "nowhere"}, "region"),
        ({"shot_confidence": 40}, "shot_confidence"),
        ({"labels": ("Dog & Cat",)}, "labels"),
        ({"categories_not": ("Été",)}, "categories_not"),
        ({"topic": TOPIC.replace("aws", "aws-cn", 1), "topic_role": TOPIC_ROLE}, "topic"),
        ({"topic": TOPIC, "topic_role": TOPIC_ROLE.replace("aws", "aws-cn", 1)}, "topic_role"),
        ({"topic": TOPIC, "topic_role": f"{TOPIC_ROLE} of ours"}, "topic_role"),
    ],
)
def test_options_that_cannot_work_are_refused(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        options(**given)


def test_connection_options_are_not_part_of_the_request() -> None:
    one = plugin(kinds=EVERYTHING)
    other = plugin(
        "http://127.0.0.1:1",
        topic=TOPIC,
        topic_role=TOPIC_ROLE,
        completions=SQS,
        concurrent_jobs=5,
        profile="other",
        read_seconds=5,
    )
    for phase in Phase:
        assert choice_of(one, phase, None) == choice_of(other, phase, None)
    assert unit(one, "shot").id == unit(other, "shot").id


def test_option_of_one_analysis_does_not_change_others() -> None:
    one, other = plugin(), plugin(label_confidence=70)
    assert unit(one, "shot").id == unit(other, "shot").id
    assert unit(one, "label").id != unit(other, "label").id
    assert choice_of(one, Phase.SHOTS, None) == choice_of(other, Phase.SHOTS, None)
    assert choice_of(one, Phase.OBJECTS, None) != choice_of(other, Phase.OBJECTS, None)


def test_added_kind_makes_phase_stale_and_pays_only_itself() -> None:
    few = plugin(kinds=("shot", "label", "object"))
    many = plugin(kinds=("shot", "label", "object", "face"))
    assert choice_of(few, Phase.SHOTS, None) == choice_of(many, Phase.SHOTS, None)
    assert choice_of(few, Phase.OBJECTS, None) != choice_of(many, Phase.OBJECTS, None)
    key = VideoKey(project="acme", video="a")
    before, after = (
        Assigner(key, "5a" * 32, Subject(media(), None, "")).plan("aws", made, [Phase.OBJECTS])
        for made in (few, many)
    )
    assert [one.request for one in before] == [one.request for one in after[:1]]
    assert [one.request.operation for one in after[1:]] == ["StartFaceDetection"]


def test_account_is_from_options_or_role() -> None:
    assert plugin().account == "123456789012"
    role = "arn:aws:iam::210987654321:role/video"
    assert plugin(account=None, role=role).account == "210987654321"
    assert plugin(account=None).account == "default"


def test_usage_is_by_the_length_that_aws_saw() -> None:
    made, of = plugin(), media(60)
    (planned,) = units(made, ["shot", "technical-cue"], of)
    listed = {"Segments": [], "VideoMetadata": [{"DurationMillis": 59_001}]}
    used = made.usage(planned.request, of, iter([json.dumps(listed).encode()]))
    assert [(u.dimension, u.quantity, u.measured) for u in used] == [
        ("shot", 60, "derived"),
        ("technical-cue", 60, "derived"),
    ]
    labels = unit(made, "label", of)
    single = {"Labels": [], "VideoMetadata": {"DurationMillis": 58_000}}
    (one,) = made.usage(labels.request, of, iter([json.dumps(single).encode()]))
    assert (one.dimension, one.quantity) == ("label", 58)
    (planned_only,) = made.usage(labels.request, of, iter([b'{"Labels": []}']))
    assert planned_only.quantity == 60


def test_all_analyses_share_the_slots_of_an_account_and_region() -> None:
    made = plugin(concurrent_jobs=7)
    slots = {made.slots(one.request.operation) for one in units(made, EVERYTHING, media())}
    assert [(one.shared_by, one.limit) for one in slots] == [("video", 7)]


def test_job_deadline_is_before_its_result_expires() -> None:
    assert plugin().deadline_seconds == 24 * 3600
    assert plugin(deadline_hours=160).deadline_seconds < 7 * 24 * 3600


def test_jobs_cannot_be_cancelled_and_need_queue_for_events() -> None:
    made = plugin()
    assert made.cancel("LabelDetection/1") is False and not made.capabilities().cancellable
    assert list(made.listen()) == []
    made.acknowledge([])
