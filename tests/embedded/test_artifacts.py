"""The download of the search engine: what arrives is what the lock says, whatever happened on the way."""

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from iew.embedded import artifacts
from iew.embedded.artifacts import Artifact
from iew.embedded.faults import PartFault

BIG = bytes(range(256)) * 4096  # 1 MiB
SMALL = b"small"


def locked(content: bytes, path: str) -> Artifact:
    return Artifact(hashlib.sha256(content).hexdigest(), len(content), path)


FILES = {"org/big/1/big-1.jar": BIG, "org/small/1/small-1.jar": SMALL}
LOCK = tuple(locked(content, path) for path, content in FILES.items())


@dataclass
class Mirror:
    """A repository on loopback. cut: bytes of a body after which the line breaks, once each. refuses_ranges: as some
    do."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    refuses_ranges: bool = False


@pytest.fixture
def mirror(monkeypatch) -> Iterator[Mirror]:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(artifacts, "FIRST_PAUSE_SECONDS", 0.01)
    served = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path, asked = self.path.removeprefix("/maven/"), self.headers.get("Range")
            served.asked.append((path, asked))
            content = served.files.get(path)
            if content is None:
                self.send_error(404)
                return
            begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and not served.refuses_ranges else 0
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(content) - begin))
            self.end_headers()
            body = content[begin:]
            self.wfile.write(body[: served.cut.pop()] if served.cut and path.endswith("big-1.jar") else body)

        def log_message(self, format, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.address = f"http://127.0.0.1:{server.server_address[1]}/maven/"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield served
        server.shutdown()
        thread.join()


class Told:
    """Keeps what the progress was told."""

    def __init__(self) -> None:
        self.sizes: dict[str, list[int]] = {}

    def __call__(self, name: str, size: int) -> None:
        self.sizes.setdefault(name, []).append(size)


def assert_whole(directory: Path) -> None:
    for path, content in FILES.items():
        assert (directory / path.rpartition("/")[2]).read_bytes() == content
    assert not list(directory.glob("*.part"))


def test_the_lock_is_well_formed_and_names_every_file_once():
    rows = artifacts.read_lock()
    assert len(rows) > 100
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert re.fullmatch(r"[0-9a-f]{64}", row.sha256)
        assert 0 < row.size < 50_000_000
        assert re.fullmatch(r"[\w.-]+(/[\w.-]+){3,}\.jar", row.path) and ".." not in row.path


@pytest.mark.parametrize(
    "needed",
    ["opensearch-3.8.0", "icu4j-localespi-77.1", "lucene-analysis-nori", "lucene-analysis-kuromoji",
     "lucene-analysis-smartcn", "analysis-icu-client-3.8.0", "percolator-client-3.8.0", "search-pipeline-common-3.8.0",
     "ecj-"],
)  # fmt: skip
def test_the_lock_has_what_the_node_cannot_do_without(needed):
    assert any(row.name.startswith(needed) for row in artifacts.read_lock())


def test_a_first_fetch_brings_everything_and_tells_how_far_it_is(mirror, tmp_path):
    told = Told()
    artifacts.fetch(LOCK, tmp_path, mirror.address, told)
    assert_whole(tmp_path)
    assert told.sizes["big-1.jar"] == sorted(told.sizes["big-1.jar"])
    assert told.sizes["big-1.jar"][-1] == len(BIG)


def test_the_biggest_file_is_asked_for_first(mirror, tmp_path):
    assert [a.name for a in artifacts.incomplete(LOCK[::-1], tmp_path)] == ["big-1.jar", "small-1.jar"]


def test_what_is_there_is_never_asked_for_again(mirror, tmp_path):
    artifacts.fetch(LOCK, tmp_path, mirror.address, Told())
    mirror.asked.clear()
    artifacts.fetch(LOCK, tmp_path, mirror.address, Told())
    assert mirror.asked == []
    artifacts.fetch(LOCK, tmp_path, "http://127.0.0.1:1/", Told())  # nobody there, and nobody is needed


def test_a_broken_line_is_continued_where_it_broke(mirror, tmp_path):
    mirror.cut = [300_000]
    artifacts.fetch(LOCK, tmp_path, mirror.address, Told())
    assert_whole(tmp_path)
    ranges = [asked for path, asked in mirror.asked if path.endswith("big-1.jar")]
    assert len(ranges) == 2 and ranges[0] is None
    assert 0 < int(ranges[1].removeprefix("bytes=").rstrip("-")) <= 300_000


def test_the_part_of_a_killed_run_is_continued(mirror, tmp_path):
    (tmp_path / "big-1.jar.part").write_bytes(BIG[:123_456])
    artifacts.fetch(LOCK, tmp_path, mirror.address, Told())
    assert_whole(tmp_path)
    assert ("org/big/1/big-1.jar", "bytes=123456-") in mirror.asked


def test_a_server_without_ranges_is_read_from_the_start(mirror, tmp_path):
    mirror.refuses_ranges = True
    (tmp_path / "big-1.jar.part").write_bytes(BIG[:123_456])
    artifacts.fetch(LOCK, tmp_path, mirror.address, Told())
    assert_whole(tmp_path)


def test_a_part_with_wrong_bytes_is_thrown_away(mirror, tmp_path):
    (tmp_path / "big-1.jar.part").write_bytes(b"x" * 123_456)
    artifacts.fetch(LOCK, tmp_path, mirror.address, Told())
    assert_whole(tmp_path)


@pytest.mark.parametrize("damaged", [BIG[:-1], b"y" + BIG[1:], b""])
def test_a_damaged_file_is_found_and_fetched_again(mirror, tmp_path, damaged):
    artifacts.fetch(LOCK, tmp_path, mirror.address, Told())
    (tmp_path / "big-1.jar").write_bytes(damaged)
    assert [a.name for a in artifacts.incomplete(LOCK, tmp_path, thorough=True)] == ["big-1.jar"]
    artifacts.fetch(LOCK, tmp_path, mirror.address, Told())
    assert_whole(tmp_path)


def test_other_bytes_than_the_locked_ones_are_never_accepted(mirror, tmp_path):
    mirror.files["org/small/1/small-1.jar"] = b"smalL"
    with pytest.raises(PartFault, match=r"small-1\.jar: its checksum is not the locked one"):
        artifacts.fetch(LOCK, tmp_path, mirror.address, Told())
    assert not (tmp_path / "small-1.jar").exists()


def test_a_mirror_that_lacks_a_file_is_not_asked_again(mirror, tmp_path):
    del mirror.files["org/small/1/small-1.jar"]
    with pytest.raises(PartFault, match=r"small-1\.jar: 404 Not Found.*IEW_ARTIFACT_MIRROR"):
        artifacts.fetch(LOCK, tmp_path, mirror.address, Told())
    assert [path for path, _ in mirror.asked].count("org/small/1/small-1.jar") == 1


def test_no_network_is_one_clear_line(monkeypatch, tmp_path):
    monkeypatch.setattr(artifacts, "FIRST_PAUSE_SECONDS", 0.01)
    with pytest.raises(PartFault) as fault:
        artifacts.fetch(LOCK, tmp_path, "http://127.0.0.1:1/", Told())
    assert "cannot fetch http://127.0.0.1:1/org/" in str(fault.value) and "\n" not in str(fault.value)


def test_a_disk_that_refuses_is_one_clear_line(mirror, tmp_path):
    (tmp_path / "big-1.jar.part").mkdir()
    with pytest.raises(PartFault, match="cannot write"):
        artifacts.fetch(LOCK, tmp_path, mirror.address, Told())


def test_two_fetches_at_once_share_the_work(mirror, tmp_path):
    faults: list[BaseException] = []

    def fetch() -> None:
        try:
            artifacts.fetch(LOCK, tmp_path, mirror.address, Told())
        except BaseException as fault:  # shown by the assertion below
            faults.append(fault)

    threads = [threading.Thread(target=fetch) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert_whole(tmp_path)
    assert len(mirror.asked) == len(FILES)


def test_the_mirror_and_the_cache_are_settings():
    assert artifacts.mirror_address({}) == "https://repo1.maven.org/maven2/"
    assert artifacts.mirror_address({"IEW_ARTIFACT_MIRROR": ""}) == "https://repo1.maven.org/maven2/"
    assert artifacts.mirror_address({"IEW_ARTIFACT_MIRROR": "https://m.example/maven"}) == "https://m.example/maven/"
    assert artifacts.cache_directory({"XDG_CACHE_HOME": "/c"}) == Path("/c/iew")
    assert artifacts.cache_directory({}) == Path.home() / ".cache" / "iew"


def test_a_proxy_is_used(mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", mirror.address.removesuffix("/maven/"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(PartFault, match="Not Found"):  # a proxy is asked with the whole address, which ours has not
        artifacts.fetch(LOCK, tmp_path, "http://central.example/maven/", Told())
    assert {path for path, _ in mirror.asked} <= {f"http://central.example/maven/{path}" for path in FILES}
    assert mirror.asked
