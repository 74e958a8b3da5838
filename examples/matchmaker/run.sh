#!/bin/sh
# The whole example, from random weights to the table. The same command resumes it. Settings are passed to every run.
#     SEEDS="0 1 2" sh examples/matchmaker/run.sh threads=1
# trains a teacher and a student for each seed, from the same two base models.
set -e
cd "$(dirname "$0")/../.."
PYTHON=${PYTHON:-.venv/bin/python}

train() { "$PYTHON" -m r1lite.train --config-dir examples/matchmaker/conf "$@"; }

train experiment=matchmaker_base run_dir=runs/matchmaker_base "$@"
train experiment=matchmaker_student run_dir=runs/matchmaker_student "$@"

for seed in ${SEEDS:-0}; do
  run=runs/matchmaker-$seed
  train experiment=matchmaker "seed=$seed" "run_dir=$run" "$@"
  # All models of all seeds are evaluated on the same chats.
  for stage in cold_start rl distill; do
    train experiment=matchmaker_table "model.path=$run/$stage/final" "run_dir=$run/table/$stage" "$@"
  done
  "$PYTHON" examples/matchmaker/table.py "$run"
done
