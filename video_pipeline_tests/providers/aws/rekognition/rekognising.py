"""Videos, options, units and a double of Rekognition, for the tests of its plugin."""

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from pydantic import SecretStr

from video_pipeline.domain.media import MediaInfo, VideoStream
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import phases_of
from video_pipeline.domain.time import FrameRate
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit, unit_id
from video_pipeline.plugins.base import AnalysisRequest, Refusal
from video_pipeline.plugins.inputs import Inputs, ObjectRef
from video_pipeline.providers.aws.rekognition.options import RekognitionOptions
from video_pipeline.providers.aws.rekognition.plugin import RekognitionPlugin

EVERYTHING = ("shot", "technical-cue", "label", "object", "text", "face", "moderation")
_THEN = datetime(2026, 1, 1, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-east-1:123456789012:AmazonRekognition-ended"
TOPIC_ROLE = "arn:aws:iam::123456789012:role/tells"


def options(endpoint: str | None = None, **more: Any) -> RekognitionOptions:
    given: dict[str, Any] = {
        "region": "us-east-1",
        "endpoint": endpoint,
        "account": "123456789012",
        "access_key_id": SecretStr("123456789012"),
        "secret_access_key": SecretStr("testing"),
        "kinds": EVERYTHING,
    }
    return RekognitionOptions.model_validate(given | more)


def plugin(endpoint: str | None = None, **more: Any) -> RekognitionPlugin:
    return RekognitionPlugin(options(endpoint, **more))


def media(
    seconds: Fraction | int = 60, rate: Fraction | int = 25, *, variable: bool = False
) -> MediaInfo:
    length, per_second = Fraction(seconds), Fraction(rate)
    return MediaInfo(
        container="mp4",
        size=1_000_000,
        sha256="5a" * 32,
        duration=length,
        audio=None,
        video=VideoStream(
            codec="h264",
            width=1280,
            height=720,
            frame_rate=FrameRate(per_second=per_second),
            time_base=1 / per_second,
            variable_rate=variable,
            duration=length,
            frames=None,
        ),
    )


def units(made: RekognitionPlugin, kinds: Sequence[str], of: MediaInfo) -> list[WorkUnit]:
    """The units that a plugin plans for some kinds."""
    planned = made.plan(AnalysisRequest(media=of, kinds=tuple(kinds), uri="s3://videos/a.mp4"))
    assert not isinstance(planned, Refusal), planned
    return [
        _unit(
            WorkRequest(
                key=VideoKey(project="acme", video="a"),
                content=of.sha256,
                provider="aws",
                plugin=made.name,
                account=made.account,
                region=made.region,
                operation=plan.operation,
                phases=phases_of(plan.kinds),
                kinds=plan.kinds,
                parameters={**plan.parameters, "options": made.options_for(plan.kinds)},
                model=plan.model,
            )
        ).model_copy(update={"planned": plan.usage})
        for plan in planned
    ]


def unit(made: RekognitionPlugin, kind: str, of: MediaInfo | None = None) -> WorkUnit:
    """The one unit that it plans for a kind."""
    (planned,) = units(made, [kind], of or media())
    return planned


def _unit(request: WorkRequest) -> WorkUnit:
    return WorkUnit(
        id=unit_id(request, 0),
        request=request,
        generation=0,
        state=UnitState.SUBMITTING,
        planned=(),
        created_at=_THEN,
        updated_at=_THEN,
    )


def inputs(uri: str = "s3://videos/a.mp4", version: str = "v1") -> Inputs:
    return Inputs(object=ObjectRef(uri=uri, version=version))
