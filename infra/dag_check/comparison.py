"""The settings and AOI files of an earlier version, and how people are shown which it is."""

from __future__ import annotations

from pathlib import Path

from claylake.configuration.layers import SETTINGS_FILE, CommonLayers
from claylake.errors import SettingsError
from infra.dag_check.areas import Areas, read_areas
from infra.dag_check.earlier import HEAD, write_copy, write_revision
from infra.dag_check.errors import CheckError


def common_of(settings: Path, folder: Path) -> CommonLayers:
    """What a settings file says, whatever its name.

    Args:
        settings: the file.
        folder: one that is not there yet, for a copy.

    Raises:
        SettingsError: it is not readable, or a setting is wrong.
    """
    folder.mkdir()
    (folder / SETTINGS_FILE).write_bytes(settings.read_bytes())
    common = CommonLayers.read(folder)
    common.settings(None, {})
    return common


def earlier_areas(aois: Path, settings: Path, before: str, scratch: Path) -> tuple[Areas | None, str]:
    """The AOI files of before, None where there is nothing to compare with; and a sentence that says what they are.

    Args:
        aois: folder of AOI files.
        settings: the settings file, a good one.
        before: folder or commit; empty for what git has committed, if there is a repository.
        scratch: a folder for copies.

    Raises:
        CheckError: `before` is given, and neither a folder nor a commit of the AOI files' repository.
    """
    files, written = scratch / "aois-before", scratch / "settings-before"
    files.mkdir()
    written.mkdir()
    if before and Path(before).is_dir():
        write_copy(Path(before), files)
        return _read(files, settings, scratch), f"History is compared with {before}, with the present settings."
    revision = before or HEAD
    try:
        write_revision(revision, aois, files)
    except CheckError as error:
        if before:
            raise
        return None, f"History is compared with nothing: {error}"
    try:
        write_revision(revision, settings.parent, written)
        was = written / settings.name
        if was.is_file():
            return read_areas(files, common_of(was, scratch / "earlier")), f"History is compared with {revision}."
        why = f"{settings.name} is not in it"
    except (CheckError, SettingsError) as error:
        why = str(error)
    return _read(files, settings, scratch), f"History is compared with {revision}, with the present settings ({why})."


def _read(files: Path, settings: Path, scratch: Path) -> Areas:
    return read_areas(files, common_of(settings, scratch / "present"))
