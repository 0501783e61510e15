"""Figures for programs: what they have of QQ where no way there is set up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conftest import ROOT

SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, "tests")
from staffed import office_in

with office_in(Path(sys.argv[1])) as office:
    print(office.member("zhao").get("/metrics").json()["qq"])
    print(office.stranger().get(f"{office.url}/readyz").json()["qq"])
    assert office.console("zhao").get("/console/analytics").status_code == 200
    assert office.console("zhao").get("/console/settings/qq").status_code == 200
print([name for name in sys.modules if "nonebot" in name])
"""


def test_without_a_way_to_qq_figures_cost_nothing_of_it(tmp_path: Path) -> None:
    """They say that there is none, and NoneBot is not even loaded: not by readiness nor by the console's pages."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.split("\n") == ["None", "[]", "[]", ""], done.stderr
