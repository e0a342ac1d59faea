"""Child processes and their descendants end with their parent."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from video_pipeline.cli.server.processes import Processes, descendants
from video_pipeline.domain.errors import ConfigurationError

# Ignores SIGTERM, and starts a second one in another session.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if len(sys.argv) == 2:
    subprocess.Popen([sys.executable, __file__, sys.argv[1], "x"], start_new_session=True)
with open(sys.argv[1], "a") as pids:
    pids.write(f"{os.getpid()}\\n")
time.sleep(300)
"""

PARENT = """
import signal, sys, time
from pathlib import Path
from video_pipeline.cli.server import processes
from video_pipeline.cli.signals import end_tidily
signal.signal(signal.SIGHUP, signal.SIG_DFL)
end_tidily()
processes._GRACE_SECONDS = processes._ORPHANS_SECONDS = 0.5
folder = Path(sys.argv[1])
with processes.Processes(folder, {}) as started:
    started.start("stubborn", [sys.executable, str(folder / "s.py"), str(folder / "pids")], folder)
    while not (folder / "pids").exists() or len((folder / "pids").read_text().split()) < 2:
        time.sleep(0.02)
    print("ready", flush=True)
    started.run("waiting", ["sleep", "300"], folder)
"""


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def parent(tmp_path: Path):
    """A process with a stubborn child and grandchild."""
    (tmp_path / "s.py").write_text(STUBBORN)
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    for pid in (tmp_path / "pids").read_text().split():
        if alive(int(pid)):
            os.kill(int(pid), signal.SIGKILL)


linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems adopt no orphans")


@linux
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ending_signals_end_even_a_stubborn_grandchild(
    parent, tmp_path: Path, sent: signal.Signals
) -> None:
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2 and all(map(alive, pids))
    parent.send_signal(sent)
    parent.wait(30)
    assert not any(map(alive, pids))


@linux
def test_program_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from video_pipeline.cli.server.processes import Processes\n"
        "with Processes(Path(sys.argv[1]), {}) as started:\n"
        "    started.start('sleep', ['sleep', '300'], Path('/'))\n"
        "    print(started._running['sleep'].pid, flush=True)\n"
        "    time.sleep(300)\n"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout
    pid = int(starter.stdout.readline())
    while psutil.Process(pid).cmdline()[:1] != ["sleep"]:
        time.sleep(0.02)
    starter.kill()
    starter.wait()
    deadline = time.monotonic() + 20
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)


@linux
def test_descendants_include_grandchildren_but_no_zombies(parent, tmp_path: Path) -> None:
    pids = {int(pid) for pid in (tmp_path / "pids").read_text().split()}
    assert pids | {parent.pid} <= descendants()
    parent.kill()
    while alive(parent.pid):
        time.sleep(0.02)
    assert parent.pid not in descendants(), "a zombie is no living process"


def test_program_that_ends_is_reported_with_its_log(tmp_path: Path) -> None:
    with Processes(tmp_path, {}) as started:
        with pytest.raises(ConfigurationError, match="no luck") as caught:
            started.run("program", ["/bin/sh", "-c", "echo no luck; exit 3"], tmp_path)
        assert str(tmp_path / "program.log") in str(caught.value)
        started.run("good", ["/bin/sh", "-c", "exit 0"], tmp_path)


def test_ended_program_is_reported_then_started_again(tmp_path: Path) -> None:
    with Processes(tmp_path, {}) as started:
        started.start("program", ["/bin/sh", "-c", "echo no luck; exit 3"], tmp_path)
        first = started.pids()["program"]
        with pytest.raises(ConfigurationError, match="ended with status 3"):
            while True:
                started.keep("program")
        started.keep("program")
        assert started.pids()["program"] != first
        assert (tmp_path / "program.log.old").read_text() == "no luck\n"


@linux
def test_adopted_children_are_collected_and_no_others(tmp_path: Path) -> None:
    shell = ["/bin/sh", "-c"]
    earlier = subprocess.Popen([*shell, "exit 3"])
    with Processes(tmp_path, {}) as started:
        started.start("own", [*shell, "exit 5"], tmp_path)
        found = subprocess.run(
            [*shell, "sleep 0.2 >&- 2>&- & echo $!"], capture_output=True, text=True
        )
        own, adopted = started.pids()["own"], int(found.stdout)
        while any(map(alive, (earlier.pid, own, adopted))):
            time.sleep(0.01)
        assert psutil.pid_exists(adopted)
        started.reap()
        assert not psutil.pid_exists(adopted)
        with pytest.raises(ConfigurationError):
            started.check()
        assert earlier.wait() == 3


# Waits for its child before it ends, as a code server waits for its runs.
WAITING = """\
trap : TERM
sh -c 'trap "echo told > told; exit" TERM; touch ready; sleep 300 & wait' &
child=$!
while kill -0 $child 2>/dev/null; do wait $child; done
"""


@linux
def test_children_of_the_last_program_are_told_to_end(tmp_path: Path) -> None:
    before = descendants()
    with Processes(tmp_path, dict(os.environ), last="server") as started:
        started.start("server", ["/bin/sh", "-c", WAITING], tmp_path)
        started.start("user", ["sleep", "300"], tmp_path)
        while not (tmp_path / "ready").exists():
            time.sleep(0.02)
        pids = descendants() - before
    assert (tmp_path / "told").read_text() == "told\n", "it was not killed at once"
    assert pids and not any(map(alive, pids))


@linux
def test_spared_descendant_survives_the_context(tmp_path: Path) -> None:
    with Processes(tmp_path, {}, spared=lambda: spared):
        found = subprocess.run(
            ["/bin/sh", "-c", "sleep 300 >/dev/null 2>&1 & echo $!"],
            stdout=subprocess.PIPE,
            text=True,
        )
        spared = int(found.stdout)
        assert spared in descendants()
    assert alive(spared)
    os.kill(spared, signal.SIGKILL)
    os.waitpid(spared, 0)
