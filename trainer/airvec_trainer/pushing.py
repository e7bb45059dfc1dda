"""`model.push_to_hub(name)`: a model in torch's form -> the Hub, in one commit.

Knows nothing of how a model is saved, and of what the Hub answers: that is `airvec_exporter.pushing`.
"""

import tempfile
from pathlib import Path
from typing import Any, ClassVar

from airvec.errors import ArgumentError, ModelNotFoundError, require
from airvec_exporter.errors import PushError
from airvec_exporter.pushing import check_name, files_of, upload

__all__ = ["Pushing"]

CARD = "README.md"


class Pushing:
    """The method of a model that uploads it."""

    kind: ClassVar[str]

    def push_to_hub(
        self,
        repo_id: str,
        *,
        token: bool | str | None = None,
        private: bool | None = None,
        safe_serialization: bool = True,
        commit_message: str | None = None,
        local_model_path: str | Path | None = None,
        exist_ok: bool = False,
        replace_model_card: bool = False,
        revision: str | None = None,
        create_pr: bool = False,
    ) -> str:
        """Upload the model as `save_pretrained` writes it; export it first for a folder that runs without torch.

        Args:
            repo_id: the repository, `ORG/MODEL`, or `MODEL` for one of the token's user; made if there is none.
            token: None = HF_TOKEN or the one that `hf auth login` saved.
            private: whether a new repository is private; None = as its owner's settings say.
            safe_serialization: only True: weights are safetensors.
            commit_message: its first line; None = one that names the class.
            local_model_path: a folder to upload in place of the model as it is now.
            exist_ok: whether files may go into a repository `ORG/MODEL` that holds some; a pull request always may.
            replace_model_card: whether README.md is replaced where that repository has one.
            revision: the branch, which is made if there is none; None = main.
            create_pr: open a pull request, for those who may not write to the repository.

        Returns:
            The address of the commit or of the pull request.

        Raises:
            ArgumentError: a name that no repository can have, or `safe_serialization=False`.
            ModelNotFoundError: no folder at `local_model_path`.
            PushError: the repository holds files, or the Hub refuses it or cannot be reached; nothing was committed.
            MissingPackageError: huggingface_hub is not installed.
        """
        check_name(repo_id)
        if not safe_serialization:
            raise ArgumentError(
                f"safe_serialization: {safe_serialization!r}, expected True: weights are saved as safetensors, never "
                "as pickles. Leave it out."
            )
        require("huggingface_hub", "hub", f"pushing to {repo_id!r}")
        there = files_of(repo_id, token) if "/" in repo_id else {}  # a bare name would be looked up as nobody's
        if there and not (exist_ok or create_pr):
            raise PushError(
                f"{repo_id}: is there already, with {len(there)} files, expected a new repository. Pass exist_ok=True."
            )
        card = getattr(self, "model_card_data", None)
        if "/" in repo_id and card is not None:
            card.set_model_id(repo_id)  # the card's example opens the model by its name
        with tempfile.TemporaryDirectory(prefix="airvec-") as scratch:
            home = _folder(self, local_model_path, Path(scratch))
            contents = _contents(home)
            if CARD in there and not replace_model_card and local_model_path is None:
                contents.pop(CARD, None)
            message = commit_message or f"Add new {self.kind} model"
            return upload(contents, repo_id, private=private, revision=revision, token=token, create_pr=create_pr,
                          commit_message=message)  # fmt: skip

    save_to_hub = push_to_hub  # its old name


def _folder(model: Any, given: str | Path | None, scratch: Path) -> Path:
    """The folder to upload: the caller's, or the model saved."""
    if given is None:
        model.save_pretrained(scratch / "model")
        return scratch / "model"
    if not Path(given).is_dir():
        raise ModelNotFoundError(f"local_model_path: {str(given)!r}, no such folder. Correct it, or leave it out.")
    return Path(given)


def _contents(home: Path) -> dict[str, Path | bytes]:
    """Files by their paths in the repository, without hidden ones."""
    files = {path.relative_to(home): path for path in sorted(home.rglob("*")) if path.is_file()}
    return {path.as_posix(): file for path, file in files.items() if not any(p.startswith(".") for p in path.parts)}
