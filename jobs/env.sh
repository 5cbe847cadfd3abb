# shellcheck shell=bash
# To be sourced before mpirun on a laptop, in a container or in CI: ranks may be root, may be more than the cores, and
# give way to each other while they wait. Not needed under srun.
if [ "$(id -u)" = 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
export OMPI_MCA_rmaps_base_oversubscribe=1      # more ranks than slots
export OMPI_MCA_mpi_yield_when_idle=1           # a waiting rank leaves its core to a working one
export OMPI_MCA_hwloc_base_binding_policy=none  # threads of a rank may use every core
