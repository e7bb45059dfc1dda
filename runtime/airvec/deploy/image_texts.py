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
FROM python:{python}-slim
ARG TARGETARCH
{copies}
# docker run -e sets more: AIRVEC_THREADS (default: the CPUs that the container may use), AIRVEC_MAX_TEXTS,
# AIRVEC_MAX_TOKENS, AIRVEC_MAX_BODY_BYTES, AIRVEC_LOG=off.
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
FROM public.ecr.aws/lambda/python:{python}
ARG TARGETARCH
{copies}
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

    docker build -t airvec .
    docker run --rm -p {port}:{port} --read-only --cpus 1 --memory 1g airvec
    curl localhost:{port}{path} -d '{request}'

For {processors}: docker build takes the processor that it runs on, or that of --platform linux/{first}.
The server is plain HTTP without accounts: put it behind a proxy that has both. SIGTERM ends it after the requests that
run. GET /health says what it holds.
{function}"""
FUNCTION = """
As the image of an AWS Lambda function:

    docker build -f Dockerfile.lambda --provenance=false -t airvec-lambda .
"""
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
    path, request = REQUESTS[kind]
    in_lambda = python in LAMBDA_PYTHONS
    title = f"airvec {__version__} for Python {python} in a container"
    copies = "\n".join(f"COPY ${{TARGETARCH}}/{name}/ /opt/airvec/{name}/" for name in ("lib", *folders))
    texts = {
        "Dockerfile": DOCKERFILE.format(version=__version__, python=python, port=PORT, copies=copies),
        ".dockerignore": IGNORE.format(folders="\n".join(f"!{name}/" for name in processors)),
        "README.txt": README.format(
            version=__version__, python=python, rule="=" * len(title), port=PORT, path=path, request=request,
            processors=" and ".join(processors), first=processors[0], function=FUNCTION if in_lambda else "",
        ),
    }  # fmt: skip
    if in_lambda:
        texts["Dockerfile.lambda"] = _lambda_dockerfile(python, folders)
    return texts


def _lambda_dockerfile(python: str, folders: Sequence[str]) -> str:
    lines = ["COPY ${TARGETARCH}/lib/ ${LAMBDA_TASK_ROOT}/"]
    lines += [f"COPY ${{TARGETARCH}}/{name}/ /opt/{name}/" for name in folders]
    if folders:
        lines.append("ENV " + " ".join(f"AIRVEC_{name.upper()}=/opt/{name}" for name in folders))
    return LAMBDA_DOCKERFILE.format(version=__version__, python=python, copies="\n".join(lines))
