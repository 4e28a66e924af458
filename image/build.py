"""``python -m image.build``: the image as an OCI archive, its bill of materials, and a table of what is large in it.

The context is made of what git tracks, and of everything that the Dockerfile would else fetch: wheels, helm and, unless
a base is given, a base and a builder of Debian packages. That way it is the same with the network and without.
"""

import argparse
import errno
import json
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import autox
from autox.model.errors import AutoxError
from image import base, building, contents, debian, layers, memory, oci
from image.commands import BuildError
from image.contents import Contents
from image.helm import helm
from image.mistakes import ARCHITECTURES, mistakes
from image.sbom import spdx
from image.source import Source
from image.wheels import wheels

ROOT = Path(__file__).parents[1]
NAME = "autox"
LARGE = 10_000_000  # bytes
ROOM = 4 << 30  # bytes of memory that a build of our own base may take a part of; at its peak it takes some 700 MB


def build(output: Path, *, given: str = "", builder: str = "", python: str = base.PYTHON) -> Contents:
    """Build ``autox.tar`` and ``autox.spdx.json``; each is there whole or not at all.

    Args:
        output: the directory for both.
        given: an image to use as the base; empty for one made of Debian packages.
        builder: an image with pip and the same minor version of Python; empty for the given one.
        python: the minor version of both.

    Raises:
        BuildError: what is missing or failed, and what to do about it.
        AutoxError: helm cannot be had.
    """
    wrong = mistakes(output, given=given, builder=builder)
    if wrong:
        raise BuildError("\n  ".join(wrong))
    architecture = ARCHITECTURES[platform.machine()]
    source = Source.of(ROOT)
    version = autox.__version__
    with tempfile.TemporaryDirectory(prefix="autox-image-") as temporary:
        work = Path(temporary)
        context = work / "context"
        source.export(context)
        shutil.copyfile(ROOT / "Dockerfile", context / "Dockerfile")
        _say("wheels and helm")
        prepared = context / "prepared"
        wheels(
            context / "requirements",
            prepared / "wheels",
            python=python,
            architecture=architecture,
            kept=_kept("wheels"),
        )
        shutil.copyfile(helm(), prepared / "helm")
        small = not given
        if small:
            _say("a base of Debian packages")
            given, builder = _bases(work, source, architecture=architecture)
        _say("the image")
        image = building.buildah(
            context,
            work,
            arguments={"BASE": given, "BUILDER": builder or given},
            labels={
                "org.opencontainers.image.title": NAME,
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.revision": source.revision,
            },
            moment=source.moment,
            memory=small and memory.available() > ROOM,
        )
        archive = output / f"{NAME}.tar"
        oci.pack(image, archive, name=f"docker.io/library/{NAME}:{version}")
    found = contents.read(archive)
    bill = output / f"{NAME}.spdx.json"
    draft = bill.with_name(f"{bill.name}.part")
    draft.write_text(json.dumps(spdx(NAME, version, found.parts, created=source.created), indent=2) + "\n")
    draft.replace(bill)
    return found


def _bases(work: Path, source: Source, *, architecture: str) -> tuple[str, str]:
    """The base and the builder, which is the same with pip on top."""
    *packages, pip = debian.fetch([*base.PACKAGES, base.PIP], _kept("packages"))
    bottom = layers.layer(base.base(packages), moment=source.moment)
    top = layers.layer(base.pip(pip), moment=source.moment)
    made = {"base": [bottom], "builder": [bottom, top]}
    for name, stacked in made.items():
        path = work / f"{name}.tar"
        oci.write(path, stacked, architecture=architecture, created=source.created, env=base.ENV)
    return f"oci-archive:{work / 'base.tar'}", f"oci-archive:{work / 'builder.tar'}"


def _kept(name: str) -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / NAME / "image" / name


def _say(what: str) -> None:
    print(f"image: {what}", file=sys.stderr, flush=True)


def _table(found: Contents, archive: Path) -> str:
    large = sorted((part for part in found.parts if part.size > LARGE), key=lambda part: -part.size)
    whole = sum(found.files.values())
    rows = [
        *((part.size, f"{part.name} {part.version}") for part in large),
        (whole - sum(part.size for part in large), f"all else, of {len(found.parts) - len(large)} parts"),
        (whole, "unpacked"),
        (archive.stat().st_size, f"{archive}, compressed"),
    ]
    return "\n".join([*(f"{size / 1e6:7.1f} MB  {what}" for size, what in rows), *found.layers])


def _explained(error: OSError, output: Path) -> str:
    if error.errno == errno.ENOSPC:
        return f"no space is left in {tempfile.gettempdir()} or {output}: TMPDIR and --output name other places"
    return f"{error.filename or output}: {error.strerror}; --output names another place, TMPDIR one to work in"


def main() -> int:
    """Build, and say what came out or what was wrong."""
    parser = argparse.ArgumentParser(prog="python -m image.build", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "image", help="directory [build/image]")
    parser.add_argument("--base", default="", help="an image with Python [made of Debian packages]")
    parser.add_argument("--builder", default="", help="one with pip and the same Python [the base]")
    parser.add_argument("--python", default=base.PYTHON, help="the minor version of both [%(default)s]")
    arguments = parser.parse_args()
    try:
        found = build(arguments.output, given=arguments.base, builder=arguments.builder, python=arguments.python)
    except (BuildError, AutoxError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    except OSError as error:
        print(f"error: {_explained(error, arguments.output)}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("error: stopped; there is no new image", file=sys.stderr)
        return 130
    print(_table(found, arguments.output / f"{NAME}.tar"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
