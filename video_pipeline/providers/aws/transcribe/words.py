"""From the raw pages of Amazon Transcribe to a transcript: words, segments, speakers, language.

The service counts from the first audio sample, the project from the first frame. Words keep their
times: where people speak at once, segments are split so that words stay in order. A segment is an
audio segment of the service, split where the speaker changes. Without audio segments, it ends with
a sentence or a pause.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.transcript import Segment, Transcript, Word
from video_pipeline.domain.time import TimeRange
from video_pipeline.providers.aws.transcribe.languages import UNSPACED, iso
from video_pipeline.providers.aws.transcribe.pages import Item, Record, Results, read

# Seconds of silence that end a segment without audio segments.
PAUSE = Fraction(1)
_ENDS = (".", "?", "!", "。", "？", "！", "।", "؟", "۔")
_OPENS = frozenset("¿¡")


def transcript(pages: Iterable[bytes], media: MediaInfo, asked: str | None) -> Transcript:
    """Return the transcript in the video's time and range. Raises ValueError for unreadable pages.
    `asked` is the language named in the request."""
    record, results = read(pages)
    spoken = _in_order(list(_words(results, _shift(media), media.extent)))
    words = sorted(spoken, key=lambda one: one.start)
    if not words:
        return Transcript()
    language, confidence = _language(record, results, asked)
    texts = {number: part.transcript for number, part in enumerate(results.audio_segments)}
    whole = _sizes(words)
    return Transcript(
        language=language,
        language_confidence=confidence,
        segments=tuple(
            _segment(part, language, texts if len(part) == whole.get(part[0].stretch) else {})
            for part in _split(words)
        ),
    )


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A word with its punctuation, in seconds from time zero."""

    text: str
    start: Fraction
    end: Fraction
    confidence: float | None
    speaker: str | None
    stretch: int | None
    """The number of its audio segment."""
    flagged: bool


def _shift(media: MediaInfo) -> Fraction:
    """Return the time of the first sample, in seconds after the first frame."""
    if media.audio is None or media.video is None:
        return Fraction(0)
    return media.audio.start - media.video.start


def _words(results: Results, shift: Fraction, extent: TimeRange) -> Iterator[_Spoken]:
    """Yield the words in the order of the result, each with its punctuation."""
    stretches = {i: n for n, part in enumerate(results.audio_segments) for i in part.items}
    turns = {
        t.start_time: t.speaker_label for s in results.speaker_labels.segments for t in s.items
    }
    word: _Spoken | None = None
    before = ""
    for place, item in enumerate(results.items):
        text = item.alternatives[0].content.strip()
        if item.type == "punctuation":
            if word is None or text in _OPENS:
                before += text
            else:
                word = replace(word, text=word.text + text)
        elif text:
            if word is not None:
                yield word
            stretch = stretches.get(place if item.id is None else item.id)
            speaker = item.speaker_label or turns.get(_start(item))
            if speaker is None and stretch is not None:
                speaker = results.audio_segments[stretch].speaker_label
            span = _span(item, shift, extent)
            word = _Spoken(
                text=before + text,
                start=span.start,
                end=span.end,
                confidence=_confidence(item),
                speaker=speaker,
                stretch=stretch,
                flagged=item.flagged,
            )
            before = ""
    if word is not None:
        yield replace(word, text=word.text + before)


def _in_order(words: Sequence[_Spoken]) -> list[_Spoken]:
    """Return the words, none of which starts before the one that its speaker said before.

    The service delivers the words of a speaker in order, but not always their times. As few words
    as possible are moved: into the gap between those around them.
    """
    ordered: list[_Spoken] = []
    for _, stretch in groupby(words, key=lambda word: (word.speaker, word.stretch)):
        ordered += _into_gaps(list(stretch))
    return ordered


