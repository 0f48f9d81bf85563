"""What type checkers see of flows and tasks: `checked.py` must pass and each marked line of `refused.txt` must not."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SETTINGS = {
    "typeCheckingMode": "strict",
    "pythonVersion": "3.11",
    "reportUnusedExpression": "none",
    "reportUnusedCallResult": "none",
}


def test_pyright_takes_what_is_right_and_refuses_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(SETTINGS))
    shutil.copy(HERE / "checked.py", tmp_path / "checked.py")
    shutil.copy(HERE / "refused.txt", tmp_path / "refused.py")
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)["generalDiagnostics"]
    errors = {(Path(one["file"]).name, one["range"]["start"]["line"] + 1): one["message"] for one in found}
    assert {where: text for where, text in errors.items() if where[0] == "checked.py"} == {}
    refused = {line for name, line in errors if name == "refused.py"}
    lines = (HERE / "refused.txt").read_text().splitlines()
    marked = {number for number, line in enumerate(lines, 1) if re.search(r"# refused$", line)}
    assert len(marked) > 15
    assert refused == marked
