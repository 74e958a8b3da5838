#!/bin/sh
# The whole example, from random weights to the table. The same command goes on where it stopped.
set -e
cd "$(dirname "$0")/../.."
PYTHON=${PYTHON:-.venv/bin/python}

train() { "$PYTHON" -m r1lite.train --config-dir examples/matchmaker/conf "$@"; }

train experiment=matchmaker_base run_dir=runs/matchmaker_base "$@"
train experiment=matchmaker_student run_dir=runs/matchmaker_student "$@"
train experiment=matchmaker run_dir=runs/matchmaker "$@"

for stage in cold_start rl distill; do
  train experiment=matchmaker_table "model.path=runs/matchmaker/$stage/final" "run_dir=runs/matchmaker_$stage" "$@"
done
"$PYTHON" examples/matchmaker/table.py runs/matchmaker_cold_start runs/matchmaker_rl runs/matchmaker_distill