def _into_gaps(words: list[_Spoken]) -> Iterator[_Spoken]:
    """Yield the words. One that is out of order is put between those around it that are not."""
    kept = _longest_in_order([word.start for word in words])
    for index, word in enumerate(words):
        at = bisect_left(kept, index)
        if at < len(kept) and kept[at] == index:
            yield word
            continue
        low = words[kept[at - 1]].start if at else word.start
        start, end = max(word.start, low), max(word.end, low)
        if at < len(kept):
            after = words[kept[at]]
            start, end = min(start, after.start), min(end, after.end)
        yield replace(word, start=start, end=end)


def _longest_in_order(values: Sequence[Fraction]) -> list[int]:
    """Return the indexes of a longest subsequence that does not decrease (patience sorting)."""
    tops: list[Fraction] = []
    piles: list[int] = []
    before: list[int | None] = []
    for index, value in enumerate(values):
        at = bisect_right(tops, value)
        before.append(piles[at - 1] if at else None)
        tops[at : at + 1], piles[at : at + 1] = [value], [index]
    found: list[int] = []
    last = piles[-1] if piles else None
    while last is not None:
        found.append(last)
        last = before[last]
    return found[::-1]


def _start(item: Item) -> Fraction:
    if item.start_time is None or item.end_time is None:
        raise ValueError(f"the word {item.alternatives[0].content!r} has no times")
    return item.start_time


def _span(item: Item, shift: Fraction, extent: TimeRange) -> TimeRange:
    end = item.end_time or Fraction(0)
    start = min(_start(item), end)
    first, last = (min(max(moment + shift, extent.start), extent.end) for moment in (start, end))
    return TimeRange(start=first, end=last)


def _confidence(item: Item) -> float | None:
    """Return the confidence, None for a redacted word or where it is missing."""
    return _share(item.alternatives[0].confidence)


def _share(number: Fraction | None) -> float | None:
    """Return a number as a share of one; not before it is clamped, as a float holds less."""
    return None if number is None else float(min(max(number, Fraction(0)), Fraction(1)))


def _sizes(words: Sequence[_Spoken]) -> dict[int | None, int]:
    """Return the number of words in each audio segment."""
    sizes: dict[int | None, int] = {}
    for one in words:
        if one.stretch is not None:
            sizes[one.stretch] = sizes.get(one.stretch, 0) + 1
    return sizes


def _split(words: Sequence[_Spoken]) -> Iterator[list[_Spoken]]:
    part: list[_Spoken] = []
    for one in words:
        if part and _splits(part[-1], one):
            yield part
            part = []
        part.append(one)
    yield part


def _splits(last: _Spoken, one: _Spoken) -> bool:
    if last.speaker != one.speaker or last.stretch != one.stretch:
        return True
    return one.stretch is None and (last.text.endswith(_ENDS) or one.start - last.end >= PAUSE)


def _segment(part: Sequence[_Spoken], language: str | None, texts: dict[int, str]) -> Segment:
    """Return a segment with the service's own text in `texts`, else with the words joined."""
    stretch = part[0].stretch
    written = texts.get(stretch, "").strip() if stretch is not None else ""
    blank = "" if language in UNSPACED else " "
    return Segment(
        text=written or blank.join(one.text for one in part),
        range=TimeRange(start=part[0].start, end=max(one.end for one in part)),
        speaker=part[0].speaker,
        words=tuple(
            Word(
                text=one.text,
                range=TimeRange(start=one.start, end=one.end),
                confidence=one.confidence,
                speaker=one.speaker,
                flagged=one.flagged,
            )
            for one in part
        ),
    )


def _language(
    record: Record, results: Results, asked: str | None
) -> tuple[str | None, float | None]:
    """Return the language (of several, the one spoken longest) and its confidence. The service
    gives the confidence of a single language only."""
    if asked:
        return iso(asked), None
    shares = [(one.duration_in_seconds, one.language_code) for one in results.language_codes]
    shares = shares or [(one.seconds, one.code) for one in record.shares]
    if shares:
        return iso(max(shares, key=lambda one: one[0])[1]), None
    code = results.language_code or record.language
    scores = {guess.code: guess.score for guess in results.language_identification}
    score = scores.get(code or "") if scores else record.score
    return (iso(code) if code else None), _share(score)
