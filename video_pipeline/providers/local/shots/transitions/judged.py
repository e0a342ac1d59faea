"""Suspected cuts that hardly stand out, kept where the network sees a transition."""

from video_pipeline.providers.local.shots.cuts import Cut
from video_pipeline.providers.local.shots.transitions.film import Film
from video_pipeline.providers.local.shots.transitions.network import Network

# The least ratio of a suspected cut at all, and the ratio from which it needs no confirmation.
LEAST_RATIO, CLEAR_RATIO = 2.0, 6.0
# PySceneDetect's own least ratio. Above it little probability is enough: of 159 labelled cuts none
# had less, of five false ones all had. Below it the network's own threshold holds.
_USUAL_RATIO = 3.0
_LITTLE, _LIKELY = 0.02, 0.3
# Frames to each side that the network is shown, and those of which the most likely one counts.
_SEEN, _NEAR = 25, 4


class JudgedCuts:
    """Takes verified cuts in order; `found` holds those that are kept."""

    def __init__(self, film: Film, network: Network) -> None:
        self._film, self._network = film, network
        self._weak: list[Cut] = []
        self.found: list[Cut] = []

    def take(self, cut: Cut) -> None:
        """Keep a clear cut, and let a weak one wait for the frames after it."""
        (self.found if cut.ratio >= CLEAR_RATIO else self._weak).append(cut)

    def look(self) -> None:
        """Judge the cuts with enough frames after them."""
        while self._weak and self._film.after >= self._weak[0].frame + _SEEN:
            self._judge(self._weak.pop(0))

    def finish(self) -> None:
        """Judge the rest with the frames that there are."""
        for cut in self._weak:
            self._judge(cut)
        self._weak = []

    def _judge(self, cut: Cut) -> None:
        window = self._film.window(cut.frame - _SEEN, cut.frame + _SEEN, 1)
        likely = self._network.probabilities(window)[_SEEN - _NEAR : _SEEN + _NEAR + 1]
        usual = cut.ratio >= _USUAL_RATIO
        # Two changes so near have one peak: it would confirm either by the other.
        near = any(abs(cut.frame - other.frame) <= _NEAR for other in self.found[-_NEAR:])
        if likely.max() >= (_LITTLE if usual else _LIKELY) and (usual or not near):
            self.found.append(cut)
