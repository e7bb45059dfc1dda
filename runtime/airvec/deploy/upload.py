"""The commands that make a layer and a function of two zips, to copy and paste.

Knows nothing of what is in the zips.
"""

import re
from pathlib import Path
from shlex import quote

from airvec.deploy.sizes import DIRECT_UPLOAD_LIMIT
from airvec.deploy.target import Target

HANDLER = "airvec.serverless.handler"
# Lambda gives a whole CPU from 1,769 MB, and shares of it below.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
MEMORY, SECONDS = 1769, 30


def upload_commands(layer: Path, function: Path, size: int, target: Target) -> list[str]:
    """AWS's command line, one command each; BUCKET and ROLE_ARN are for the reader to fill in.

    Args:
        layer: the layer's zip.
        function: the function's own zip.
        size: bytes of the layer's zip; one that is too large for a direct upload goes by way of S3.
        target: the Python and processor of both.
    """
    name = re.sub(r"[^a-zA-Z0-9_-]+", "-", layer.stem).strip("-") or "airvec"
    content = f"--zip-file {quote(f'fileb://{layer}')}"
    commands: list[str] = []
    if size > DIRECT_UPLOAD_LIMIT:
        commands.append(f"aws s3 cp {quote(str(layer))} s3://BUCKET/{name}.zip")
        content = f"--content S3Bucket=BUCKET,S3Key={name}.zip"
    runtime = f"python{target.python}"
    commands.append(
        f"LAYER=$(aws lambda publish-layer-version --layer-name {name} {content} --compatible-runtimes {runtime} "
        f"--compatible-architectures {target.arch} --query LayerVersionArn --output text)"
    )
    commands.append(
        f"aws lambda create-function --function-name {name} --runtime {runtime} --architectures {target.arch} "
        f"--handler {HANDLER} --layers $LAYER --zip-file {quote(f'fileb://{function}')} "
        f"--memory-size {MEMORY} --timeout {SECONDS} --role ROLE_ARN"
    )
    return commands
