"""A failed part is retried until it works, and its failure is printed once."""

import errno

import pytest

from video_pipeline.cli.server import watch
from video_pipeline.cli.server.watch import Part, look_after
from video_pipeline.domain.errors import CatalogError, CatalogUnavailable

FULL = OSError(errno.ENOSPC, "No space left on device", "mongodb/server.json.new")
STANDS = CatalogUnavailable("it does not answer", remedy="Wait.")


class Keeper:
    """A part that fails with an error, and the seconds at which it was tried."""

    def __init__(self) -> None:
        self.now = 0.0
        self.error: Exception | None = None
        self.tried, self.told = list[float](), list[str]()
        self.part = Part("MongoDB", self, self.told.append, lambda: self.now)

    def __call__(self) -> None:
        self.tried.append(self.now)
        if self.error:
            raise self.error

    def look(self, seconds: int) -> None:
        """Look at it every second."""
        for _ in range(seconds):
            self.part.look()
            self.now += 1


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


def test_pauses_grow_to_half_a_minute(keeper: Keeper) -> None:
    keeper.error = STANDS
    keeper.look(150)
    assert keeper.tried == [0, 1, 3, 7, 15, 31, 61, 91, 121]
    assert keeper.told == [
        "MongoDB does not work, and is tried again until it does: it does not answer. Wait."
    ]


def test_part_that_has_settled_starts_with_the_shortest_pause(keeper: Keeper) -> None:
    keeper.error = STANDS
    keeper.look(10)
    keeper.error = None
    keeper.look(60)
    assert keeper.told[1:] == ["MongoDB works again."]
    keeper.error, keeper.tried = STANDS, []
    keeper.look(4)
    assert keeper.tried == [70, 71, 73]
    assert len(keeper.told) == 3


def test_part_that_ends_again_soon_is_told_once(keeper: Keeper) -> None:
    for _ in range(5):
        keeper.error = STANDS
        keeper.look(1)
        keeper.error = None
        keeper.look(20)
    assert len(keeper.told) == 1


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (FULL, 2),  # another reason
        (CatalogError("it does not answer\nand its log", remedy="Look."), 1),  # other details
    ],
)
def test_only_a_new_reason_is_told(keeper: Keeper, second: Exception, told: int) -> None:
    keeper.error = STANDS
    keeper.look(5)
    keeper.error = second
    keeper.look(60)
    assert len(keeper.told) == told


def test_full_disk_is_told_with_its_file(keeper: Keeper) -> None:
    keeper.error = FULL
    keeper.look(1)
    assert "No space left on device: 'mongodb/server.json.new'" in keeper.told[0]


def test_failure_of_one_part_does_not_hide_another() -> None:
    broken, sound = Keeper(), Keeper()
    reaped: list[bool] = []
    broken.error = FULL
    look_after([broken.part, sound.part], lambda: reaped.append(True))
    assert (len(sound.tried), reaped) == (1, [True])


def test_failure_of_any_kind_is_told_and_survived(keeper: Keeper) -> None:
    def fail() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    keeper.error = RuntimeError("can't start new thread")
    look_after([keeper.part], fail)
    assert "can't start new thread" in keeper.told[0]


@pytest.mark.parametrize(
    "error",
    [
        FULL,  # of the disk with the log
        SystemExit(1),  # of rich, for a closed pipe
    ],
)
def test_output_that_fails_is_survived(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def fail(line: str, **_: object) -> None:
        tried.append(line)
        raise error

    monkeypatch.setattr(watch.out, "print", fail)
    watch.tell("MongoDB works again.")
    assert tried == ["MongoDB works again."]
