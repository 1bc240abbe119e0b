"""The Containerfile's steps, run as a script where their folders are new and empty.

No container engine is needed: a mount namespace hides the folders that they write. Nothing is
fetched: `apt-get` does nothing, and pip builds and installs the checkout alone, as what that
requires is installed here.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "cluster" / "Containerfile"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NEEDS_MOUNTS = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"),
    reason="a mount namespace takes root and unshare (util-linux)",
)
# Each place is a new folder with all that the host has there but for what the image makes.
CLEAN = """
cp -a /etc "$NEW/etc"
sed -i "/^[^:]*:[^:]*:1000:/d; /^sweeper:/d" "$NEW"/etc/passwd "$NEW"/etc/group
mount --bind "$NEW/etc" /etc
for place in /opt /home; do
    mkdir "$NEW$place"
    for one in "$place"/*; do
        if [ -d "$one" ] && [ "${one##*/}" != sweeper ]; then
            mkdir "$NEW$one"
            mount --rbind "$one" "$NEW$one"
        fi
    done
    mount --rbind "$NEW$place" "$place"
done
if [ -d /var/lib/apt/lists ]; then mount -t tmpfs tmpfs /var/lib/apt/lists; fi
"""
PYTHON = """\
#!/bin/sh
case "$*" in
    "-m pip install "*)
        shift 3
        set -- -m pip install --no-deps --no-index --no-build-isolation --target {target} "$@" ;;
esac
exec {python} "$@"
"""


def steps() -> Iterator[tuple[str, str]]:
    """The instructions of the file, such as RUN, each with what follows it."""
    for line in FILE.read_text().replace("\\\n", " ").splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            yield name, rest


def shell(name: str, rest: str) -> str:
    """An instruction as shell commands, run in the working directory."""
    if name == "COPY":
        *sources, target = shlex.split(rest)
        found = [ROOT / source for source in sources]
        copied = [f"{one}/." if one.is_dir() else str(one) for one in found]
        return f"mkdir -p {target} && cp -r {shlex.join(copied)} {target}"
    known = {
        "RUN": rest,
        "WORKDIR": f"mkdir -p {rest} && cd {rest}",
        "USER": f"getent passwd {rest} > $NEW/user",
        "FROM": ":",
    }
    return known[name]


def program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_its_python_and_its_extras_are_those_of_the_project() -> None:
    [image] = [rest for name, rest in steps() if name == "FROM"]
    tag = re.search(r"python:(3\.\d+)-slim$", image)
    assert tag
    assert f"Programming Language :: Python :: {tag[1]}" in PROJECT["classifiers"]
    [extras] = re.findall(r'"\.\[([\w,]+)\]"', FILE.read_text())
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])


@NEEDS_MOUNTS
def test_its_steps_make_a_program_that_runs(tmp_path: Path) -> None:
    """What is installed is all that `plan` takes, and the last user has a home."""
    target = tmp_path / "installed"
    program(tmp_path / "bin" / "apt-get", "#!/bin/sh\n")
    program(tmp_path / "bin" / "python", PYTHON.format(target=target, python=sys.executable))
    (tmp_path / "new").mkdir()
    script = [CLEAN, *(shell(*step) for step in steps()), "pwd", "sweeper plan digits"]
    (target / "bin").mkdir(parents=True)
    search = f"{tmp_path}/bin:{target}/bin:{os.environ['PATH']}:/usr/sbin:/sbin"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", "\n".join(script)],
        env=os.environ | {"NEW": str(tmp_path / "new"), "PATH": search, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "new" / "user").read_text().split(":")[5] == "/home/sweeper"
    assert "\n/home/sweeper\n" in done.stdout
    assert "33 trials" in done.stdout
    packages = {"sweeper", "trainers", "analysis", "cluster"}
    assert packages <= {path.name for path in target.iterdir()}
    for name in sorted(packages):
        assert names(target / name) == names(ROOT / name)


def names(package: Path) -> set[str]:
    """The files of a package but for what Python has made of them."""
    found = (path for path in package.rglob("*") if path.is_file())
    return {str(path.relative_to(package)) for path in found if path.suffix != ".pyc"}
