"""The texts of a folder to build an image from: two Dockerfiles, .dockerignore and README.txt.

Knows nothing of how packages and models come to lie beside them.
"""

from collections.abc import Mapping, Sequence

from airvec import __version__
from airvec.deploy.target import LAMBDA_PYTHONS
from airvec.folder import DENSE, RERANKER, SPARSE

PORT = 8080
# One COPY a part: another model leaves the layer of the packages as it was.
DOCKERFILE = """\
# airvec {version}: POST JSON to /encode, /similarity, /rerank, /search or /sparse; GET /health. README.txt says more.
ARG BASE=python:{python}-slim
FROM {platform}${{BASE}}
{labels}{copies}
# docker run -e sets more: AIRVEC_THREADS (default: the CPUs that the container may use), AIRVEC_MAX_TEXTS,
# AIRVEC_MAX_TOKENS, AIRVEC_MAX_BODY_BYTES, AIRVEC_MAX_AT_ONCE (as many as threads), AIRVEC_LOG=off.
ENV PYTHONPATH=/opt/airvec/lib PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 AIRVEC_PORT={port}
WORKDIR /opt/airvec
# By number, which Kubernetes can check with runAsNonRoot; nothing is written, so --read-only works.
USER 10001:10001
EXPOSE {port}
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-m", "airvec.http_server", "--check"]
CMD ["python", "-m", "airvec.http_server"]
"""
LAMBDA_DOCKERFILE = """\
# airvec {version} as the image of an AWS Lambda function. README.txt says more.
ARG BASE=public.ecr.aws/lambda/python:{python}
FROM {platform}${{BASE}}
{labels}{copies}
CMD ["airvec.serverless.handler"]
"""
IGNORE = """\
*
{folders}
"""
README = """\
airvec {version} for Python {python} in a container
{rule}

Build, run and ask (here with one CPU, 1 GB, and nothing that can be written to):

    docker build --platform linux/{first} -t airvec .
    docker run --rm --name airvec -p {port}:{port} --read-only --cpus 1 --memory 1g airvec
    curl localhost:{port}{path} -d '{request}'
    docker stop -t 60 airvec

{choice} Another base: --build-arg BASE=…
The server is plain HTTP without accounts: put it behind a proxy that has both. As many requests are computed at once
as there are threads (AIRVEC_MAX_AT_ONCE), some wait, more are refused with 503. docker stop ends it after the requests
that are being computed; after the seconds of -t, 10 without it, Docker kills it. GET /health says what it holds.
{function}"""
CHOICES = {
    False: "For {processors} alone.",
    True: "For {processors}, as --platform says; without it, for this machine's. That choice needs BuildKit,\n"
    "which is Docker's default since version 23.",
}
FUNCTION = """
As the image of an AWS Lambda function, in a repository of Amazon ECR of yours and with a role of yours:

    docker build --platform linux/{first} -f Dockerfile.lambda --provenance=false -t airvec-lambda .
    REGISTRY=$ACCOUNT.dkr.ecr.$REGION.amazonaws.com
    aws ecr create-repository --repository-name airvec-lambda
    aws ecr get-login-password | docker login --username AWS --password-stdin $REGISTRY
    docker tag airvec-lambda $REGISTRY/airvec-lambda
    docker push $REGISTRY/airvec-lambda
    aws lambda create-function --function-name airvec --package-type Image --architectures {architecture} \\
        --role $ROLE --code ImageUri=$REGISTRY/airvec-lambda:latest --memory-size 1769 --timeout 30
"""
LAMBDA_NAMES = {"amd64": "x86_64", "arm64": "arm64"}
# What the model's class is asked, as an example.
REQUESTS = {
    DENSE: ("/encode", '{"texts": ["a small boat"]}'),
    SPARSE: ("/sparse", '{"texts": ["a small boat"]}'),
    RERANKER: ("/rerank", '{"query": "boats", "documents": ["a small boat", "a car"]}'),
}


def image_texts(python: str, processors: Sequence[str], folders: Sequence[str], kind: str) -> Mapping[str, str]:
    """File name → text.

    Args:
        python: version, such as `"3.13"`.
        processors: Docker's names of those that there is a folder for.
        folders: those of `"model"`, `"reranker"` and `"index"` that lie in it, beside `lib`.
        kind: the class of the model, for an example.
    """
    several = len(processors) > 1
    path, request = REQUESTS[kind]
    function = FUNCTION.format(first=processors[0], architecture=LAMBDA_NAMES[processors[0]])
    in_lambda = python in LAMBDA_PYTHONS
    title = f"airvec {__version__} for Python {python} in a container"
    copies = [f"COPY {_source(processors)}/{name}/ /opt/airvec/{name}/" for name in ("lib", *folders)]
    texts = {
        "Dockerfile": _dockerfile(DOCKERFILE, python, processors, copies),
        ".dockerignore": IGNORE.format(folders="\n".join(f"!{name}/" for name in processors)),
        "README.txt": README.format(
            version=__version__, python=python, rule="=" * len(title), port=PORT, path=path, request=request,
            choice=CHOICES[several].format(processors=" and ".join(processors)), first=processors[0],
            function=function if in_lambda else "",
        ),
    }  # fmt: skip
    if in_lambda:
        texts["Dockerfile.lambda"] = _lambda_dockerfile(python, processors, folders)
    return texts


def _lambda_dockerfile(python: str, processors: Sequence[str], folders: Sequence[str]) -> str:
    lines = [f"COPY {_source(processors)}/lib/ ${{LAMBDA_TASK_ROOT}}/"]
    lines += [f"COPY {_source(processors)}/{name}/ /opt/{name}/" for name in folders]
    if folders:
        lines.append("ENV " + " ".join(f"AIRVEC_{name.upper()}=/opt/{name}" for name in folders))
    return _dockerfile(LAMBDA_DOCKERFILE, python, processors, lines)


def _source(processors: Sequence[str]) -> str:
    """The folder to copy from. Only BuildKit sets the variable; a single folder needs none."""
    return processors[0] if len(processors) == 1 else "${TARGETARCH}"


def _dockerfile(template: str, python: str, processors: Sequence[str], lines: Sequence[str]) -> str:
    single = len(processors) == 1
    labels = f'LABEL org.opencontainers.image.title="airvec" org.opencontainers.image.version="{__version__}"\n'
    return template.format(
        version=__version__, python=python, port=PORT, labels=labels if single else f"ARG TARGETARCH\n{labels}",
        platform=f"--platform=linux/{processors[0]} " if single else "", copies="\n".join(lines),
    )  # fmt: skip
