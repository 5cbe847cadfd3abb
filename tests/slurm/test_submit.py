"""slurm/submit.sh with one study and the sbatch files, against the stand-ins of cluster.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster import ROOT, Cluster

STAGES = ["record", "reduce", "verify", "report"]


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def test_the_stages_form_a_chain(cluster: Cluster) -> None:
    done = cluster.submit("study.ini", "--run.seed", "3", "--corpus.sets=a,b")
    assert done.returncode == 0, done.stderr
    jobs = cluster.calls("sbatch")
    scripts = [next(word for word in job if word.endswith(".sbatch")) for job in jobs]
    assert [Path(script).stem for script in scripts] == STAGES
    assert [[word for word in job if word.startswith("--dependency")] for job in jobs] == [
        [],
        ["--dependency=afterok:101"],
        ["--dependency=afterok:102"],
        ["--dependency=afterok:103"],
    ]
    study = str(cluster.folder / "study.ini")
    for job in jobs[:3]:
        assert job[-5:] == [str(ROOT), study, "--run.seed", "3", "--corpus.sets=a,b"]
    assert jobs[3][-2:] == [str(ROOT), "/runs/a b"]
    words = ["--run.seed", "3", "--corpus.sets=a,b"]
    assert cluster.calls("moerae") == [["show", study, "run.dir", *words], ["plan", study, *words]]


def test_options_go_to_their_stages(cluster: Cluster) -> None:
    done = cluster.submit(
        *["study.ini", "--stages", "record,report", "--sbatch", "--account=a --partition=p"],
        *["--sbatch-record", "--nodes=4", "--truth", "study.ini", "--run.dir", "other run"],
    )
    assert done.returncode == 0, done.stderr
    record, report = cluster.calls("sbatch")
    assert record[:4] == ["--parsable", "--account=a", "--partition=p", "--nodes=4"]
    assert report[:3] == ["--parsable", "--account=a", "--partition=p"] and "--nodes=4" not in report
    assert report[-3:] == ["/runs/a b", "--truth", str(cluster.folder / "study.ini")]
    assert cluster.calls("moerae")[0] == [
        "show",
        str(cluster.folder / "study.ini"),
        "run.dir",
        "--run.dir",
        "other run",
    ]


def test_words_with_blanks_stay_words(cluster: Cluster) -> None:
    done = cluster.submit(
        *["study.ini", "--stages", "record", "--sbatch", "--comment='two words' --account=a\\ b"],
        *["--sbatch-record", '--constraint="x&y $HOME"', "--corpus.sets", "a b, c"],
    )
    assert done.returncode == 0, done.stderr
    (record,) = cluster.calls("sbatch")
    assert record[1:4] == ["--comment=two words", "--account=a b", "--constraint=x&y $HOME"]
    assert record[-2:] == ["--corpus.sets", "a b, c"]
    done = cluster.submit("study.ini", "--sbatch", "--comment='two words")
    assert done.returncode == 2 and "a quote is open" in done.stderr


def test_dry_run_prints_and_submits_nothing(cluster: Cluster) -> None:
    done = cluster.submit("study.ini", "--dry-run")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["sbatch"] * 4
    assert "afterok:" in lines[1] and "record" in lines[1]
    assert cluster.calls("sbatch") == [] and [call[0] for call in cluster.calls("moerae")] == ["show"]


def test_a_study_with_faults_is_not_submitted(cluster: Cluster) -> None:
    done = cluster.submit("study.ini", EXIT_moerae="2")
    assert done.returncode == 2 and "nothing was submitted" in done.stderr
    assert cluster.calls("sbatch") == []
    assert cluster.submit("study.ini", "--no-plan", EXIT_moerae="2").returncode == 0
    done = cluster.submit("study.ini", "--no-plan", EXIT_show="2")
    assert done.returncode == 2 and "cannot read the study" in done.stderr


def test_a_refused_job_ends_the_chain(cluster: Cluster) -> None:
    done = cluster.submit("study.ini", EXIT_sbatch="1")
    assert done.returncode == 2 and "stage record" in done.stderr
    assert len(cluster.calls("sbatch")) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no study is given"),
        (["no.ini"], "no such study file"),
        (["study.ini", "other.ini"], "one study at a time"),
        (["study.ini", "--stages", "record,train"], "'train' is not a stage"),
        (["study.ini", "--sbatch-train", "x"], "no such stage"),
        (["study.ini", "--truth", "none.json"], "no such file"),
        (["study.ini", "--run.seed"], "needs a value"),
        (["study.ini", "--dryrun"], "unknown option"),
    ],
)
def test_faults_are_named(cluster: Cluster, words: list[str], message: str) -> None:
    done = cluster.submit(*words)
    assert done.returncode == 2 and message in done.stderr
    assert cluster.log.read_text() == ""


def test_a_study_without_run_dir_is_refused(cluster: Cluster) -> None:
    done = cluster.submit("study.ini", RUN_DIR="")
    assert done.returncode == 2 and "run.dir is given neither" in done.stderr


@pytest.mark.parametrize("stage", ["record", "attribute", "reduce", "evaluate", "tune", "verify"])
def test_a_stage_runs_under_srun(cluster: Cluster, stage: str) -> None:
    script = ROOT / f"slurm/{stage}.sbatch"
    # these stop gracefully; the signal would kill the others, and repeating them starts anew
    assert ("#SBATCH --signal=USR1@120\n" in script.read_text()) == (
        stage in ("record", "attribute", "evaluate", "tune")
    )
    done = cluster.run(str(script), str(ROOT), "a.ini", "--run.seed", "1", MOERAE_SRUN="--mpi=pmix")
    assert done.returncode == 0, done.stderr
    program = str(cluster.folder / "bin/moerae")
    words = ["--kill-on-bad-exit=1", "--mpi=pmix", program, stage, "a.ini", "--run.seed", "1"]
    assert cluster.calls("srun") == [words]
    assert cluster.calls("scontrol") == []


def test_the_report_gets_the_run(cluster: Cluster) -> None:
    done = cluster.run(str(ROOT / "slurm/report.sbatch"), str(ROOT), "runs/a", MOERAE_PYTHON="py")
    assert done.returncode == 0, done.stderr
    assert cluster.calls("srun") == [["--kill-on-bad-exit=1", "py", "-m", "moerae", "report", "runs/a"]]


def test_a_stopped_stage_is_queued_again(cluster: Cluster) -> None:
    record = [str(ROOT / "slurm/record.sbatch"), str(ROOT), "a.ini"]
    done = cluster.run(*record, EXIT_srun="75", SLURM_JOB_ID="7")
    assert done.returncode == 75 and cluster.calls("scontrol") == [["requeue", "7"]]
    again = cluster.run(*record, EXIT_srun="75", SLURM_JOB_ID="7", SLURM_RESTART_COUNT="3", MOERAE_MAX_RESTARTS="3")
    assert again.returncode == 75 and "stopped early 4 times" in again.stderr
    assert len(cluster.calls("scontrol")) == 1


def test_a_stopped_task_of_an_array_is_queued_again_alone(cluster: Cluster) -> None:
    """The last task of an array has the array's own id, and `scontrol requeue` of that would restart all of it."""
    task = {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"}
    record = [str(ROOT / "slurm/record.sbatch"), str(ROOT), "a.ini"]
    done = cluster.run(*record, EXIT_srun="75", SLURM_JOB_ID="7", **task)
    assert done.returncode == 75 and cluster.calls("scontrol") == [["requeue", "7_2"]]


@pytest.mark.parametrize("code", ["1", "2", "3"])
def test_a_failed_stage_is_not(cluster: Cluster, code: str) -> None:
    done = cluster.run(str(ROOT / "slurm/record.sbatch"), str(ROOT), "a.ini", EXIT_srun=code, SLURM_JOB_ID="7")
    assert done.returncode == int(code) and cluster.calls("scontrol") == []
