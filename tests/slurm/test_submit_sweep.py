"""slurm/submit.sh with a sweep: the real program plans, the stand-ins of cluster.py take the place of Slurm."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from cluster import ROOT, Cluster

PROGRAM = Path(os.environ.get("MOERAE", ROOT / "build/release/moerae"))
STUDY = str(ROOT / "jobs/sweep.ini")


class Sweep(Cluster):
    """`folder/sweep` is that of jobs/sweep.ini."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        assert PROGRAM.is_file(), f"{PROGRAM} is not built, so nothing can be tested; run `bash jobs/setup.sh`"
        self.dir = folder / "sweep"

    def submit(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return super().submit(STUDY, "--sweep.dir", str(self.dir), *words, **({"MOERAE": str(PROGRAM)} | env))

    def arrays(self) -> list[list[str]]:
        """[stage, dependency, tasks] of every array, in order."""
        rows = []
        for job in self.calls("sbatch"):
            words = {word.split("=")[0]: word.split("=", 1)[-1] for word in job}
            stage = next(Path(word).stem for word in job if word.endswith(".sbatch"))
            rows.append([stage, words.get("--dependency", ""), words["--array"]])
        return rows

    def noted(self) -> dict[tuple[str, str], str]:
        rows = [line.split("\t") for line in (self.dir / "jobs.tsv").read_text().splitlines()]
        return {(stage, run): job for stage, run, job in rows}


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(tmp_path)


def test_a_cell_waits_for_its_own_record(sweep: Sweep) -> None:
    done = sweep.submit()
    assert done.returncode == 0, done.stderr
    assert sweep.arrays() == [
        ["record", "", "0,1,2%4"],
        *[["reduce", "aftercorr:101", "0,1,2%4"] for _ in range(3)],
    ]
    noted = sweep.noted()
    for task in (sweep.dir / "tasks.tsv").read_text().splitlines()[1:]:
        stage, run, _, _, _, after, *_ = task.split("\t")
        if stage == "reduce":  # the pairs that aftercorr makes: the same number in both arrays
            assert noted["reduce", run].split("_")[1] == noted["record", after].split("_")[1]
    first = sweep.calls("sbatch")[0]
    assert "--ntasks=2" in first and "--cpus-per-task=1" in first and "--time=1:00:00" in first
    assert f"--output={sweep.dir}/log/record-%A_%a.log" in first
    # a task finds its study by its number
    cells = first[first.index("--cells") + 1]
    ran = sweep.run(str(ROOT / "slurm/record.sbatch"), str(ROOT), "--cells", cells, SLURM_ARRAY_TASK_ID="2")
    assert ran.returncode == 0, ran.stderr
    assert sweep.calls("srun")[0][-2] == "record"
    assert Path(sweep.calls("srun")[0][-1]).name.startswith("record-null-")
    ran = sweep.run(str(ROOT / "slurm/record.sbatch"), str(ROOT), "--cells", cells, SLURM_ARRAY_TASK_ID="7")
    assert ran.returncode == 2 and "names no study for task '7'" in ran.stderr


def test_repeating_submits_what_is_neither_complete_nor_queued(sweep: Sweep) -> None:
    assert sweep.submit().returncode == 0
    queue = "\n".join(job for (stage, _), job in sweep.noted().items() if stage == "record")
    before = len(sweep.arrays())
    done = sweep.submit(QUEUE=queue)
    assert done.returncode == 0 and "3 are in the queue already" in done.stdout
    again = sweep.arrays()[before:]  # the reductions have gone; they wait for the records that are there
    assert again == [["reduce", "aftercorr:101", "0,1,2%4"]] * 3
    everything = "\n".join(sweep.noted().values())
    done = sweep.submit(QUEUE=everything)
    assert done.returncode == 0 and "0 arrays of jobs" in done.stdout and "12 are in the queue already" in done.stdout
    # records that are complete are not waited for
    for study in sorted(sweep.dir.glob("record-*.ini")):
        ran = subprocess.run(
            [PROGRAM, "record", study], env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, timeout=60
        )
        assert ran.returncode == 0, ran.stderr
    before = len(sweep.arrays())
    assert sweep.submit().returncode == 0
    assert sweep.arrays()[before:] == [["reduce", "", "0,1,2%4"]] * 3


def test_numbers_of_an_array_of_another_sweep_are_not_paired(sweep: Sweep) -> None:
    """Without the first model the tasks of the others have other numbers than those in the queue."""
    assert sweep.submit().returncode == 0
    records = [job for (stage, _), job in sweep.noted().items() if stage == "record"]
    before = len(sweep.arrays())
    less = ["--sweep.exclude", "model.path = base"]
    assert sweep.submit(*less, QUEUE="\n".join(records)).returncode == 0
    assert sweep.arrays()[before:] == [["reduce", "afterok:101_2", "0%4"]] * 3


def test_arrays_are_cut_at_the_limit(sweep: Sweep) -> None:
    assert sweep.submit("--sweep.at_once=", MAX_ARRAY="2").returncode == 0
    assert sorted(sweep.arrays()) == sorted(
        [["record", "", "0,1"], ["record", "", "0"]]
        + [["reduce", "aftercorr:101", "0,1"]] * 3
        + [["reduce", "aftercorr:102", "0"]] * 3
    )


def test_sizes_of_a_model_are_arrays_of_their_own(sweep: Sweep) -> None:
    words = ["--job.record.tasks", "2|2|8", "--sweep.zip", "model.path+corpus.path+model.dtype+job.record.tasks"]
    site = {"MOERAE_MEMORY": "no", "MOERAE_SBATCH": "--partition=p"}
    assert sweep.submit(*words, "--sbatch", "--account=a", **site).returncode == 0
    jobs = sweep.calls("sbatch")
    assert [row for row in sweep.arrays() if row[0] == "record"] == [["record", "", "0,1%4"], ["record", "", "2%4"]]
    assert "--ntasks=2" in jobs[0] and "--ntasks=8" in jobs[1]
    assert all("--account=a" in job and "--partition=p" in job for job in jobs)
    assert not any(word.startswith("--mem") for job in jobs for word in job)
    assert [row[1] for row in sweep.arrays() if row[2] == "2%4" and row[0] == "reduce"] == ["aftercorr:102"] * 3


def test_a_dry_run_prints_and_submits_nothing(sweep: Sweep) -> None:
    done = sweep.submit("--dry-run")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("sbatch ")]
    assert len(lines) == 4 and "aftercorr:" in lines[1]
    assert sweep.calls("sbatch") == [] and not (sweep.dir / "jobs.tsv").exists()


def test_a_sweep_with_faults_is_not_submitted(sweep: Sweep) -> None:
    done = sweep.submit("--grid.expert", "17")
    assert done.returncode == 2 and "nothing was submitted" in done.stderr and "17" in done.stderr
    assert sweep.calls("sbatch") == [] and not sweep.dir.exists()
    done = sweep.submit("--stages", "record")
    assert done.returncode == 2 and "sweep.stages" in done.stderr


def test_what_was_submitted_before_a_refusal_is_noted(sweep: Sweep) -> None:
    done = sweep.submit(EXIT_sbatch="1")
    assert done.returncode == 2 and "sbatch refused the stage record" in done.stderr
    assert not (sweep.dir / "jobs.tsv").exists()
    assert sweep.submit(EXIT_squeue="1").returncode == 2  # what waits could be submitted twice
