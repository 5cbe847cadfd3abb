# shellcheck shell=bash disable=SC2034
# What a cluster needs to know. Copy it to slurm/site.sh, which is sourced where jobs are submitted and where they run; nothing
# else has to be edited.

# module load openmpi hdf5 boost              # what the program was built with
# MOERAE_SBATCH="--account=a --partition=p"   # options of sbatch for every job
# MOERAE_SRUN="--mpi=pmix"                    # options of srun; `srun --mpi=list` shows what there is
# MOERAE_MEMORY=no                            # jobs of a sweep do not ask for memory: Slurm does not manage it here
# MOERAE_MAX_ARRAY=1001                       # limit of the numbers in an array, where `scontrol show config` does not tell
# MOERAE=/path/to/moerae                      # the program; default build/release/moerae
