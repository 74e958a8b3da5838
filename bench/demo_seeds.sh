#!/usr/bin/env bash
# Makes the README's table: three seeds of the demo, of r1_zero, of countdown, and of a control with shuffled rewards.
#   bash bench/demo_seeds.sh [FOLDER FOR THE RUNS]
set -euo pipefail
runs=${1:-runs/seeds}
python=${PYTHON:-.venv/bin/python}
for seed in 0 1 2; do
  $python -m r1lite.train experiment=demo seed=$seed run_dir="$runs/demo-$seed" rl.show_every=0
  $python -m r1lite.train experiment=r1_zero seed=$seed run_dir="$runs/r1_zero-$seed" rl.show_every=0
  $python -m r1lite.train experiment=r1_zero seed=$seed run_dir="$runs/shuffled-$seed" rl.show_every=0 rl.shuffle_rewards=true
  $python -m r1lite.train experiment=r1_zero seed=$seed run_dir="$runs/countdown-$seed" rl.show_every=0 task=countdown
done
$python -m bench.seeds_table "$runs"
