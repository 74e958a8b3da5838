#!/usr/bin/env bash
# A run on a Slurm allocation: the first nodes train, the others serve vLLM. Preempted, it stops with a checkpoint and is queued again.
#
#   sbatch --partition=NAME --nodes=3 --gpus-per-node=8 examples/cluster/slurm.sh experiment=r1_zero run_dir=/shared/runs/r1_zero
#
# Submit it with r1lite, torchrun and curl on PATH. The arguments are settings of the run; run_dir must be a folder that all nodes
# share at the same path. These variables say what runs where:
#   TRAIN_NODES=1   nodes that train
#   PROCESSES=8     trainer processes on each of them, one for each GPU
#   SERVERS=8       servers on each of the other nodes, one for each GPU
#   PORT=8001       of a node's first server; whoever reaches it can change its weights, so the nodes' network must be private
#SBATCH --job-name=r1lite
#SBATCH --output=r1lite-%j.log
#SBATCH --open-mode=append
#SBATCH --exclusive
#SBATCH --ntasks-per-node=1
#SBATCH --requeue
#SBATCH --signal=B:TERM@180
set -euo pipefail

fail() {
  echo "error: $1" >&2
  exit 2
}

[[ -n ${SLURM_JOB_ID:-} ]] || fail "submit this file: sbatch --partition=NAME --nodes=N $0 SETTINGS"
[[ -n ${SLURM_JOB_PARTITION:-} ]] || fail "the job has no partition: submit it with sbatch --partition=NAME (sinfo lists them)"
run_dir=
for setting in "$@"; do
  [[ $setting != run_dir=* ]] || run_dir=${setting#run_dir=}
done
[[ $run_dir == /* ]] || fail "set run_dir= to an absolute path of a folder that all nodes share: a job that is queued again resumes there"

TRAIN_NODES=${TRAIN_NODES:-1} PROCESSES=${PROCESSES:-8} SERVERS=${SERVERS:-8} PORT=${PORT:-8001}
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
((${#nodes[@]} > TRAIN_NODES)) || fail "${#nodes[@]} nodes, of which $TRAIN_NODES train, leave none for servers: ask for more with --nodes"
trainers=("${nodes[@]:0:TRAIN_NODES}") serving=("${nodes[@]:TRAIN_NODES}")

cores=${SLURM_CPUS_ON_NODE:-1} # steps do not take those of the job by themselves
urls=() steps=()
stopped=
trainer=
end_servers() { kill "${steps[@]}" 2>/dev/null || true; }
trap 'stopped=yes; [[ -z $trainer ]] || kill -TERM "$trainer"' TERM # srun passes it on; the run finishes its step
trap end_servers EXIT

for node in "${serving[@]}"; do
  srun --nodes=1 --ntasks=1 --cpus-per-task="$cores" --nodelist="$node" \
    r1lite launch only=servers servers="$SERVERS" host="$node" port="$PORT" "$@" "run_dir=$run_dir/servers/$node" &
  steps+=($!)
  for ((i = 0; i < SERVERS; i++)); do urls+=("http://$node:$((PORT + i))"); done
done

for url in "${urls[@]}"; do
  until curl --silent --fail --noproxy '*' --output /dev/null "$url/health"; do
    [[ -z $stopped ]] || break 2
    jobs -r | grep -q . || fail "all servers have ended; their logs are in $run_dir/servers"
    sleep 2
  done
done

code=143
if [[ -z $stopped ]]; then
  list=$(IFS=,; echo "${urls[*]}")
  srun --nodes="$TRAIN_NODES" --ntasks="$TRAIN_NODES" --cpus-per-task="$cores" --kill-on-bad-exit=1 \
    --nodelist="$(IFS=,; echo "${trainers[*]}")" \
    torchrun --nnodes="$TRAIN_NODES" --nproc-per-node="$PROCESSES" --rdzv-backend=c10d --rdzv-id="$SLURM_JOB_ID" \
    --rdzv-endpoint="${trainers[0]}:29500" -m r1lite.train "$@" sampler=vllm_server "sampler.urls=[$list]" \
    "sampler.sync_folder=$run_dir/weights" &
  trainer=$!
  code=0
  wait "$trainer" || code=$?
  # A signal ends `wait` at once, while the run still finishes its step.
  while kill -0 "$trainer" 2>/dev/null; do
    code=0
    wait "$trainer" || code=$?
  done
fi

if [[ -n $stopped ]]; then
  echo "stopped: the job is queued again, and resumes from the last checkpoint"
  end_servers
  scontrol requeue "$SLURM_JOB_ID"
  exit 143
fi
exit "$code"
