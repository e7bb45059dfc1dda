"""Mirrors runtime/airvec/deploy/image_texts.py."""

import pytest

from airvec import __version__
from airvec.deploy.image_texts import image_texts
from airvec.folder import DENSE, RERANKER, SPARSE

KINDS = {DENSE: "/encode", SPARSE: "/sparse", RERANKER: "/rerank"}


def lines(text: str, instruction: str) -> list[str]:
    return [line.removeprefix(instruction).strip() for line in text.splitlines() if line.startswith(f"{instruction} ")]


def test_the_image_is_slim_not_root_and_checks_itself():
    text = image_texts("3.12", ["amd64"], ["model"], DENSE)["Dockerfile"]
    assert lines(text, "ARG") == ["BASE=python:3.12-slim"]
    assert lines(text, "FROM") == ["--platform=linux/amd64 ${BASE}"]
    assert lines(text, "USER") == ["10001:10001"]
    assert lines(text, "CMD") == ['["python", "-m", "airvec.http_server"]']
    assert lines(text, "HEALTHCHECK")[0].endswith('CMD ["python", "-m", "airvec.http_server", "--check"]')
    assert lines(text, "EXPOSE") == ["8080"]
    assert "AIRVEC_PORT=8080" in lines(text, "ENV")[0]


def test_nothing_is_run_or_fetched_while_it_is_built():
    texts = image_texts("3.13", ["amd64"], ["model", "index"], DENSE)
    for name in ("Dockerfile", "Dockerfile.lambda"):
        assert not lines(texts[name], "RUN")
        assert not lines(texts[name], "ADD")


@pytest.mark.parametrize("folders", [[], ["model"], ["model", "reranker", "index"]])
def test_each_part_is_a_layer_of_its_own_and_found_by_airvec(folders):
    texts = image_texts("3.13", ["amd64", "arm64"], folders, DENSE)
    parts = ["lib", *folders]
    assert lines(texts["Dockerfile"], "COPY") == [f"${{TARGETARCH}}/{name}/ /opt/airvec/{name}/" for name in parts]
    function = texts["Dockerfile.lambda"]
    assert lines(function, "COPY")[1:] == [f"${{TARGETARCH}}/{name}/ /opt/{name}/" for name in folders]
    named = lines(function, "ENV")[0].split() if folders else []
    assert named == [f"AIRVEC_{name.upper()}=/opt/{name}" for name in folders]


def test_only_what_is_copied_is_sent_to_the_builder():
    assert image_texts("3.13", ["amd64", "arm64"], [], DENSE)[".dockerignore"].split() == ["*", "!amd64/", "!arm64/"]


def test_an_image_of_one_processor_is_built_right_on_any_other_and_by_any_builder():
    texts = image_texts("3.13", ["arm64"], ["model"], DENSE)
    for name in ("Dockerfile", "Dockerfile.lambda"):
        assert "TARGETARCH" not in texts[name]  # the builder before BuildKit leaves it empty
        assert [line.split("/")[0] for line in lines(texts[name], "COPY")] == ["arm64", "arm64"]
    assert "docker build --platform linux/arm64 -t airvec ." in texts["README.txt"]
    assert "BuildKit" not in texts["README.txt"]


def test_a_choice_of_processors_needs_the_builder_that_makes_it():
    texts = image_texts("3.13", ["amd64", "arm64"], [], DENSE)
    for name in ("Dockerfile", "Dockerfile.lambda"):
        assert lines(texts[name], "ARG")[1:] == ["TARGETARCH"]
        assert lines(texts[name], "FROM") == ["${BASE}"]
    assert "needs BuildKit" in texts["README.txt"]


def test_an_image_says_what_it_is():
    label = lines(image_texts("3.13", ["amd64"], [], DENSE)["Dockerfile"], "LABEL")
    assert label == [f'org.opencontainers.image.title="airvec" org.opencontainers.image.version="{__version__}"']


@pytest.mark.parametrize("kind", KINDS)
def test_the_readme_asks_what_the_model_can_answer(kind):
    assert f"curl localhost:8080{KINDS[kind]} -d '{{" in image_texts("3.13", ["amd64"], ["model"], kind)["README.txt"]


def test_lambda_gets_its_dockerfile_for_the_pythons_that_it_has():
    texts = image_texts("3.13", ["arm64"], [], DENSE)
    assert lines(texts["Dockerfile.lambda"], "ARG") == ["BASE=public.ecr.aws/lambda/python:3.13"]
    assert lines(texts["Dockerfile.lambda"], "FROM") == ["--platform=linux/arm64 ${BASE}"]
    assert lines(texts["Dockerfile.lambda"], "CMD") == ['["airvec.serverless.handler"]']
    assert "docker build --platform linux/arm64 -f Dockerfile.lambda" in texts["README.txt"]
    assert "--package-type Image --architectures arm64" in texts["README.txt"]
    texts = image_texts("3.11", ["arm64"], [], DENSE)
    assert "Dockerfile.lambda" not in texts
    assert "Lambda" not in texts["README.txt"]
