"""Work units that wait for their turn at the vendor, of videos that were probed."""

from video_pipeline.domain.fair_turns import paid_seconds
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.source import Source
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.admission.slots import pool_of
from video_pipeline.pipeline.analysis.planner import Assigner, Subject
from video_pipeline.pipeline.services import Services


def put_into_backlog(
    services: Services, project: str, count: int, media: MediaInfo, *, provider: str
) -> list[WorkUnit]:
    """Units for the shots of that many videos, the first one oldest."""
    now, units = services.clock(), list[WorkUnit]()
    for number in range(count):
        key = VideoKey(project=project, video=f"v{number:04}")
        services.of(project).videos.register(_source(key), now)
        units.append(_waits(services, key, media, provider))
    return units


def _source(key: VideoKey) -> Source:
    object_key = f"{key.prefix}v.mp4"
    return Source(key=key, object_key=object_key, name=key.video, version="1", size=1)


def _waits(services: Services, key: VideoKey, media: MediaInfo, provider: str) -> WorkUnit:
    half, plugin = services.of(key.project), services.plugins[provider]
    half.videos.set_sha256(key.video, "1", media.sha256)
    half.videos.set_media(key.video, media.sha256, media)
    assigner = Assigner(key, media.sha256, Subject(media, None, ""))
    (planned,) = assigner.plan(provider, plugin, [Phase.SHOTS])
    unit = half.units.open(planned.request, 0, planned.usage, services.clock())
    pool = pool_of(plugin, planned.request)
    half.units.wait(unit.id, "waits for a slot", pool, paid_seconds(planned.usage))
    found = half.units.get(unit.id)
    assert found is not None
    return found
