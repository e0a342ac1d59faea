"""Compare the stored results of a backlog at AWS with AWS's rows and the content of the videos.

The comparison makes requests to the doubles, which count in their books. Read the books before.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.markers import Kind
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.aws.tests.rekognition.asking import all_rows
from video_pipeline_tests.scenarios.support.aws_backlog import CUES, SHOTS, WORDS, Account
from video_pipeline_tests.scenarios.support.aws_verdict import Claim

_KINDS = {"SHOT": str(Kind.SHOT), "TECHNICAL_CUE": str(Kind.CUE)}
_FRAMES_PER_SECOND = 25

# Kind and first frame of each shot and cue, sorted.
Starts = list[tuple[str, int]]


def of_results(
    parts: Services, account: Account, keys: Sequence[str], failing: frozenset[str]
) -> list[Claim]:
    """Claim that exactly the expected shots, cues and words are stored.

    It clears the faults of the Rekognition double.
    """
    seen = [key for key in keys if f"{key} shots" not in failing]
    heard = [key for key in keys if f"{key} transcript" not in failing]
    return [of_markers(parts, account, seen), of_words(parts, heard)]


def of_markers(parts: Services, account: Account, keys: Sequence[str]) -> Claim:
    """Claim that shots and cues start at AWS's frames, and are as many as in the video."""
    told, total, wrong = _told(account, keys), 0, list[str]()
    for key in keys:
        found = _stored(parts, VideoKey.parse(key))
        total += len(found)
        within = {str(Kind.SHOT): SHOTS[int(key[-1])], str(Kind.CUE): CUES}
        if found != told.get(key) or Counter(kind for kind, _ in found) != within:
            wrong.append(f"{key}: stored {found}, told {told.get(key)}, within {within}")
    what = "shots and cues start at AWS's frames, and none is missing"
    return Claim(what, bool(keys) and not wrong, wrong[:3] or f"{total} of {len(keys)} videos")


def of_words(parts: Services, keys: Sequence[str]) -> Claim:
    """Claim that as many words are stored as are spoken in the video."""
    total, wrong = 0, list[str]()
    for key in keys:
        video = VideoKey.parse(key)
        segments = parts.of(video.project).results.segments(video.video)
        found = sum(len(segment.words) for segment in segments)
        total += found
        if found != WORDS[int(key[-1])]:
            wrong.append(f"{key}: {found} of {WORDS[int(key[-1])]}")
    what = "words are as many as were spoken"
    return Claim(what, bool(keys) and not wrong, wrong[:3] or f"{total} of {len(keys)} videos")


def _stored(parts: Services, key: VideoKey) -> Starts:
    markers = parts.of(key.project).results.markers(key.video, [Phase.SHOTS, Phase.EVENTS])
    return sorted(
        (str(marker.kind), round(marker.range.start * _FRAMES_PER_SECOND)) for marker in markers
    )


def _told(account: Account, keys: Sequence[str]) -> dict[str, Starts]:
    """Return AWS's current rows of each video's succeeded job, by video."""
    account.rekognition.clear_faults()
    wanted, told, clients = set(keys), dict[str, Starts](), dict[tuple[str, str], Any]()
    for job in account.rekognition.books()["jobs"]:
        _, project, _, video, _ = job["video"].split("/")
        key = f"{project}/{video}"
        if job["status"] == "SUCCEEDED" and key in wanted:
            place = (job["account"], job["region"])
            if place not in clients:
                clients[place] = account.rekognition.client(
                    "rekognition", place[0], region=place[1]
                )
            told[key] = _starts(all_rows(clients[place], job["JobId"], "segment_detection"))
    return told


def _starts(rows: Iterable[dict[str, object]]) -> Starts:
    return sorted((_KINDS[str(row["Type"])], int(str(row["StartFrameNumber"]))) for row in rows)
