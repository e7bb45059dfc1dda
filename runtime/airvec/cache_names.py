"""How the Hub's cache names its folders: `models--ORG--MODEL/snapshots/COMMIT`.

Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
Knows nothing of what lies in them.
"""

import os

from airvec.paths import StrPath


def storage_name(repository: str) -> str:
    """The folder of a repository in the cache.

    >>> storage_name("org/words")
    'models--org--words'
    """
    return f"models--{repository.replace('/', '--')}"


def repository_of(folder: StrPath) -> str | None:
    """The repository that a snapshot's folder, a `plain` path, belongs to; None for any other folder.

    >>> repository_of("cache/models--org--words/snapshots/0a1b2c")
    'org/words'
    """
    snapshots = os.path.dirname(folder)
    home = os.path.basename(os.path.dirname(snapshots))
    if os.path.basename(snapshots) != "snapshots" or not home.startswith("models--"):
        return None
    return home.removeprefix("models--").replace("--", "/")
