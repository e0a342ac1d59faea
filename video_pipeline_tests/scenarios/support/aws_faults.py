"""The faults that are injected while a backlog at AWS is processed, and whether each occurred."""

from collections.abc import Sequence

from video_pipeline.testing import Fault
from video_pipeline_tests.scenarios.support.aws_backlog import Account
from video_pipeline_tests.scenarios.support.aws_verdict import Claim

# Videos that AWS refuses as too large, and those whose analysis or transcription always fails.
_REFUSED, _BROKEN, _UNREADABLE = "acme/v0033", "globex/v0011", "initech/v0001"
_FAILING = frozenset(
    f"{video} {phase}" for video in (_REFUSED, _BROKEN) for phase in ("shots", "events")
) | {f"{_UNREADABLE} transcript"}


def failing_of(keys: Sequence[str]) -> frozenset[str]:
    """Return the phases of these videos that must fail, as `acme/v0033 shots`."""
    return frozenset(one for one in _FAILING if one.split()[0] in keys)


def inject(account: Account, keys: Sequence[str]) -> None:
    """Inject the recurring faults, and the faults of single videos that are among these keys."""
    starts, gets = "Start*", "Get*"
    lasting = [
        ("throttled", starts, 10, 40, 3), ("server_error", starts, 23, 20, 3),
        ("reply_lost", starts, 31, 20, 3), ("throttled", gets, 40, 40, 3),
        ("truncated", gets, 101, 5, 3), ("event_lost", starts, 37, 15, 3),
        ("event_twice", starts, 37, 15, 5), ("event_before_reply", starts, 37, 15, 7),
    ]  # fmt: skip
    for double in (account.rekognition, account.transcribe):
        for what, operation, every, times, skip in lasting:
            double.inject(
                Fault(what=what, operation=operation, every=every, times=times, skip=skip)
            )
    expired = Fault(what="page_token_expired", operation=gets, later_pages=True, every=9, times=30)
    account.rekognition.inject(expired)
    for what, video, double in (
        ("video_too_large", _REFUSED, account.rekognition),
        ("job_failed", _BROKEN, account.rekognition),
        ("job_failed", _UNREADABLE, account.transcribe),
    ):
        if video in keys:
            name = f"*{video.replace('/', '/videos/')}/*"
            double.inject(Fault(what=what, operation=starts, video=name, times=None))


def of_faults(account: Account) -> Claim:
    """Claim that each fault occurred at least once."""
    doubles = {"video": account.rekognition, "words": account.transcribe}
    told = [(name, fault) for name, double in doubles.items() for fault in double.faults()]
    never = [
        " ".join((name, fault["what"], fault["operation"], fault["video"]))
        for name, fault in told
        if not fault["hits"]
    ]
    seen = f"{sum(fault['hits'] for _, fault in told)} of {len(told)} kinds"
    return Claim("every fault was met", bool(told) and not never, never or seen)
