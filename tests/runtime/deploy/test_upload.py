"""Mirrors runtime/airvec/deploy/upload.py."""

import shlex
from pathlib import Path

from airvec.deploy.target import Target
from airvec.deploy.upload import upload_commands

TARGET = Target("3.13", "arm64")


def test_two_commands_make_a_layer_and_a_function():
    layer, function = upload_commands(Path("my layer.zip"), Path("my layer-function.zip"), 1000, TARGET)
    assert "publish-layer-version --layer-name my-layer --zip-file 'fileb://my layer.zip'" in layer
    assert "--compatible-runtimes python3.13 --compatible-architectures arm64" in layer
    words = shlex.split(function)
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options["--handler"] == "airvec.serverless.handler"
    assert options["--zip-file"] == "fileb://my layer-function.zip"
    assert (options["--runtime"], options["--architectures"], options["--layers"]) == ("python3.13", "arm64", "$LAYER")


def test_what_is_too_large_for_a_direct_upload_goes_by_way_of_s3():
    copy, layer, _ = upload_commands(Path("out/big.zip"), Path("f.zip"), 50 * 2**20 + 1, TARGET)
    assert copy == "aws s3 cp out/big.zip s3://BUCKET/big.zip"
    assert "--content S3Bucket=BUCKET,S3Key=big.zip" in layer
    assert "fileb" not in layer
    assert len(upload_commands(Path("big.zip"), Path("f.zip"), 50 * 2**20, TARGET)) == 2
