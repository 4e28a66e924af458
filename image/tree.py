"""``python3 -m image.tree DIRECTORY``: the Dockerfile's first step, run by the builder's Python in autox's source.

Makes three directories: ``libraries`` and ``autox``, which go among the base's own libraries, and ``helm``, which goes
on top of its root; and brings the second step along. What lies in ``prepared`` is taken from there, wheels and helm;
what does not is fetched.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from image.lock import BACKEND, select
from image.trimming import NEVER_LOADED, trim

PREPARED = Path("prepared")


def main(place: Path) -> None:
    """Make the directories."""
    backend, libraries, autox = place / "backend", place / "libraries", place / "autox"
    place.mkdir()
    lock = place / "backend.txt"
    lock.write_text(select(Path("requirements/dev.txt").read_text(), BACKEND))
    wheels = PREPARED / "wheels"
    source = ["--no-index", f"--find-links={wheels}"] if wheels.is_dir() else []
    locked = ["--require-hashes", "--only-binary=:all:", *source]
    _pip(libraries, *locked, "--requirement=requirements/runtime.txt")
    _pip(backend, *locked, f"--requirement={lock}")
    _pip(autox, "--no-build-isolation", "--no-index", ".", path=backend)
    trim(libraries, NEVER_LOADED)
    trim(autox)
    shutil.rmtree(backend)
    lock.unlink()
    _helm(place / "helm" / "usr" / "local" / "bin" / "helm", path=[libraries, autox])
    shutil.copyfile("image/placing.py", place / "placing.py")
    (place / "version").write_text(sysconfig.get_python_version())
    for path in place.rglob("*"):  # whatever the umask is, or was where the source comes from
        path.chmod(0o755 if path.is_dir() or path.name == "helm" else 0o644)


def _pip(place: Path, *arguments: str, path: Path | None = None) -> None:
    options = ["--quiet", "--no-deps", "--no-compile", "--no-cache-dir"]
    told = ["--disable-pip-version-check", "--root-user-action=ignore"]
    argv = [sys.executable, "-m", "pip", "install", *options, *told, f"--target={place}", *arguments]
    subprocess.run(argv, env={**os.environ, **({"PYTHONPATH": str(path)} if path else {})}, check=True)


def _helm(file: Path, *, path: list[Path]) -> None:
    file.parent.mkdir(parents=True)
    if (PREPARED / "helm").is_file():
        shutil.copyfile(PREPARED / "helm", file)
        return
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(str(each) for each in path)}
    subprocess.run([sys.executable, "-m", "image.helm", str(file)], env=env, check=True)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"error: {' '.join(error.cmd[1:4])} failed, for the reason above") from error
