"""A model folder → the Hub: graphs, weights, settings and card in one commit.

The folder itself is never changed, whatever happens.
Knows nothing of how the folder was made.
"""

from pathlib import Path
from typing import Any

from airvec.errors import ArgumentError, ModelNotFoundError, require
from airvec.hub.files import MODEL_FILES
from airvec_exporter.card import CARD, make_card
from airvec_exporter.push_problems import explain

MESSAGE = "Add model made by airvec"


def push(
    folder: str | Path,
    name: str,
    *,
    private: bool | None = None,
    revision: str | None = None,
    commit_message: str | None = None,
    token: bool | str | None = None,
    create_pr: bool = False,
) -> str:
    """Upload a model folder; files of the repository that the folder lacks stay there.

    Args:
        folder: the model folder, as `export` writes it.
        name: the repository, `ORG/MODEL`, or `MODEL` for one of the token's user; made if there is none.
        private: whether a new repository is private; None = as its owner's settings say.
        revision: the branch, which is made if there is none; None = main.
        commit_message: its first line; None = one that names airvec.
        token: None = HF_TOKEN or the one that `hf auth login` saved.
        create_pr: open a pull request, for those who may not write to the repository.

    Returns:
        The address of the commit or of the pull request.

    Raises:
        ArgumentError: a name that no repository can have, or no token.
        ModelNotFoundError: no model folder.
        ModelFolderError: a README.md whose front matter is damaged.
        PushError: the Hub refuses it, or cannot be reached; nothing was committed.
        MissingPackageError: huggingface_hub is not installed.
    """
    home = Path(folder)
    if not any((home / file).is_file() for file in MODEL_FILES):
        raise ModelNotFoundError(
            f"{home}: holds neither {' nor '.join(MODEL_FILES)}, so it is no model folder. Export one."
        )
    check_name(name)
    require("huggingface_hub", "hub", f"pushing to {name!r}")
    files = {path.relative_to(home).as_posix(): path for path in sorted(home.rglob("*")) if path.is_file()}
    contents: dict[str, Path | bytes] = {path: file for path, file in files.items() if not _is_hidden(path)}
    contents[CARD] = make_card(home, name).encode()
    return upload(contents, name, private=private, revision=revision, token=token, create_pr=create_pr,
                  commit_message=commit_message or MESSAGE)  # fmt: skip


def upload(
    contents: dict[str, Path | bytes],
    name: str,
    *,
    commit_message: str,
    private: bool | None = None,
    revision: str | None = None,
    token: bool | str | None = None,
    create_pr: bool = False,
) -> str:
    """Commit files, by their paths in the repository, which is made if there is none.

    Returns:
        The address of the commit or of the pull request.

    Raises:
        ArgumentError: a name that no repository can have, or no token.
        PushError: the Hub refuses it, or cannot be reached; nothing was committed.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, constants

    api = HfApi(token=token)
    try:
        repository = api.create_repo(name, private=private, exist_ok=True).repo_id
        if revision is not None and not create_pr:
            api.create_branch(repository, branch=revision, exist_ok=True)
        added = [CommitOperationAdd(path, content) for path, content in contents.items()]
        done: Any = api.create_commit(
            repository, added, commit_message=commit_message, revision=revision, create_pr=create_pr
        )
    except Exception as error:  # the client's errors, those of the HTTP library below it, and the disk's
        raise explain(error, name, constants.ENDPOINT) from error
    return str(done.pr_url or done.commit_url)


def files_of(name: str, token: bool | str | None = None) -> dict[str, str | None]:
    """The files of a repository with their SHA-256, which the Hub knows of large ones; none where there is none.

    Raises:
        ArgumentError: a name that no repository can have.
        PushError: the Hub refuses to say, or cannot be reached.
    """
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        found = HfApi(token=token).model_info(name, files_metadata=True).siblings or []
    except RepositoryNotFoundError:
        return {}
    except Exception as error:  # as in `upload`
        raise explain(error, name, constants.ENDPOINT) from error
    return {file.rfilename: file.lfs.sha256 if file.lfs else None for file in found}


def fetch_file(name: str, path: str, folder: Path, token: bool | str | None = None) -> None:
    """Copy a file of a repository into a folder, past the cache.

    Raises:
        PushError: the Hub refuses it, or cannot be reached.
    """
    from huggingface_hub import HfApi, constants

    try:
        HfApi(token=token).hf_hub_download(name, path, local_dir=folder)
    except Exception as error:  # as in `upload`
        raise explain(error, name, constants.ENDPOINT) from error


def check_name(name: object) -> None:
    """Refuse, before any work, what is no repository's name.

    Raises:
        ArgumentError: it is none.
    """
    parts = name.split("/") if isinstance(name, str) else []
    if len(parts) not in (1, 2) or not all(parts) or str(name).startswith((".", "~")) or "\\" in str(name):
        raise ArgumentError(
            f"push: {name!r}, expected the name of a repository on the Hub, such as 'ORG/MODEL'. Correct it."
        )


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))
