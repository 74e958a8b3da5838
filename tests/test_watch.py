"""The served page: who may read it, what changes, and the process beside training."""

import gzip
import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from run_folders import metrics, write_run

from r1lite.console import output
from r1lite.page import beside
from r1lite.page.data import Reader
from r1lite.page.folder import open_folder
from r1lite.page.live import Live
from r1lite.page.server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    served = Server(Live([Reader(open_folder(write_run(tmp_path / "demo")))]))
    thread = threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield served
    served.shutdown()
    served.server_close()
    thread.join()


def get(server: Server, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    return connection.getresponse()


def overview(server: Server) -> dict:
    return json.loads(gzip.decompress(get(server, f"/{server.token}/overview").read()))


def test_the_address_serves_a_page_that_may_ask_its_own_server_alone(server: Server) -> None:
    answer = get(server, f"/{server.token}/")
    html = gzip.decompress(answer.read()).decode()
    assert answer.status == 200
    assert "connect-src 'self'" in html
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")


PATHS = ("/", "/overview", "/wrong/overview", "/{token}", "/{token}/../", "/{token}/config.yaml", "/{token}x/overview", "//")
HOSTS = {"localhost:8000": 200, "127.0.0.1": 200, "[::1]:80": 200, "evil.example": 404, "": 404}


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_nothing_is_read(path: str, server: Server) -> None:
    answer = get(server, path.format(token=server.token))
    assert (answer.status, answer.read()) == (404, b"")


@pytest.mark.parametrize("host", HOSTS)
def test_other_host_names_are_refused(host: str, server: Server) -> None:
    assert get(server, f"/{server.token}/overview", Host=host).status == HOSTS[host]


def test_it_listens_on_the_loopback_address_and_answers_no_other_method(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
    connection.request("POST", f"/{server.token}/overview", body=b"x")
    assert connection.getresponse().status == 501


def test_what_has_not_changed_is_not_sent_again(server: Server, tmp_path: Path) -> None:
    tag = get(server, f"/{server.token}/overview").headers["ETag"]
    assert get(server, f"/{server.token}/overview", If_None_Match=tag).status == 304
    with (tmp_path / "demo" / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(metrics(4)) + "\n")
    assert get(server, f"/{server.token}/overview", If_None_Match=tag).status == 200
    assert overview(server)["runs"][0]["metrics"]["rl"]["steps"] == [1, 2, 3, 4]


def test_half_a_line_that_is_being_written_does_no_harm(server: Server, tmp_path: Path) -> None:
    with (tmp_path / "demo" / "metrics.jsonl").open("a") as file:
        file.write('{"stage": "rl", "st')
    run = overview(server)["runs"][0]
    assert (run["metrics"]["rl"]["steps"], run["notes"]) == ([1, 2, 3], [])


def test_the_run_directory_is_only_read(server: Server, tmp_path: Path) -> None:
    def files() -> dict[str, tuple[int, int]]:
        return {str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in (tmp_path / "demo").rglob("*")}

    before = files()
    for part in ("", "overview", "rollouts"):
        assert get(server, f"/{server.token}/{part}").status == 200
    assert files() == before


def test_rollouts_are_not_read_again_at_once(tmp_path: Path) -> None:
    now = iter([0.0, 1.0, 5.0, 30.0, 31.0])
    folder = write_run(tmp_path / "demo")
    live = Live([Reader(open_folder(folder))], clock=lambda: next(now))
    first = live.part("rollouts").tag  # from 0 to 1: 20 seconds of calm
    (folder / "rl/rollouts/step-000003.parquet").unlink()
    assert live.part("rollouts").tag == first  # at 5
    assert live.part("rollouts").tag != first  # at 30


def test_a_port_in_use_is_named(server: Server) -> None:
    with pytest.raises(ValueError, match=rf"port {server.server_port} of 127.0.0.1 cannot be used: Address already in use"):
        Server(server.live, server.server_port)


def test_beside_training_the_address_is_printed_and_ends_with_the_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path / "demo")
    printed = threading.Event()
    original, seen = beside._announce, []

    def announce(process: subprocess.Popen[str], tell: object) -> None:
        seen.append(process)
        original(process, tell)
        printed.set()

    with pytest.MonkeyPatch.context() as patch, output(quiet=False):
        patch.setattr(beside, "_announce", announce)
        with beside.page_beside(folder):
            assert printed.wait(60)
    assert seen[0].poll() == 0
    first, last = capfd.readouterr().out.splitlines()
    assert first.startswith("watch this run at http://127.0.0.1:")
    assert last.startswith("the page ended with the run; r1lite watch ")


def test_the_process_beside_ends_with_a_trainer_that_is_killed(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "demo")
    command = [sys.executable, "-m", "r1lite.page.beside", str(folder)]
    env = {**os.environ, "PYTHONPATH": str(Path(beside.__file__).parents[2])}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True)
    assert process.stdout
    assert process.stdin
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    process.stdin.close()  # as the system does when the trainer dies
    assert process.wait(60) == 0
