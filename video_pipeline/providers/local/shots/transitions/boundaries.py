"""Which cuts and transitions bound shots. Pure; frames are numbers.

Black is no shot of its own, and a plain colour that interrupts a shot does not cut it. So a fade
out and in again is one transition with one boundary, and fading in at the start or out at the end
bounds nothing.
"""

from collections.abc import Iterable, Iterator, Sequence

from video_pipeline.providers.local.shots.cuts import Cut
from video_pipeline.providers.local.shots.pages import FoundBy
from video_pipeline.providers.local.shots.transitions.extent import Transition
from video_pipeline.providers.local.shots.transitions.judged import CLEAR_RATIO
from video_pipeline.providers.local.shots.transitions.plain import Plain

# Frames by which a transition or cut may miss the plain colour that it belongs to.
_NEAR = 3
# Of a fade more, as it leaves a plain colour slowly.
_NEAR_FADE = 8
# A transition over fewer frames is a cut, where there is one.
_SHORT = 5


def settled(
    cuts: Iterable[Cut], transitions: Iterable[Transition], plain: Sequence[Plain], frames: int
) -> tuple[dict[int, FoundBy], list[Transition]]:
    """Return the boundaries by their frame, and the transitions."""
    cuts, transitions = list(cuts), list(transitions)
    cuts += [Cut(one.first, 0.0) for one in transitions if one.label == "cut"]
    kept = _without_clear_cuts((one for one in transitions if one.label != "cut"), cuts)
    found: dict[int, FoundBy] = {
        cut.frame: "cut" for cut in cuts if not any(_within(cut.frame, one) for one in kept)
    }
    for one in plain:
        kept = _joined_over(kept, one)
    for one in kept:
        if not _at_the_ends(one, plain, frames):
            found[one.middle] = one.label
    for one in plain:
        found = _without_plain(found, kept, one, frames)
    return dict(sorted(found.items())), kept


def _without_clear_cuts(transitions: Iterable[Transition], cuts: Sequence[Cut]) -> list[Transition]:
    """Leave out transitions that are the network's sight of a hard cut."""
    return [
        one
        for one in transitions
        if not any(
            one.first - _NEAR <= cut.frame <= one.last + _NEAR
            and (cut.ratio >= CLEAR_RATIO or one.last - one.first < _SHORT)
            for cut in cuts
        )
    ]


def _within(frame: int, transition: Transition) -> bool:
    return transition.first - _NEAR <= frame <= transition.last + _NEAR


def _touches(transition: Transition, plain: Plain) -> bool:
    near = _NEAR_FADE if transition.label == "fade" else _NEAR
    return transition.first - near <= plain.after and plain.first <= transition.last + near


def _joined_over(transitions: list[Transition], plain: Plain) -> list[Transition]:
    """Join the transitions into and out of a plain colour."""
    touching = [one for one in transitions if _touches(one, plain)]
    if len(touching) < 2:
        return transitions
    first, last = min(one.first for one in touching), max(one.last for one in touching)
    rest = [one for one in transitions if one not in touching]
    return sorted([*rest, Transition(first, last, "fade")], key=lambda one: one.first)


def _at_the_ends(transition: Transition, plain: Sequence[Plain], frames: int) -> bool:
    """Return whether it comes from, or goes to, a plain colour at an end of the video."""
    touching = [one for one in plain if _touches(transition, one)]
    return any(
        (one.first == 0 and transition.last > one.after)
        or (one.after == frames and transition.first < one.first)
        for one in touching
    )


def _without_plain(
    found: dict[int, FoundBy], transitions: Sequence[Transition], plain: Plain, frames: int
) -> dict[int, FoundBy]:
    """Leave at most one boundary at a plain stretch: where the picture comes back at once."""
    at = [n for n in found if plain.first - _NEAR <= n <= plain.after + _NEAR]
    fades = [one for one in transitions if _touches(one, plain)]
    if plain.interrupts and not fades:
        gone = at
    elif not plain.black:
        return found
    elif plain.first == 0 or plain.after == frames:
        gone = at
    else:
        gone = [n for n in at if n != max(at)]
        gone += [one.middle for one in fades if at and one.middle not in at]
    return {n: how for n, how in found.items() if n not in gone}


def apart(found: dict[int, FoundBy], least: int) -> Iterator[tuple[int, FoundBy]]:
    """Yield the boundaries in order, at least this far apart. Hard cuts go first."""
    kept: dict[int, FoundBy] = {}
    for frame, how in sorted(found.items(), key=lambda item: (item[1] != "cut", item[0])):
        if frame >= least and all(abs(frame - other) >= least for other in kept):
            kept[frame] = how
    yield from sorted(kept.items())
