"""Model folders with OpenVINO graphs, made from the ONNX graphs of other test folders."""

from pathlib import Path

from airvec_exporter.openvino import write_ir


def as_openvino(folder: Path) -> Path:
    """Put an OpenVINO graph in the place of every ONNX graph of a folder, under the name that it has there."""
    for graph in sorted(folder.rglob("*.onnx")):
        home = graph.parent.parent if graph.parent.name == "onnx" else graph.parent
        write_ir(graph, home / "openvino" / f"openvino_{graph.stem}.xml")
        graph.unlink()
    return folder
