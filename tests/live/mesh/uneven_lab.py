"""`python -m tests.live.mesh.uneven_lab`: the 50/50 lab in a mesh where the rule says 55/45; its verdicts as JSON."""

from __future__ import annotations

import json
import sys

import yaml

from meshctl.labs import engine, stage
from meshctl.labs.catalog import find
from meshctl.labs.engine import Options
from meshctl.labs.live import LiveMesh, live
from meshctl.mesh.clusters import Mesh
from meshctl.providers import choose
from meshctl.render.manifest import Manifest
from meshctl.validate import find_topology


class Uneven(LiveMesh):
    """A mesh in which somebody changes a weight by five points as soon as the rule is there."""

    def apply(self, manifest: Manifest) -> None:
        text = yaml.safe_dump(manifest).replace("us-central3/z3/*: 50", "us-central3/z3/*: 55")
        super().apply(yaml.safe_load(text.replace("us-central2/z2/*: 50", "us-central2/z2/*: 45")))


def main() -> None:
    # The weights that the stage waits for never come.
    stage.CONFIGURED_SECONDS = 2.0
    topology = find_topology(preset="classroom")
    provider = choose.provider(topology)
    honest = live(topology, provider)
    mesh: Mesh = honest._mesh
    options = Options(acts=("course",))
    (result,) = engine.run(find(["distribute-2"])[0], Uneven(mesh, provider), options, lambda _: None)
    json.dump({finding.name: finding.verdict for finding in result.findings}, sys.stdout)


if __name__ == "__main__":
    main()
