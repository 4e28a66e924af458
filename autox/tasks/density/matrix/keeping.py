"""The trials of a matrix in a directory: a file for each, as ``autox report`` reads it, and one that says of what.

What is kept there is believed by its digest alone, so that trials of a document that was changed since, or of other
programs, are never mixed with those of this one. Whoever wants a trial made again deletes its file.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autox import __version__
from autox.api.results import encoded, object_from_result, result_from_object
from autox.cluster.files import write_private
from autox.core.statistics.contrasts import slots
from autox.model.errors import AutoxError, ConfigurationError
from autox.model.matrix import Matrix, Slot
from autox.model.result import ExperimentResult

_RECORD = "matrix.json"
_FORMAT = "autox.dev/v1alpha1"


class Kept:
    """The directory of a matrix."""

    def __init__(self, directory: Path, matrix: Matrix, versions: Mapping[str, Mapping[str, str]]) -> None:
        """Nothing is read or written before ``claim``.

        Args:
            directory: made if it is not there.
            matrix: whose trials are kept.
            versions: of the programs of each kind of variant.
        """
        self.directory = directory
        self._matrix = matrix
        self._record = {
            "apiVersion": _FORMAT,
            "kind": "DensityMatrixTrials",
            "digest": matrix.digest,
            "autox": __version__,
            "programs": {name: dict(each) for name, each in versions.items()},
        }

    def claim(self) -> None:
        """Make the directory this matrix's.

        Raises:
            ConfigurationError: it is another's, or holds something else.
            AutoxError: it cannot be read or written.
        """
        path = self.directory / _RECORD
        try:
            if path.exists():
                self._check(json.loads(path.read_bytes()))
                return
            if self.directory.exists() and any(self.directory.iterdir()):
                raise ConfigurationError(
                    f"{self.directory} is not empty, and holds no trials of a matrix", hint="name another with --keep"
                )
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{path} cannot be read", hint="name another directory with --keep") from error
        write_private(path, encoded(self._record))

    def results(self, *, say: Callable[[str], None]) -> dict[str, ExperimentResult]:
        """What is kept, by the name of the trial.

        Args:
            say: told of files that are no results, whose trials are made again.
        """
        found = {}
        for slot in slots(self._matrix):
            path = self._path(slot)
            try:
                found[slot.name] = result_from_object(json.loads(path.read_bytes()))
            except FileNotFoundError:
                continue
            except (OSError, ValueError, RecursionError, AutoxError):
                say(f"{path} is no result: that trial is made again")
        return found

    def keep(self, slot: Slot, result: ExperimentResult) -> None:
        """Keep a result: all of it or nothing.

        Raises:
            PermanentError: the file system refused.
        """
        write_private(self._path(slot), encoded(object_from_result(result)))

    def _path(self, slot: Slot) -> Path:
        return self.directory / f"{slot.name}.json"

    def _check(self, found: Any) -> None:
        record = found if isinstance(found, dict) else {}
        other = [each for each in ("digest", "autox", "programs") if record.get(each) != self._record[each]]
        if other:
            what = {"digest": "another matrix", "autox": "another version of autox", "programs": "other programs"}
            raise ConfigurationError(
                f"{self.directory} holds trials of {what[other[0]]}",
                hint="name another directory with --keep, or delete this one",
            )
